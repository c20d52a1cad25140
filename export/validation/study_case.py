"""One case of a validation: whose it is, how the patient is described, and where its series lies.

A series is either at hand, or a recording on disk that a worker opens for itself, so that a case is small
enough to be sent to another process or machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.timeline import STEP_S

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.runtime.domain import Patient


@dataclass(frozen=True, slots=True)
class Series:
    """Mean arterial pressure as a feed would have told it, n values."""

    t_s: NDArray[np.float64]
    """(n,) seconds of the case, rising."""
    map_mmhg: NDArray[np.float64]
    """(n,) NaN where the source said that there was none."""

    @classmethod
    def of_grid(cls, map_mmhg: NDArray[np.float64]) -> Series:
        """Give a series of (n,) values on the 10 s grid from 0 s on."""
        return cls(np.arange(map_mmhg.size, dtype=np.float64) * STEP_S, map_mmhg)


@dataclass(frozen=True, slots=True)
class StudyCase:
    """One operation."""

    case_id: str
    subject_id: str
    """Two cases of one patient carry the same; nobody is ever on both sides of a split."""
    source: str
    """Where the patients come from; subject ids of different sources are different people."""
    patient: Patient
    series: Series | Path
    """Values at hand, or a recording."""
    map_source: str = ""
    """How the MAP was made, for the subgroups; empty when unknown."""
    surgery_start_s: float = np.nan
    """On the series' clock; for comparators only."""
    anaesthesia_start_s: float = np.nan
    """Likewise."""
