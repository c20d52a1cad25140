"""The bedside's own log (JSON lines) -> the cases in it: what was said, and the MAP that it was said of.

A file begins a case, and so does a decision of another bundle, one whose time does not advance, or one that
comes more than NEW_CASE_GAP_S after the last. An abstention of silence (pipeline.NO_DATA) never does: its
time was carried over from our clock. Its columns stand until a decision tells them again.

Every line must be sound. Raises InputError that names the file, the line and the mend.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.validation.played import COLUMNS_PER_LANDMARK, Said
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Forecast, Risk
from barocast.runtime.errors import InputError
from barocast.runtime.pipeline import NO_DATA
from barocast.runtime.timeline import CASE_LIMIT_STEPS, NEW_CASE_GAP_S, STEP_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.runtime.domain import Decision

STATES: Final[Mapping[str, type[Abstain | Fault]]] = MappingProxyType({"abstain": Abstain, "fault": Fault})
COLUMNS: Final = "map_10s"
MAX_LINE_BYTES: Final = 1 << 20
"""A decision takes a thousand, with the columns of a whole day a hundred thousand."""


@dataclass(slots=True)
class LoggedCase:
    """One case of a log."""

    case_id: str
    """FILE:LINE of its first decision."""
    bundle: str
    decisions: dict[float, Decision] = field(default_factory=dict)
    """By device time; silences are not among them."""
    columns: dict[int, float] = field(default_factory=dict)
    """Column -> mean MAP, mmHg or NaN; column i ends at i * STEP_S."""
    last_s: float = -math.inf
    """Device time of the last decision."""

    def said(self, steps: int) -> Said:
        """Give the case as a validation plays it: a grid from a moment on which a decision may fall.

        `steps` are those of the bundle's MAP forecast. Raises InputError where a decision has others.
        """
        for t_s, decision in self.decisions.items():
            if isinstance(decision, Risk) and decision.forecast.minutes.size != steps:
                raise InputError(
                    f"{self.case_id}: the forecast at {t_s:g} s has {decision.forecast.minutes.size} steps, "
                    f"{self.bundle} has {steps}; name the log as the bedside wrote it"
                )
        measured = [column for column, mmhg in self.columns.items() if math.isfinite(mmhg)]
        stop = max([math.floor(self.last_s / STEP_S), *measured]) + 1
        start = math.ceil(min(self.columns, default=stop) / COLUMNS_PER_LANDMARK) * COLUMNS_PER_LANDMARK
        grid = [self.columns.get(column, math.nan) for column in range(start, stop)]
        return Said(start * STEP_S, np.array(grid, dtype=np.float64), self.decisions, steps)

    def take(self, line: _Line) -> None:
        """Add a line; nothing of a silence that stands nowhere near the case."""
        if line.silent and abs(line.decision.t_s - self.last_s) > NEW_CASE_GAP_S:
            return
        end = math.floor(line.decision.t_s / STEP_S)
        first = end + 1 - len(line.columns)
        self.columns |= {first + place: mmhg for place, mmhg in enumerate(line.columns)}
        if not line.silent:
            self.decisions[line.decision.t_s] = line.decision
            self.last_s = line.decision.t_s

    def goes_on_with(self, line: _Line) -> bool:
        """Whether a line is of this very case."""
        if line.bundle != self.bundle:
            return False
        return line.silent or 0 < line.decision.t_s - self.last_s <= NEW_CASE_GAP_S


@dataclass(frozen=True, slots=True)
class _Line:
    decision: Decision
    bundle: str
    columns: tuple[float, ...]

    @property
    def silent(self) -> bool:
        return isinstance(self.decision, Abstain) and self.decision.reason.startswith(NO_DATA)


def read_logs(paths: Sequence[Path]) -> list[LoggedCase]:
    """Give every case of the logs, in their order."""
    return [case for path in paths for case in _cases(path)]


def _cases(path: Path) -> Iterator[LoggedCase]:
    case: LoggedCase | None = None
    for number, line in _lines(path):
        if case is None or not case.goes_on_with(line):
            if case is not None:
                yield case
            case = None if line.silent else LoggedCase(f"{path.name}:{number}", line.bundle)
        if case is not None:
            case.take(line)
    if case is not None:
        yield case


def _lines(path: Path) -> Iterator[tuple[int, _Line]]:
    try:
        with path.open("rb") as file:
            for number, text in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), start=1):
                yield number, _line(text, f"{path}:{number}")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a decision log") from error


def _line(text: bytes, place: str) -> _Line:
    try:
        found = json.loads(text)
        if COLUMNS in found or "state" not in found:
            return _Line(_decision(found), _text(found["bundle"]), _columns(found[COLUMNS]))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(
            f"{place}: no whole decision ({type(error).__name__}: {error}); take this line out (a power cut "
            f"may leave half of one), or name a decision log"
        ) from error
    raise InputError(
        f"{place}: has no {COLUMNS}: an earlier Barocast wrote it, which did not log the pressure; give only "
        f"what this version logged, or replay the recording of that time"
    )


def _decision(found: dict[str, Any]) -> Decision:
    t_s, state = _number(found["t_s"]), found["state"]
    if state != "forecast":
        return STATES[state](t_s, _text(found["reason"]))
    p5, p10, p15 = (_number(found["risk"][str(minutes)]) for minutes in HORIZONS_MIN)
    if not 0 <= p5 <= p10 <= p15 <= 1:
        raise ValueError(f"risks {p5}, {p10}, {p15} out of order")
    return Risk(t_s, (p5, p10, p15), _forecast(found["map"]))


def _forecast(found: dict[str, Any]) -> Forecast:
    minutes, q10, q50, q90 = (_numbers(found[name]) for name in ("minutes", "q10", "q50", "q90"))
    if not minutes.size == q10.size == q50.size == q90.size:
        raise ValueError("quantiles of different length")
    # A log holds what was shown, and that came after the calibrator: the logits are not told.
    return Forecast(np.full(len(HORIZONS_MIN), np.nan), minutes, q10, q50, q90, gates={})


def _columns(found: Any) -> tuple[float, ...]:  # noqa: ANN401 - whatever JSON can hold
    if not isinstance(found, list) or len(found) > CASE_LIMIT_STEPS:
        raise TypeError(f"{COLUMNS} is no list of a day at most")
    return tuple(math.nan if value is None else _number(value) for value in found)


def _numbers(found: list[Any]) -> NDArray[np.float64]:
    return np.array([_number(value) for value in found], dtype=np.float64)


def _number(value: Any) -> float:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
