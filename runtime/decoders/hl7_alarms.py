"""Alarms that a gateway tells to DeviceAlarms: those that the monitor holds active, and no others.

    ORU^R40 (IHE PCD-04), one alarm per OBX-4 stem:
        OBX||ST|196670^MDC_EVT_LO^MDC              |1.3.1.150456.1|Low SpO2|||L~PM~SP       what, how urgent
        OBX||CWE|196616^MDC_EVT_ALARM^MDC          |1.0.0.0.1|196940^MDC_EVT_...^MDC|||ST   or so
        OBX||ST|68481^MDC_ATTR_EVENT_PHASE^MDC     |1.3.1.150456.3|start            end, reset: over
        OBX||ST|68482^MDC_ATTR_ALARM_STATE^MDC     |1.3.1.150456.4|active           inactive: over
    Philips, among the numerics: OBX||TX|5^HardInop^MDIL-ALERT||SpO2T No Pulse||||||F
    Mindray PDS, likewise:       OBX||CE|2|1|10033^**SpO2 TOO HIGH||||||F|||20070106193145|     4: technical
OBX-8 holds abnormality, priority (PH, PM, PL, PN) and type (SP physiological, ST technical, SA advisory), in
any order; some senders write rows of their own for the last two. Senders number the facets differently, so
their mnemonic counts as well. A paused or silenced alarm is still active. Without a priority: low.

Source: IHE Devices Technical Framework, volume 2, PCD-04 (Report Alert).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.hl7_message import components, unescape
from barocast.runtime.decoders.hl7_time import Times
from barocast.runtime.domain import DeviceAlarm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.hl7_message import Message, Separators
    from barocast.runtime.decoders.hl7_rows import Row

_FACETS: Final = MappingProxyType(
    {
        "MDC_ATTR_ALERT_SOURCE": "source",
        "MDC_ATTR_EVENT_PHASE": "phase",
        "MDC_ATTR_ALARM_STATE": "state",
        "MDC_ATTR_ALARM_INACTIVATION_STATE": "inactivation",
        "MDC_ATTR_ALARM_PRIORITY": "priority",
        "MDC_ATTR_ALERT_PRIORITY": "priority",
        "MDC_ATTR_ALERT_TYPE": "type",
        "68480": "source",
        "68481": "phase",
        "68482": "state",
        "68483": "inactivation",
        "68484": "priority",
        "68485": "type",
    }
)
_ANY_ALARM: Final = "196616"  # MDC_EVT_ALARM: which one is told in OBX-5
_OVER: Final = frozenset({"end", "reset", "inactive"})
_PRIORITIES: Final = MappingProxyType({"PH": "high", "PM": "medium", "PL": "low", "PN": "low"})
_MDIL: Final = MappingProxyType(
    {"1": ("high", False), "2": ("medium", False), "5": ("medium", True), "6": ("low", True)}
)
"""Red, yellow, hard INOP, soft INOP -> priority, technical."""
_MINDRAY: Final = MappingProxyType({"2": False, "4": True})
_MARKS: Final = MappingProxyType({"***": "high", "**": "medium"})  # IEC 60601-1-8, before the text


@dataclass(slots=True)
class _Report:
    """The rows of one alarm."""

    event: list[str]
    """Fields of the row that names it."""
    t_s: float | None
    facets: dict[str, str] = field(default_factory=dict)
    """Name -> OBX-5."""


def reported(message: Message) -> list[DeviceAlarm]:
    """Give the active alarms of an ORU^R40."""
    separators = message.separators
    return [
        _alarm(report, separators)
        for report in _reports(message)
        if not _OVER & {_word(report, name, separators).lower() for name in ("phase", "state")}
    ]


def told(row: Row, separators: Separators) -> DeviceAlarm | None:
    """Give the alarm that a row among the measurements tells, None when it tells none."""
    term = row.term
    if term.no_result:
        return None
    if term.system == "MDIL-ALERT":
        text = _text(row.value, separators)
        return DeviceAlarm(term.code, text, row.t_s, *_MDIL.get(term.code, ("low", False))) if text else None
    if term.system == "MINDRAY" and term.kind == "CE" and term.code in _MINDRAY:
        code, text, *_ = [*components(row.value, separators.component), ""]
        plain = text.lstrip("*")
        priority = _MARKS.get(text[: len(text) - len(plain)], "low")
        return DeviceAlarm(code, _text(plain, separators), row.t_s, priority, _MINDRAY[term.code])
    return None


def _reports(message: Message) -> Iterator[_Report]:
    """Gather the rows of each alarm: those of one OBR whose paths differ in the last part only."""
    separators = message.separators
    times = Times(message.header.field(7))
    reports: dict[tuple[int, str], _Report] = {}
    groups = 0
    for fields in message.body:
        if fields[0] == "OBR":
            groups += 1
            times.group(fields[7], fields[8])
        elif fields[0] == "OBX":
            key = (groups, fields[4].rpartition(".")[0])
            code, mnemonic, *_ = [*components(fields[3], separators.component), ""]
            facet = _FACETS.get(mnemonic) or _FACETS.get(code)
            if key not in reports and facet is None:
                reports[key] = _Report(fields, times.of(fields[14]))
            elif key in reports and facet is not None:
                reports[key].facets[facet] = fields[5]
    yield from reports.values()


def _alarm(report: _Report, separators: Separators) -> DeviceAlarm:
    said = {word.strip().upper() for word in report.event[8].split(separators.repetition)}
    said |= {_word(report, name, separators).upper() for name in ("priority", "type")}
    code, text = _named(report.event, separators)
    priority = next((_PRIORITIES[word] for word in _PRIORITIES if word in said), "low")
    return DeviceAlarm(code, text, report.t_s, priority, "ST" in said)


def _named(event: list[str], separators: Separators) -> tuple[str, str]:
    """Give the code and the words of an event row; the words are OBX-5's, else a mnemonic."""
    code = components(event[3], separators.component)
    value = components(event[5], separators.component)
    if code[0] != _ANY_ALARM:
        return code[0], _text(value[0], separators) or "".join(code[1:2])
    written = [_text(part, separators) for part in (*value[8:9], *value[1:2])]  # CWE-9 is the original text
    return value[0], next((text for text in written if text), "")


def _word(report: _Report, name: str, separators: Separators) -> str:
    """Give the first component of a facet that says anything."""
    said = components(report.facets.get(name, ""), separators.component)
    return next((part for part in said if part), "")


def _text(told: str, separators: Separators) -> str:
    return " ".join(unescape(told, separators).split())
