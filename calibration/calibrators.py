"""Raw risk logits -> calibrated probabilities, by numbers kept outside the graph.

Fitted on the quantized graph, on patients that trained nothing (calibration.fitting); frozen in the
bundle's manifest; numpy only at the bedside. `read_calibrators` gives what a manifest holds: one
calibrator of a kind of KINDS, or one for each pattern of modalities that a patient may come with:

    {"kind": "temperature-bias", "scale": 1.01, "bias": 0.04}

    {"kind": "by-pattern", "default": {"kind": ...}, "patterns": {"series+text": {"kind": ...}}}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from barocast.calibration.parametric import Beta, Platt, TemperatureBias
from barocast.calibration.stepwise import Isotonic, VennAbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

MODALITIES: Final = ("series", "text")
"""What a patient may come with; a pattern names those present, sorted and joined with `+`."""
BY_PATTERN: Final = "by-pattern"


class Calibrator(Protocol):
    """What every kind is: monotone in the logit, never falling along the horizons."""

    def __call__(self, logits: NDArray[np.floating[Any]], /) -> NDArray[np.float64]:
        """Give probabilities of the same shape (..., horizon)."""

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""

    def summary(self) -> str:
        """Say it in one line for a reader; tables by their extent."""


KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Calibrator]]] = MappingProxyType(
    {
        "temperature-bias": TemperatureBias.from_dict,
        "platt": Platt.from_dict,
        "beta": Beta.from_dict,
        "isotonic": Isotonic.from_dict,
        "venn-abers": VennAbers.from_dict,
    }
)
"""Kind, as a manifest names it -> how it is read."""


@dataclass(frozen=True, slots=True)
class Calibrators:
    """A calibrator for each pattern that was fitted, and one for every other. Raises ValueError."""

    default: Calibrator
    patterns: Mapping[str, Calibrator] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            if pattern != pattern_of(pattern.split("+")):
                raise ValueError(f"calibrator pattern {pattern!r} must be of {MODALITIES}, sorted, with +")

    def of(self, pattern: str) -> Calibrator:
        """Give the calibrator of a pattern, the default where it has none of its own."""
        return self.patterns.get(pattern, self.default)

    def by_row(self, logits: NDArray[np.floating[Any]], patterns: NDArray[np.str_]) -> NDArray[np.float64]:
        """Give probabilities of logits (n, horizon), each row by its pattern (n,)."""
        p = np.empty(logits.shape)
        for pattern in np.unique(patterns):
            p[patterns == pattern] = self.of(str(pattern))(logits[patterns == pattern])
        return p

    def named(self) -> Iterator[tuple[str, Calibrator]]:
        """Give whose rows each is for, the default first, for a reader."""
        yield ("rows of any other pattern" if self.patterns else "all rows"), self.default
        yield from self.patterns.items()

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds; a calibrator that is alone stands for itself."""
        if not self.patterns:
            return self.default.to_dict()
        patterns = {pattern: calibrator.to_dict() for pattern, calibrator in self.patterns.items()}
        return {"kind": BY_PATTERN, "default": self.default.to_dict(), "patterns": patterns}


def pattern_of(present: Iterable[str]) -> str:
    """Name a pattern by the modalities present; names that are no modality are not told."""
    return "+".join(name for name in MODALITIES if name in set(present))


def read_calibrators(given: Mapping[str, Any]) -> Calibrators:
    """Read what a manifest holds.

    Raises ValueError for a kind that is unknown or numbers that are impossible, AttributeError, KeyError or
    TypeError where the fields are not those of the kind.
    """
    if given.get("kind") != BY_PATTERN:
        return Calibrators(_read(given))
    patterns = {str(pattern): _read(one) for pattern, one in given["patterns"].items()}
    return Calibrators(_read(given["default"]), MappingProxyType(patterns))


def _read(given: Mapping[str, Any]) -> Calibrator:
    kind = str(given.get("kind"))
    if kind not in KINDS:
        raise ValueError(f"calibrator kind {kind!r} is unknown; need one of {', '.join(KINDS)}")
    return KINDS[kind](given)
