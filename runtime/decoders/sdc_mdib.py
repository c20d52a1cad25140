"""What an SDC device says that it measures: the fields of an `mdib` record to Metrics and Conditions.

    devices     {"handle", "mode"}                   MDS: Nml, Dmo, Srv, Mtn
    metrics     {"handle", "device", "place", "code", "unit", "category", "derivation", "period_s"}
    conditions  {"handle", "device", "code", "text", "kind", "priority"}
    signals     {"handle", "condition"}
`code` is the ISO/IEEE 11073-10101 code, context free, as a decimal text; one of another coding system has
that system before it, and no channel. `unit` is a code of the same nomenclature, or text. `place` is the
handle of the channel that a metric stands in; `period_s`, seconds between two samples, is there for waves
alone. Only what was measured or calculated from measurements has a channel: a setting, a preset, a
recommendation or a value typed in by hand keeps its code and has none. Raises ValueError for what is not laid
out so.

Source: IEEE 11073-10207 (BICEPS), participant model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import units
from barocast.runtime.decoders.hl7_codes import NUMERIC, WAVE
from barocast.runtime.decoders.sdc_record import entries, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.decoders.sdc_record import Fields
    from barocast.runtime.decoders.target import Target

MAX_RATE_HZ: Final = 10_000.0
"""No bedside wave is sampled faster."""

_MEASURED: Final = frozenset({"Msrmt", "Clc"})
_BY_HAND: Final = "Man"
_PHYSIOLOGICAL: Final = "Phy"


@dataclass(frozen=True, slots=True)
class Metric:
    """One numeric or wave of the device."""

    code: str
    device: str
    """Handle of its MDS."""
    place: str
    """Handle of its channel: what orders two lines of one label."""
    unit: str | None
    """A name of `units`, None when unknown."""
    unit_text: str
    """What the device wrote."""
    target: Target | None
    wave: bool
    rate_hz: float | None
    """Of a wave whose sample period can be; None for numerics."""

    @property
    def channel(self) -> str | None:
        """The channel that its code means."""
        return self.target.channel if self.target else None


@dataclass(frozen=True, slots=True)
class Condition:
    """One alert condition."""

    code: str
    device: str
    text: str
    priority: str
    """BICEPS: `Lo`, `Me`, `Hi`, `None`."""
    technical: bool


@dataclass(frozen=True, slots=True)
class Mdib:
    """The device's description, by handle."""

    metrics: Mapping[str, Metric]
    conditions: Mapping[str, Condition]
    signals: Mapping[str, str]
    """Alert signal -> the condition that it tells."""


NOTHING: Final = Mdib({}, {}, {})
"""Before the device has described itself."""


def read_mdib(fields: Fields) -> Mdib:
    """Read a description."""
    return Mdib(
        {text(entry, "handle"): _metric(entry) for entry in entries(fields, "metrics")},
        {text(entry, "handle"): _condition(entry) for entry in entries(fields, "conditions")},
        {text(entry, "handle"): text(entry, "condition") for entry in entries(fields, "signals")},
    )


def _metric(entry: Fields) -> Metric:
    code, unit = text(entry, "code"), text(entry, "unit")
    wave = "period_s" in entry
    measured = text(entry, "category") in _MEASURED and text(entry, "derivation") != _BY_HAND
    return Metric(
        code=code,
        device=text(entry, "device"),
        place=text(entry, "place"),
        unit=_unit(unit),
        unit_text=unit,
        target=(WAVE if wave else NUMERIC)["MDC"].get(code) if measured else None,
        wave=wave,
        rate_hz=_rate(number(entry, "period_s")) if wave else None,
    )


def _unit(written: str) -> str | None:
    coded = written.isascii() and written.isdigit() and len(written) == len("266016")
    return units.BY_MDC.get(int(written)) if coded else units.unit_of_text(written)


def _rate(period_s: float) -> float | None:
    """Give samples per second, None for a period that cannot be."""
    return 1 / period_s if period_s >= 1 / MAX_RATE_HZ else None


def _condition(entry: Fields) -> Condition:
    return Condition(
        text(entry, "code"),
        text(entry, "device"),
        text(entry, "text"),
        text(entry, "priority"),
        technical=text(entry, "kind") != _PHYSIOLOGICAL,
    )
