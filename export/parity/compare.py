"""Answers of two ways to the same windows -> how far they lie apart, kind by kind and over all of a source.

Risks are the bundle's calibrated ones and decisions are told by its threshold: what a person would see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.export.parity.agreement import gaps, parity
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.tokens import pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.parity.agreement import Parity
    from barocast.export.parity.kinds import Kind
    from barocast.export.parity.ways import Answers, Way
    from barocast.runtime.bundle import Bundle

ALL_COHORT, ALL_MADE = "every cohort row", "every made window"


@dataclass(frozen=True, slots=True)
class Heard:
    """What one way says of one kind, as a person would see it."""

    p: NDArray[np.float64]
    """(n, horizon) calibrated."""
    quantiles: NDArray[np.float64]
    """(n, 3, step) mmHg."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a way lies from another on some windows."""

    exact: str
    other: str
    kind: str
    """Of windows; ALL_COHORT and ALL_MADE are what limits are judged on."""
    parity: Parity
    max_map_change_mmhg: float
    changed: int
    """Decisions."""

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold, but for NaN."""
        parts = {name: getattr(self, name) for name in self.__slots__ if name != "parity"}
        return parts | self.parity.to_dict()


def hear(way: Way, kind: Kind, bundle: Bundle) -> Heard:
    """Ask about every window of a kind."""
    answers: Answers = way(kind.rows, kind.texts)
    patterns = np.array([pattern(text) for text in kind.texts])[kind.rows.case]
    with np.errstate(invalid="ignore"):  # NaN in, NaN out
        p = bundle.calibrators.by_row(answers.logits, patterns)
    return Heard(p, answers.quantiles)


def differences(
    heard: Mapping[str, Sequence[Heard]],
    pairs: Sequence[tuple[str, str]],
    kinds: Sequence[Kind],
    bundle: Bundle,
) -> list[Difference]:
    """Compare each pair of ways, on everything of a source and on each kind; `heard` is by way, then kind."""
    groups = {
        name: [place for place, kind in enumerate(kinds) if kind.of_cohort == of_cohort]
        for name, of_cohort in ((ALL_COHORT, True), (ALL_MADE, False))
    }
    groups |= {kind.name: [place] for place, kind in enumerate(kinds)}
    return [
        _difference(pair, name, [(kinds[i], heard[pair[0]][i], heard[pair[1]][i]) for i in places], bundle)
        for pair in pairs
        for name, places in groups.items()
        if places
    ]


def judged(differences: Sequence[Difference]) -> list[Difference]:
    """Give those that limits are judged on."""
    return [one for one in differences if one.kind in {ALL_COHORT, ALL_MADE}]


def _difference(
    pair: tuple[str, str], kind: str, parts: Sequence[tuple[Kind, Heard, Heard]], bundle: Bundle
) -> Difference:
    labels = np.concatenate([one.rows.labels for one, _, _ in parts])
    p, exact = _joined([heard for _, heard, _ in parts])
    q, other = _joined([heard for _, _, heard in parts])
    alarm = bundle.manifest.alarm
    found = parity(p, q, labels, alarm.trigger.p_on, HORIZONS_MIN.index(alarm.horizon_min))
    changed = round((1 - found.same_decisions) * found.rows)
    return Difference(*pair, kind, found, float(gaps(exact, other).max(initial=0.0)), changed)


def _joined(parts: Sequence[Heard]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.concatenate([one.p for one in parts]), np.concatenate([one.quantiles for one in parts])
