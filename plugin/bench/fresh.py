"""A process of its own for every start: from nothing to the first answer, and the memory that it holds then.

The files are in the machine's cache, as after the first start since it was switched on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Start:
    """One start."""

    cold_s: float
    """From making the process to its first answer."""
    verify_s: float
    """Reading the bundle: signature, hashes, graph rules."""
    open_s: float
    """Opening the session and answering the known answers."""
    rss_mb: float | None
    """Resident after the first answer, the interpreter and all imports in it; None where not told."""
    peak_mb: float | None


def fresh_start(engine: str, bundle: Path, trust: Path | None, threads: int) -> Start:
    """Start once. Raises BundleError where the process ends without an answer."""
    module = "barocast.plugin.bench.fresh_child"
    command = [sys.executable, "-I", "-m", module, engine, str(bundle), str(trust or ""), str(threads)]
    begun_s = time.perf_counter()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as child:  # noqa: S603 - our own module
        told = child.stdout.readline() if child.stdout else ""
        cold_s = time.perf_counter() - begun_s
        _, said = child.communicate()
    if not told:
        last = (said.strip().splitlines() or [f"status {child.returncode}"])[-1]
        raise BundleError(f"{bundle}: a fresh process gave no answer ({last})", Refused.ENGINE)
    return Start(cold_s, **json.loads(told))


def typical(starts: Sequence[Start]) -> Start:
    """Give the median of each figure, of those starts that told it."""
    return Start(
        cold_s=median(start.cold_s for start in starts),
        verify_s=median(start.verify_s for start in starts),
        open_s=median(start.open_s for start in starts),
        rss_mb=_median_told([start.rss_mb for start in starts]),
        peak_mb=_median_told([start.peak_mb for start in starts]),
    )


def _median_told(figures: Sequence[float | None]) -> float | None:
    told = [figure for figure in figures if figure is not None]
    return median(told) if told else None
