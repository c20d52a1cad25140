"""The seeds of every format by its name. One that nobody wrote seeds for gets bytes of nothing: `thin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks import fuzz_devices, fuzz_files, fuzz_monitors
from benchmarks.fuzz_seed import Seed

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITERS: Final[dict[str, Callable[[], list[Seed]]]] = {
    "bis": fuzz_devices.bis,
    "brec": fuzz_files.brec,
    "csv": fuzz_files.csv,
    "dri": fuzz_monitors.dri,
    "hl7": lambda: fuzz_monitors.hl7() + fuzz_monitors.hl7(bytes),
    "hl7, live": fuzz_monitors.hl7,
    "intellivue-serial": lambda: fuzz_monitors.intellivue(fuzz_monitors.framed),
    "intellivue-udp": lambda: fuzz_monitors.intellivue(fuzz_monitors.stamped),
    "intellivue-udp, live": lambda: fuzz_monitors.intellivue(bytes),
    "masimo": fuzz_devices.masimo,
    "medibus": fuzz_devices.medibus,
    "mindray-pds": lambda: fuzz_monitors.hl7() + fuzz_monitors.hl7(bytes),
    "mindray-pds, live": fuzz_monitors.hl7,
    "sdc": fuzz_devices.sdc,
    "vital": fuzz_files.vital,
    "wfdb": fuzz_files.wfdb,
}


def seeds(name: str) -> list[Seed]:
    """Give sound inputs of a format."""
    return _WRITERS[name]() if name in _WRITERS else [Seed(bytes(range(256)))]


def thin(name: str) -> bool:
    """Say whether nobody wrote seeds for this format."""
    return name not in _WRITERS
