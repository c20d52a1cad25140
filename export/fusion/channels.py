"""Rows of MAP alone -> rows of every channel that a network reads.

In: rows whose `at` is a column of their case's grid (export.rows.make_rows), the cases, the channels. Out:
the same rows with the other channels of the same columns; a channel that a case never had is missing, mask 0.
Stretched and made rows must not come here: nobody knows what the heart did in a fall that never was. They are
laid out with their other channels missing (fusion.lesson.with_channels), which every network is taught.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from barocast.export.fusion.lesson import with_channels
from barocast.runtime.timeline import WINDOW_STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.rows import Rows


def seen_on(rows: Rows, cases: Sequence[Case], channels: tuple[str, ...]) -> Rows:
    """Give the rows with series and mask (n, len(channels), 90), in each channel's own unit."""
    wide = with_channels(rows, channels)
    if len(channels) == rows.series.shape[1]:
        return wide
    series, mask = wide.series.copy(), wide.mask.copy()
    for number in np.unique(rows.case):
        of = np.flatnonzero(rows.case == number)
        for place, channel in enumerate(channels):
            given = cases[number].others.get(channel)
            if given is not None:
                values = _windows(given, rows.at[of])
                mask[of, place] = np.isfinite(values)
                series[of, place] = np.nan_to_num(values)
    return replace(wide, series=series, mask=mask)


def _windows(values: NDArray[np.float64], at: NDArray[np.int32]) -> NDArray[np.float64]:
    """Give (n, 90): the columns up to and with each of `at`, NaN before the case began."""
    before = np.concatenate([np.full(WINDOW_STEPS - 1, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(before, WINDOW_STEPS)[at]
