"""What was measured of every engine, as one table for a terminal or a page, and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.bench.spread import beds_per_core

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.plugin.bench.fresh import Start
    from barocast.plugin.bench.spread import Spread

NOT_REPORTED: Final = "not reported"


@dataclass(frozen=True, slots=True)
class Power:
    """What the board says of an engine that answers one window after the other."""

    sensor: str
    idle_w: float
    busy_w: float
    decisions_per_s: float

    @property
    def mj_per_decision(self) -> float:
        """Millijoules above idle."""
        return 1000 * (self.busy_w - self.idle_w) / self.decisions_per_s


@dataclass(frozen=True, slots=True)
class Measured:
    """One bundle on one engine."""

    bundle: str
    engine: str
    """As the engine names itself: library, version, active provider."""
    precision: str
    file_bytes: int
    """Of the graphs."""
    tick: Spread
    new_patient: Spread
    """The first window of a patient whose text was never seen."""
    start: Start
    cpu_s_per_bed_s: Mapping[str, Mapping[str, float]]
    """What a monitor tells -> cadence of forecasts -> processor seconds."""
    power: tuple[Power, ...] = ()
    """One for each sensor; none where the board reports nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of a run."""

    machine: str
    threads: int
    measured: list[Measured] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Engine -> why it is not here."""

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold: NaN becomes null."""
        plain: dict[str, Any] = _without_nan(asdict(self))
        return plain

    def to_text(self) -> str:
        """Give a Markdown table, a column an engine, and what is absent below it."""
        rows = [("", *(m.bundle for m in self.measured))]
        rows += [(name, *(cell(m) for m in self.measured)) for name, cell in ROWS]
        for told in dict.fromkeys(told for m in self.measured for told in m.cpu_s_per_bed_s):
            rows += self._beds(told)
        absent = [f"{name}: not here: {why}" for name, why in self.absent.items()]
        head = f"{self.machine}; {self.threads} thread{'s' * (self.threads != 1)} for the engine"
        return "\n".join([head, "", *_aligned(rows), *([""] * bool(absent)), *absent]) + "\n"

    def _beds(self, told: str) -> list[tuple[str, ...]]:
        cadences = self.measured[0].cpu_s_per_bed_s[told]
        return [
            (f"beds per core, forecast every {cadence}; {told}",
             *(f"{beds_per_core(m.cpu_s_per_bed_s[told][cadence]):,.0f}" for m in self.measured))
            for cadence in cadences
        ]  # fmt: skip


def _spread(of: Callable[[Measured], Spread]) -> Callable[[Measured], str]:
    def cell(measured: Measured) -> str:
        found = of(measured)
        return " / ".join(_ms(value) for value in (found.p50_ms, found.p99_ms, found.p999_ms))

    return cell


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _mb(value: float | None) -> str:
    return NOT_REPORTED if value is None else f"{value:.0f} MB"


def _power(measured: Measured) -> str:
    said = [
        f"{p.sensor}: {p.busy_w:.2f} W busy, {p.idle_w:.2f} W idle, {p.mj_per_decision:.2f} mJ"
        for p in measured.power
    ]
    return "; ".join(said) or NOT_REPORTED


ROWS: Final[tuple[tuple[str, Callable[[Measured], str]], ...]] = (
    ("engine", lambda m: m.engine),
    ("precision", lambda m: m.precision),
    ("graphs", lambda m: f"{m.file_bytes / 1e6:.2f} MB"),
    ("tick p50 / p99 / p999, ms", _spread(lambda m: m.tick)),
    ("first window of a patient p50 / p99 / p999, ms", _spread(lambda m: m.new_patient)),
    ("of which the text (prefix) p50, ms", lambda m: _ms(m.new_patient.p50_ms - m.tick.p50_ms)),
    ("verify the bundle, ms", lambda m: f"{1000 * m.start.verify_s:.0f}"),
    ("open: session and known answers, ms", lambda m: f"{1000 * m.start.open_s:.0f}"),
    ("fresh process to first answer, s", lambda m: f"{m.start.cold_s:.2f}"),
    ("its memory, resident / at most", lambda m: f"{_mb(m.start.rss_mb)} / {_mb(m.start.peak_mb)}"),
    ("power; energy a decision", _power),
)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = "-|-".join("-" * width for width in widths)
    return [f"| {line} |" for line in (lines[0], rule, *lines[1:])]


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - whatever a dataclass may hold
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
