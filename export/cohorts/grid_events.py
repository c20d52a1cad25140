"""Values that already lie on an even grid -> events, as a monitor would have told them.

In: channel -> (n,) values, NaN = missing. Out: batches of Samples in order of time; what no sensor can report
is marked `range`, as every decoder does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from barocast.runtime.domain import Reason, Sample
from barocast.runtime.recorded import BATCH
from barocast.runtime.tracks import CHANNELS, plausible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from barocast.runtime.domain import Event


def told(
    columns: Mapping[str, NDArray[np.float64]], step_s: float, *, missing: bool
) -> Iterator[list[Event]]:
    """Tell every row; `missing`: an empty cell is told too, as a value that was due and did not come."""
    batch: list[Event] = []
    for row, values in enumerate(zip(*(column.tolist() for column in columns.values()), strict=True)):
        for channel, value in zip(columns, values, strict=True):
            if missing or not math.isnan(value):
                batch.append(_sample(channel, row * step_s, value))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _sample(channel: str, t_s: float, value: float) -> Sample:
    reason = Reason.MISSING if math.isnan(value) else None if plausible(channel, value) else Reason.RANGE
    return Sample(channel, channel, t_s, value, CHANNELS[channel].unit, reason is None, reason)
