"""The paper's augmentation: a window keeps its trend and is given a new texture.

In: windows of MAP before a fall. Out: the same windows, trend + a residual that a diffusion made. The trend
is the mean of two moving averages, over 15 s and 45 s (IOHFuseLM, arXiv 2505.22116: 5 and 15 samples of 3 s).
On our 10 s grid the same spans of time are kept: 1.5 and 4.5 samples, the samples at a span's ends counting
by the share of them inside it. Much of the texture that the paper resamples lies below 10 s and does not
exist here, so what is resampled is smaller.

As the paper's, the residual is drawn without any condition, only windows before a fall are copied, and the
future stays as it was. Mended: dropout is off while sampling, gaps stay gaps, and the label is found anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from barocast.export.diffusion.continued import Courses, continued
from barocast.export.diffusion.denoiser import sampled
from barocast.export.diffusion.half_hours import STRETCH_STEPS
from barocast.runtime.timeline import STEP_S, WINDOW_STEPS
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.diffusion.denoiser import Denoiser
    from barocast.export.rows import Rows

SPANS_S: Final = (15.0, 45.0)
COPIES: Final = 2
"""Of each window, as the paper's code makes them."""


def residuals(mmhg: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give what (n, time) has beside its trend, mmHg; 0 where nothing was measured."""
    return np.where(np.isfinite(mmhg), mmhg - smoothed(mmhg), 0).astype(np.float32)


def smoothed(mmhg: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the trend of (n, time), mmHg, from the measured samples; NaN where none lies within the spans."""
    seen = np.isfinite(mmhg)
    averages = []
    for span_s in SPANS_S:
        box = _box(span_s / STEP_S)
        total, weight = (_run(part, box) for part in (np.where(seen, mmhg, 0), seen.astype(np.float64)))
        with np.errstate(invalid="ignore"):
            averages.append(total / weight)
    return np.asarray(np.mean(averages, axis=0), dtype=np.float32)


def residual_copies(
    denoiser: Denoiser, rows: Rows, cases: Sequence[Case], *, copies: int = COPIES, seed: int = 0
) -> Rows:
    """Give `copies` of each of the rows that an onset follows within 15 min, with new textures.

    `rows.case` numbers `cases`. A copy whose new texture ends the eligibility of its landmark is left out.
    """
    fell = np.flatnonzero(rows.labels[:, -1] == 1).repeat(copies)
    windows = np.where(rows.mask[fell, 0] > 0, rows.series[fell, 0], np.nan)
    random = torch.Generator().manual_seed(seed)
    made = smoothed(windows) + sampled(denoiser, torch.zeros(len(fell), 0), random).numpy()
    start = rows.at[fell] + 1 - WINDOW_STEPS
    followed = [
        _following(cases[number], column) for number, column in zip(rows.case[fell], start, strict=True)
    ]
    mmhg = np.array(followed).reshape(-1, STRETCH_STEPS)
    mmhg[:, :WINDOW_STEPS] = in_range(np.where(np.isfinite(windows), made, np.nan))
    return continued(cases, Courses(rows.case[fell], start, mmhg))


def in_range(mmhg: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the series with NaN for what no sensor can report."""
    track = CHANNELS["ABP_MEAN"]
    return np.where((mmhg >= track.low) & (mmhg <= track.high), mmhg, np.float32(np.nan))


def _following(case: Case, start: int) -> NDArray[np.float64]:
    """Give the case from `start` on, STRETCH_STEPS, NaN past its end."""
    real = case.map_mmhg[start : start + STRETCH_STEPS]
    return np.concatenate([real, np.full(STRETCH_STEPS - real.size, np.nan)])


def _box(samples: float) -> NDArray[np.float64]:
    """Give the weights of a centred span: whole samples inside, a share of those at its ends."""
    half = (samples - 1) / 2
    reach = int(np.ceil(half))
    away = np.abs(np.arange(-reach, reach + 1))
    return np.clip(half + 1 - away, 0, 1)


def _run(values: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64]:
    edge = box.size // 2
    padded = np.pad(values, ((0, 0), (edge, edge)))
    return np.lib.stride_tricks.sliding_window_view(padded, box.size, axis=1) @ box
