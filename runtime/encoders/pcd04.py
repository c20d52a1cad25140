r"""One alarm report as IHE PCD-04 (Report Alert): ORU^R40^ORU_R40 of HL7 2.6, an OBR and its facets.

    MSH|^~\&|BAROCAST|OR 3|...|..|time||ORU^R40^ORU_R40|control id|P|2.6|||AL|NE||UNICODE UTF-8|||IHE..
    PID|1                                    nobody: no person's identity is known here
    PV1|1|U|^^bed
    OBR|1||report^bed|196616^MDC_EVT_ALARM^MDC|||start|end|...|^alarm&bed             29: whose report it is
    NTE|1||not to be relied on ...
    OBX|1|ST |0^MDCX_EVT_FORECAST_HYPOTENSION^MDC        |stem.1|words|||L~PM~SA|||R|||time||||BAROCAST^model
    OBX|2|CWE|68480^MDC_ATTR_ALERT_SOURCE^MDC            |stem.2|150039^MDC_PRESS_BLD_ART_ABP_MEAN^MDC
    OBX|3|ST |68481^MDC_ATTR_EVENT_PHASE^MDC             |stem.3|start, continue, update, escalate, ..., end
    OBX|4|ST |68482^MDC_ATTR_ALARM_STATE^MDC             |stem.4|inactive, active, latched
    OBX|5|ST |68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC|stem.5|enabled, ..., alert-acknowledged
    OBX|6|NM |0^MDCX_RISK_HYPOTENSION_5MIN^MDC           |stem.6|3.1|262688^MDC_DIM_PERCENT^MDC  7, 8: later

OBX-8 is abnormality, priority (PL, PM, PH) and type: SA, an advisory, for a forecast, as nothing is measured
yet; ST for the equipment. IEEE 11073-10101 has no term for a forecast, nor for most of what may fail in this
box: their codes are private, in IHE's style `0^MDCX_...`, the condition's name in capitals.
MSH-15/16 AL, NE: a commit acknowledgement of every message, and no other.

Source: IHE PCD Technical Framework, volume 2, 3.4 (PCD-04) and appendix B.8 (facets).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.alarm.events import Inactivation, Part
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.encoders.alert_phases import Phase
from barocast.runtime.encoders.hl7_text import text, time
from barocast.runtime.encoders.notice import NOTICE

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import Condition
    from barocast.runtime.encoders.alert_phases import Report

PROFILE: Final = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.4.1^ISO"
PRIORITIES: Final = MappingProxyType({Priority.LOW: "PL", Priority.MEDIUM: "PM", Priority.HIGH: "PH"})
INACTIVATIONS: Final = MappingProxyType(
    {state: str(state) for state in Inactivation} | {Inactivation.ACKNOWLEDGED: "alert-acknowledged"}
)
STANDARD_EVENTS: Final = MappingProxyType({str(Part.SIGNAL): "196660^MDC_EVT_INOP^MDC"})
"""Condition's name -> its event, where IEEE 11073-10101 has one; all others are private."""
ABOUT_PATIENT: Final = ("1.1.1.150039", "150039^MDC_PRESS_BLD_ART_ABP_MEAN^MDC")
ABOUT_BOX: Final = ("1.0.0.0", "0^MDCX_DEV_HYPOTENSION_FORECAST_MDS^MDC")
"""OBX-4 without the facet, and the source."""
_PERCENT: Final = "262688^MDC_DIM_PERCENT^MDC"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks to whom: what stays the same in every message."""

    bed: str
    """MSH-4, PV1-3, and the namespace of all ids."""
    bundle: str
    """The model's id."""
    run: str
    """Tells the alarms of one run of the program from those of another; at most 10 characters."""
    application: str = ""
    """MSH-5, the receiver."""
    facility: str = ""
    """MSH-6, where it stands."""
    processing: str = "P"
    """MSH-11: P production, T training, D debugging."""


def control_id(sender: Sender, serial: int) -> str:
    """Give MSH-10 of a run's message number `serial`; at most 20 characters for 10^9 messages."""
    return f"{sender.run}-{serial}"


def message(report: Report, sender: Sender, serial: int, wall_s: float) -> bytes:
    """Give the message number `serial`, written at `wall_s`, seconds since 1970, in UTF-8."""
    bed = text(sender.bed)
    alarm = f"{sender.run}-{report.alarm}"
    this = alarm if report.phase is Phase.START else f"{alarm}.{serial}"
    end = time(report.wall_s) if report.phase is Phase.END else ""
    lines = [
        _header(sender, serial, wall_s),
        "PID|1",
        f"PV1|1|U|^^{bed}",
        f"OBR|1||{this}^{bed}|196616^MDC_EVT_ALARM^MDC|||{time(report.started_s)}|{end}"
        + "|" * 21
        + f"^{alarm}&{bed}",
        f"NTE|1||{text(NOTICE)}",
        *_facets(report, sender),
    ]
    return "".join(f"{line}\r" for line in lines).encode(errors="replace")


def event(condition: Condition) -> str:
    """Give what happened as a coded element: code, mnemonic, coding system."""
    private = "".join(sign if sign.isalnum() else "_" for sign in condition.name.upper())
    return STANDARD_EVENTS.get(condition.name, f"0^MDCX_EVT_{private}^MDC")


def state(report: Report) -> str:
    """Give the alarm's state, MDC_ATTR_ALARM_STATE."""
    if report.phase is Phase.END:
        return "inactive"
    return "active" if report.condition.active else "latched"


def _header(sender: Sender, serial: int, wall_s: float) -> str:
    to = (text(sender.application), text(sender.facility))
    fields = ["MSH", "^~\\&", "BAROCAST", text(sender.bed), *to, time(wall_s), "", "ORU^R40^ORU_R40"]
    fields += [control_id(sender, serial), sender.processing, "2.6", "", "", "AL", "NE", "", "UNICODE UTF-8"]
    return "|".join([*fields, "", "", PROFILE])


def _facets(report: Report, sender: Sender) -> list[str]:
    condition = report.condition
    stem, source = ABOUT_BOX if condition.technical else ABOUT_PATIENT
    words = text(condition.text)
    written = f"{time(report.wall_s)}||||BAROCAST^{text(sender.bundle)}"
    rows = [
        f"ST|{event(condition)}|{stem}.1|{words}|||{_flags(condition)}|||R|||{written}",
        f"CWE|68480^MDC_ATTR_ALERT_SOURCE^MDC|{stem}.2|{source}{_original(condition.source)}||||||R",
        f"ST|68481^MDC_ATTR_EVENT_PHASE^MDC|{stem}.3|{report.phase}||||||R",
        f"ST|68482^MDC_ATTR_ALARM_STATE^MDC|{stem}.4|{state(report)}||||||R",
        f"ST|68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC|{stem}.5|{INACTIVATIONS[condition.inactivation]}||||||R",
        *_risks(report, stem),
    ]
    return [f"OBX|{number}|{row}" for number, row in enumerate(rows, 1)]


def _flags(condition: Condition) -> str:
    priority = PRIORITIES[condition.priority]
    return f"{priority}~ST" if condition.technical else f"L~{priority}~SA"


def _original(source: str) -> str:
    """Give which one it is, a feed's or a sink's name, as the CWE's original text."""
    return "^" * 6 + text(source) if source else ""


def _risks(report: Report, stem: str) -> list[str]:
    """Give the risks that the alarm is about, in percent."""
    if report.condition.technical or report.decision is None or report.decision.risk is None:
        return []
    return [
        f"NM|0^MDCX_RISK_HYPOTENSION_{minutes}MIN^MDC|{stem}.{facet}|{100 * p:.1f}|{_PERCENT}|||||R"
        for facet, (minutes, p) in enumerate(zip(HORIZONS_MIN, report.decision.risk, strict=True), 6)
    ]
