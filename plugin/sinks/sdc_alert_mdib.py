"""What our SDC device describes of itself: the MDIB as XML, made from a table of the alarm conditions.

    handle of a condition     `forecast`, ..., `other` for a condition of somebody else's
    handles of its signals    `forecast.Aud`, `forecast.Vis`

Codes are our own, in a coding system of our own: the nomenclature (ISO/IEEE 11073-10101) has none for a
forecast of hypotension. Priorities are those that a condition has at most, the actual one is in the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from barocast.runtime.alarm.events import Part
from barocast.runtime.alarm.facts import FORECAST, FREQUENT
from barocast.runtime.alarm.truth import FAULT, FEED_LOST, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

CODING_SYSTEM: Final = "urn:barocast:alarm-conditions"
CHECK_PERIOD_S: Final = 5
ALERTS: Final = "alerts"
OTHER: Final = "other"
MANIFESTATIONS: Final = ("Aud", "Vis")
_SPACE: Final = "http://standards.ieee.org/downloads/11073/11073-10207-2017"


@dataclass(frozen=True, slots=True)
class Described:
    """One condition."""

    handle: str
    technical: bool
    name: str


def _table() -> dict[str, Described]:
    physiological = {FORECAST: "forecast", FREQUENT: "frequent"}
    technical = {
        UNAVAILABLE: "unavailable",
        FAULT: "fault",
        FEED_LOST: "feed",
        **{str(p): p.name.lower() for p in Part},
    }
    return {
        **{name: Described(handle, technical=False, name=name) for name, handle in physiological.items()},
        **{name: Described(handle, technical=True, name=name) for name, handle in technical.items()},
        OTHER: Described(OTHER, technical=True, name="another condition"),
    }


CONDITIONS: Final[Mapping[str, Described]] = _table()
"""Name of a condition -> what is described of it."""


def mdib(bed: str, bundle: str) -> bytes:
    """Give the document."""
    conditions = "".join(_condition(described) for described in CONDITIONS.values())
    signals = "".join(_signal(described, how) for described in CONDITIONS.values() for how in MANIFESTATIONS)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<msg:GetMdibResponse xmlns:msg="{_SPACE}/message" xmlns:pm="{_SPACE}/participant"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" SequenceId="urn:uuid:0" MdibVersion="0">
  <msg:Mdib SequenceId="urn:uuid:0" MdibVersion="0"><pm:MdDescription>
    <pm:Mds Handle="mds">{_type("barocast", f"Barocast, {bed}, {bundle}")}
      <pm:AlertSystem Handle="{ALERTS}" SelfCheckPeriod="PT{CHECK_PERIOD_S}S">
        {conditions}{signals}</pm:AlertSystem>
      <pm:SystemContext Handle="mds.context"/><pm:Clock Handle="mds.clock"/>
    </pm:Mds></pm:MdDescription></msg:Mdib>
</msg:GetMdibResponse>""".encode()


def _condition(described: Described) -> str:
    kind = "Tec" if described.technical else "Phy"
    body = _type(described.handle, described.name)
    return (
        f'<pm:AlertCondition Handle="{described.handle}" Kind="{kind}" Priority="Me">'
        f"{body}<pm:Source>mds</pm:Source></pm:AlertCondition>"
    )


def _signal(described: Described, how: str) -> str:
    return (
        f'<pm:AlertSignal Handle="{described.handle}.{how}" ConditionSignaled="{described.handle}" '
        f'Manifestation="{how}" Latching="{"true" if how == "Vis" else "false"}"/>'
    )


def _type(code: str, words: str) -> str:
    concept = f'<pm:ConceptDescription Lang="en">{escape(words)}</pm:ConceptDescription>'
    return f"<pm:Type Code={quoteattr(code)} CodingSystem={quoteattr(CODING_SYSTEM)}>{concept}</pm:Type>"
