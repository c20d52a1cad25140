"""Which vessel, site and channel a DRI monitor's groups stand for.

The label of a pressure says which vessel it is, and that of a temperature which site; the number of its
socket says nothing. Every other group is its own name. Where several groups can feed a channel they have a
rank (target.Target), the arterial lines that of arterial.LABELS.

Source: GE Healthcare, Datex-Ohmeda Record Specification, "Physiological data".
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.arterial import LABELS
from barocast.runtime.decoders.dri_waves import SOCKETS
from barocast.runtime.decoders.target import Target
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBES: Final = ("T1", "T2", "T3", "T4", "T5", "T6")
"""Temperature groups."""

_VESSEL_LABELS: Final = (
    *("ART", "CVP", "PA", "RAP", "RVP", "LAP", "ICP", "ABP"),
    *("P1", "P2", "P3", "P4", "P5", "P6", "SP", "FEM"),
    *("UAC", "UVC", "ICP2", "P7", "P8", "FEMV"),
)
PRESSURE_LABELS: Final[Mapping[int, str]] = MappingProxyType(dict(enumerate(_VESSEL_LABELS, start=1)))

_SITE_LABELS: Final = (
    *("ESO", "NASO", "TYMP", "RECT", "BLAD", "AXIL", "SKIN", "AIRW", "AMB", "MYO"),
    *("T1", "T2", "T3", "T4", "CORE", "SURF", "T5", "T6"),
)
TEMPERATURE_LABELS: Final[Mapping[int, str]] = MappingProxyType(dict(enumerate(_SITE_LABELS, start=1)))
"""11 to 14 are seen in recordings, the others are the specification's."""
_LABELS_OF: Final = dict.fromkeys(PROBES, TEMPERATURE_LABELS) | dict.fromkeys(SOCKETS, PRESSURE_LABELS)
MAX_LABELLED: Final = 1024
"""Numbers under a label whose channel is remembered: a monitor has some dozens, more is noise."""

_VESSELS: Final = {
    "ART": ("ABP", LABELS.index("ART")),
    "ABP": ("ABP", LABELS.index("ABP")),
    "FEM": ("ABP", LABELS.index("FEM")),
    "UAC": ("ABP", LABELS.index("UAP")),  # a catheter in the umbilical artery
    "CVP": ("CVP", 0),
    "PA": ("PAP", 0),
}
_WARMTH: Final = ("CORE", "ESO", "NASO", "BLAD", "RECT", "TYMP", "T1", "T2", "T3", "T4", "T5", "T6")
"""Sites that tell the body's temperature, the best first; skin, airway and room do not."""
_TARGETS: Final = {
    ("ECG", "hr"): Target("HR"),
    ("ECG", "imp_rr"): Target("RR", 2),
    ("NIBP", "sys"): Target("NIBP_SYS"),
    ("NIBP", "dia"): Target("NIBP_DIA"),
    ("NIBP", "mean"): Target("NIBP_MEAN"),
    ("SPO2", "spo2"): Target("SPO2"),
    ("SPO2", "pr"): Target("PR"),
    ("SPO2_2", "spo2"): Target("SPO2", 1),
    ("SPO2_2", "pr"): Target("PR", 1),
    ("CO2", "et"): Target("ETCO2"),
    ("CO2", "rr"): Target("RR"),
    ("FLOW", "rr"): Target("RR", 1),
    ("CO", "co"): Target("CO"),
    ("BIS", "bis"): Target("BIS"),
}


def site_of(group: str, label: int) -> str:
    """Name the vessel or the place on the body; empty where the label names none."""
    return _LABELS_OF.get(group, {}).get(label, "")


@lru_cache(maxsize=MAX_LABELLED)
def target_of(group: str, label: int, number: str) -> Target | None:
    """Give the channel that a number of a group under this label feeds, None when it feeds none."""
    place = site_of(group, label)
    if group in PROBES:
        return Target("TEMP", _WARMTH.index(place)) if place in _WARMTH else None
    return _vessel_target(place, number.upper()) if group in SOCKETS else _TARGETS.get((group, number))


def wave_target_of(group: str, label: int) -> Target | None:
    """Give the channel that the wave of a pressure under this label feeds, None when it feeds none."""
    return _vessel_target(site_of(group, label), "WAVE")


def _vessel_target(vessel: str, part: str) -> Target | None:
    prefix, rank = _VESSELS.get(vessel, ("", 0))
    channel = f"{prefix}_{part}"
    return Target(channel, rank) if channel in CHANNELS else None
