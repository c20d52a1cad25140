"""A case's series as events in order of time, whatever it lies in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.domain import Sample
from barocast.runtime.recorded import BATCH, KINDS, open_recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.export.validation.study_case import Series
    from barocast.runtime.domain import Event


def events_of(series: Series | Path) -> Iterator[list[Event]]:
    """Give batches of events. Raises InputError for a recording that cannot be read."""
    if isinstance(series, Path):
        return open_recorded(series, KINDS[series.suffix.lower()]).batches
    return _told(series)


def _told(series: Series) -> Iterator[list[Event]]:
    """Give a series as a feed would have told it, missing values included."""
    samples: list[Event] = [
        Sample("ABP_MEAN", "cohort", t_s, value, "mmHg", valid=bool(np.isfinite(value)))
        for t_s, value in zip(series.t_s.tolist(), series.map_mmhg.tolist(), strict=True)
    ]
    yield from (samples[start : start + BATCH] for start in range(0, len(samples), BATCH))
