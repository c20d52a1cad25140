"""What a virtual monitor measures: a patient as numbers and waves against the monitor's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats


class Source(Protocol):
    """A patient behind a monitor: simulated, or read from a recording. Times only ever advance."""

    def numerics(self, t_s: float) -> dict[str, float]:
        """Give channel -> value (canonical units; NaN when not measurable) at `t_s` since the start."""

    def wave(self, channel: str, t_s: float, n: int, rate_hz: float) -> Floats:
        """Give `n` samples of a wave channel from `t_s` on, (n,) in its canonical unit."""
