"""What stands beside a graph in its bundle: the calibrators of its risks and the widening of its MAP band.

In: what was asked for (CalibrationPlan) and what the quantized graph says of the calibration patients
(Heard). Out: Calibrated, which the manifest, the record and the card take. What cannot be fitted on these
patients is one SettingsError; too few of them are refused before anything is trained.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.calibrators import KINDS, Calibrators, pattern_of
from barocast.calibration.choosing import MIN_PATTERN_PATIENTS, choose, fit_by_pattern
from barocast.calibration.conformal import MIN_PATIENTS, fit_band
from barocast.calibration.fitting import fit
from barocast.calibration.folds import FOLDS
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from barocast.calibration.choosing import Choice
    from barocast.calibration.conformal import ConformalBand
    from barocast.calibration.fitting import CalibrationRows

CHOOSE: Final = "choose"
"""In place of a kind: the kind that patients left out are best served by."""
WITHOUT_TEXT: Final = pattern_of(["series"])
ASKABLE: Final = (*KINDS, CHOOSE)


@dataclass(frozen=True, slots=True)
class CalibrationPlan:
    """What is asked for."""

    kind: str = "temperature-bias"
    """Of ASKABLE; kinds of a few numbers are drawn to the identity, as few patients deserve."""
    by_pattern: bool = False
    """Rows without text have a calibrator of their own."""
    band: bool = False
    """The 10 to 90 % band of MAP is widened until it holds what it says."""

    def options(self) -> str:
        """Give the words of the command that ask for it, each with a space before it."""
        kind = "" if self.kind == CalibrationPlan().kind else f" --calibrator {self.kind}"
        return kind + " --by-pattern" * self.by_pattern + " --band" * self.band

    def check(self, patients: int) -> None:
        """Raise SettingsError where so few calibration patients cannot carry it."""
        needs = (
            (self.kind == CHOOSE, f"--calibrator {CHOOSE}", FOLDS, "name a kind"),
            (self.by_pattern, "--by-pattern", MIN_PATTERN_PATIENTS, "leave it out"),
            (self.band, "--band", MIN_PATIENTS, "leave it out"),
        )
        for asked, option, needed, mend in needs:
            if asked and patients < needed:
                raise SettingsError(f"{option}: {patients} calibration patients; needs {needed}; {mend}")


@dataclass(frozen=True, slots=True)
class Heard:
    """What the quantized graph says of the calibration patients, n rows in all."""

    rows: CalibrationRows
    patterns: NDArray[np.str_]
    """(n,) modalities that each row was run with; a row run with and without text is two."""
    quantiles: NDArray[np.float64]
    """(m, 3, step) mmHg, of the rows as they came, which lie first."""
    observed: NDArray[np.floating[Any]]
    """(m, step) mmHg that followed, NaN where missing."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted."""

    calibrators: Calibrators
    band: ConformalBand | None = None
    """None where the graph's own quantiles are shown."""
    choice: Choice | None = None
    """Why this kind; None where it was asked for."""

    def shown(self, quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give MAP quantiles (n, 3, step) as the bedside shows them, mmHg."""
        if self.band is None:
            return quantiles
        low, middle, high = np.moveaxis(quantiles, 1, 0)
        low, high = self.band(low, middle, high)
        return np.stack([low, middle, high], axis=1)

    def to_record(self) -> dict[str, Any]:
        """Give the run's record of it; calibrator and band are the manifest's too."""
        return {
            "calibrator": self.calibrators.to_dict(),
            "band": None if self.band is None else self.band.to_dict(),
            "calibrator_choice": None if self.choice is None else self.choice.to_dict(),
        }


def calibrate(plan: CalibrationPlan, heard: Heard) -> Calibrated:
    """Fit what was asked for. Raises SettingsError where these patients cannot carry it."""
    plan.check(heard.rows.n_patients)
    with _said(f"--calibrator {plan.kind}", "name a simpler kind, or use more patients"):
        choice = choose(heard.rows, shrink=True) if plan.kind == CHOOSE else None
        kind = choice.kind if choice else plan.kind
        own = fit_by_pattern(kind, heard.rows, heard.patterns, shrink=True) if plan.by_pattern else None
        calibrators = own or Calibrators(fit(kind, heard.rows, shrink=True))
    if own and WITHOUT_TEXT not in own.patterns:
        raise SettingsError("--by-pattern: too few events, or no text in any row to leave out; leave it out")
    with _said("--band", "leave it out, or use more patients"):
        band = _band(heard) if plan.band else None
    return Calibrated(calibrators, band, choice)


def _band(heard: Heard) -> ConformalBand:
    low, _, high = np.moveaxis(heard.quantiles, 1, 0)
    return fit_band(heard.observed, low, high, heard.rows.patients[: len(heard.observed)])


@contextmanager
def _said(option: str, mend: str) -> Iterator[None]:
    """Say of a fit that was refused which option asked for it."""
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"{option}: {error}; {mend}") from error
