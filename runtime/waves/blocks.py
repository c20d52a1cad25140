"""A wave in equal steps, so that how a feed chunks it cannot matter to whatever reads it.

In: WaveChunks of one rate, of any length. Out: Blocks of one length on a grid that starts with the
stretch. A gap, a step back or a jump of the clock ends the stretch: its unfinished block is dropped and
the next block says that it starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from barocast.runtime.domain import Floats, WaveChunk

GAP_S = 0.1
"""A chunk this far from where the last one ended begins a new stretch."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fixed step of a wave."""

    t_s: float
    """Seconds on the device's clock (or from the first sample, without one) of the first sample."""
    values: Floats
    """(step,) mmHg; NaN where missing."""
    restarted: bool
    """True when it does not continue the block before it."""


class Blocks:
    """Cut a wave into equal blocks, whatever the chunks; a gap drops the unfinished block."""

    def __init__(self, rate_hz: float, block_s: float) -> None:
        self.rate_hz = rate_hz
        self.size = round(block_s * rate_hz)
        self._clear(0.0)

    def _clear(self, t_s: float) -> None:
        self._origin_s = t_s
        self._given = 0
        self._pending: list[Floats] = []
        self._waiting = 0

    def feed(self, chunk: WaveChunk) -> list[Block]:
        """Take the next chunk; give the blocks that it completes."""
        if chunk.t_s is not None:
            self._follow(chunk.t_s)
        values = np.asarray(chunk.values, dtype=np.float64)
        self._pending.append(np.where(np.isfinite(values), values, np.nan))
        self._waiting += len(chunk.values)
        return self._cut() if self._waiting >= self.size else []

    def _follow(self, t_s: float) -> None:
        # Small steps are the device's clock drifting against its sampling: move along with it.
        drift_s = t_s - self._time(self._given + self._waiting)
        if abs(drift_s) > GAP_S:
            self._clear(t_s)
        elif abs(drift_s) > 0.5 / self.rate_hz:
            self._origin_s += drift_s

    def _time(self, index: int) -> float:
        return self._origin_s + index / self.rate_hz

    def _cut(self) -> list[Block]:
        values = np.concatenate(self._pending)
        blocks = []
        while len(values) >= self.size:
            blocks.append(Block(self._time(self._given), values[: self.size], restarted=not self._given))
            values = values[self.size :]
            self._given += self.size
        self._pending, self._waiting = [values], len(values)
        return blocks
