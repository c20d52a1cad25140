"""Calibrators read off a table: isotonic regression and Venn-Abers, precomputed so that numpy applies them.

In and out as in calibration.parametric. Each horizon has its own table; later horizons are raised to
earlier ones by a running maximum. Tables are capped, rising and within 0 to 1, or the constructor raises
ValueError.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.landmarks import HORIZONS_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MAX_KNOTS: Final = 512
"""Of one table: six of them fit into a manifest (256 KiB) many times over, and no fit on rows needs more."""


@dataclass(frozen=True, slots=True)
class Knots:
    """A table of one horizon: risks that never fall, over logits that rise."""

    logits: tuple[float, ...]
    risks: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.risks) <= MAX_KNOTS + 1:
            raise ValueError(f"calibrator table of {len(self.risks)} risks; at most {MAX_KNOTS} are read")
        if not all(before < after for before, after in pairwise((-np.inf, *self.logits, np.inf))):
            raise ValueError("calibrator logits must be finite and rise from knot to knot")
        if not all(before <= after for before, after in pairwise((0.0, *self.risks, 1.0))):
            raise ValueError("calibrator risks must not fall, and lie within 0 to 1")

    def to_dict(self) -> dict[str, list[float]]:
        """Give what the manifest holds."""
        return {"logits": list(self.logits), "risks": list(self.risks)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Knots:
        """Read what the manifest holds. Raises KeyError, TypeError or ValueError."""
        return cls(tuple(map(float, given["logits"])), tuple(map(float, given["risks"])))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Straight lines between knots, level beyond them: isotonic regression (Zadrozny and Elkan 2002)."""

    tables: tuple[Knots, ...]
    """One a horizon; as many risks as logits."""

    def __post_init__(self) -> None:
        _check_horizons(self.tables)
        if any(len(knots.logits) != len(knots.risks) or not knots.risks for knots in self.tables):
            raise ValueError("calibrator tables need one risk at each logit, and at least one")

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""
        columns = np.moveaxis(logits, -1, 0)
        risks = [np.interp(x, at.logits, at.risks) for x, at in zip(columns, self.tables, strict=True)]
        return _ordered(risks)

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        return {"kind": "isotonic", "tables": [knots.to_dict() for knots in self.tables]}

    def summary(self) -> str:
        """Give how many knots the tables have, and their range."""
        return f"isotonic tables: {_extent(self.tables)}"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Isotonic:
        """Read what the manifest holds. Raises AttributeError, KeyError, TypeError or ValueError."""
        return cls(tuple(Knots.from_dict(table) for table in given["tables"]))


@dataclass(frozen=True, slots=True)
class VennAbers:
    """Inductive Venn-Abers predictor (Vovk, Petej and Fedorova 2015), as steps that were computed ahead.

    The isotonic fits with the new row added as no event (p0) and as an event (p1) are steps over the
    calibration rows' logits; one of them is calibrated. Stated is p1 / (1 - p0 + p1), which lies between.
    """

    p0: tuple[Knots, ...]
    """One a horizon; from logits[i] on, risks[i + 1]; one more risk than logits."""
    p1: tuple[Knots, ...]
    """One a horizon; up to and with logits[i], risks[i]; one more risk than logits."""

    def __post_init__(self) -> None:
        _check_horizons(self.p0)
        _check_horizons(self.p1)
        if any(len(knots.risks) != len(knots.logits) + 1 for knots in (*self.p0, *self.p1)):
            raise ValueError("calibrator tables of steps need one more risk than logits")
        if not all(map(_below, self.p0, self.p1)):
            raise ValueError("calibrator p0 lies above p1")

    def __call__(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""
        p0, p1 = self.interval(logits)
        return np.asarray(p1 / (1 - p0 + p1))

    def interval(self, logits: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give p0 and p1, between which the probability lies, each of the shape (..., horizon)."""
        columns = np.moveaxis(logits, -1, 0)
        low = [_from(at, x) for at, x in zip(self.p0, columns, strict=True)]
        high = [_up_to(at, x) for at, x in zip(self.p1, columns, strict=True)]
        return _ordered(low), _ordered(high)

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        tables = {"p0": self.p0, "p1": self.p1}
        return {"kind": "venn-abers"} | {name: [k.to_dict() for k in of] for name, of in tables.items()}

    def summary(self) -> str:
        """Give how many knots the steps have, and their range."""
        return f"Venn-Abers steps: p0 {_extent(self.p0)}; p1 {_extent(self.p1)}"

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> VennAbers:
        """Read what the manifest holds. Raises AttributeError, KeyError, TypeError or ValueError."""
        p0, p1 = (tuple(Knots.from_dict(table) for table in given[name]) for name in ("p0", "p1"))
        return cls(p0, p1)


def _extent(tables: tuple[Knots, ...]) -> str:
    """Say how far tables reach, all horizons together; steps may have no knot at all."""
    counts = ", ".join(str(len(knots.logits)) for knots in tables)
    logits = [x for knots in tables for x in knots.logits]
    over = f" over logits {min(logits):.2f} to {max(logits):.2f}" if logits else ""
    risks = [p for knots in tables for p in knots.risks]
    return f"{counts} knots{over}, risks {min(risks):.3f} to {max(risks):.3f}"


def _from(knots: Knots, x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.asarray(knots.risks)[np.searchsorted(knots.logits, x, side="right")]


def _up_to(knots: Knots, x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.asarray(knots.risks)[np.searchsorted(knots.logits, x, side="left")]


def _below(low: Knots, high: Knots) -> bool:
    """Say whether p0 <= p1 everywhere: both only change at knots, p0 there and p1 right after."""
    at = np.array([-np.inf, *low.logits, *high.logits])
    return bool((_from(low, at) <= _up_to(high, at)).all())


def _ordered(by_horizon: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(np.maximum.accumulate(np.stack(by_horizon, axis=-1), axis=-1))


def _check_horizons(tables: tuple[Knots, ...]) -> None:
    if len(tables) != len(HORIZONS_S):
        raise ValueError(f"calibrator of {len(tables)} tables; need {len(HORIZONS_S)}, one a horizon")
