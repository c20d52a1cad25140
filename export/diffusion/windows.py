"""New hypotensive windows for a training: learned from the training patients' cases alone, made as Rows.

In: the cases of the patients who may teach. Out: a `Diffusion`, and of it
    new_windows          rows of falls and of quiet stretches that no patient had (ours)
    residual_copies      rows before a fall with another texture (the paper's)
    pretraining_windows  windows that may hold the fall itself, for masked-patch pretraining

A made row stands after the real history of a patient with the same kind of outcome, whose MAP is nearest to
the made window's first half minute, with that half hour's gaps; `case` is that patient's number in the list
given, so that texts, folds and bootstraps treat the row as that patient's, as they do a stretched copy. The
fall itself does not depend on the text.
"""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from barocast.export.diffusion import residual
from barocast.export.diffusion.continued import Courses, continued
from barocast.export.diffusion.denoiser import Denoiser, Drill, Shape, taught
from barocast.export.diffusion.half_hours import CURRENT_STEPS, STRETCH_STEPS, filled, half_hours
from barocast.export.diffusion.stretches import (
    ASKED,
    CONDITIONS,
    VECTOR,
    Asked,
    conditions,
    new_stretches,
    vectors,
)
from barocast.export.rows import join
from barocast.runtime.errors import InputError
from barocast.runtime.timeline import WINDOW_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.cohort import Case
    from barocast.export.diffusion.half_hours import HalfHours
    from barocast.export.rows import Rows

MIN_FALLS: Final = 30
"""Distinct onsets to learn from; of fewer, the diffusion could hardly do else than copy them."""
MIN_VALID_SHARE: Final = 0.9
"""Of a half hour that shapes are learned from: longer gaps would teach straight lines."""
LEVEL_JITTER_MMHG: Final = 2.0
MINUTES_JITTER: Final = 1.0
NEIGHBOURS: Final = 64
"""Histories of which the one that fits best is taken."""
ROUNDS: Final = 10


@dataclass(frozen=True, slots=True)
class DiffusionSettings:
    """How both diffusions are shaped and taught."""

    width: int = 256
    blocks: int = 4
    stretch: Drill = field(default_factory=lambda: Drill(updates=3000))
    residual: Drill = field(default_factory=lambda: Drill(updates=400))
    falls_share: float = 0.4
    """Of the half hours drawn while learning."""
    guidance: float = 1.5
    """1 takes the outcome as learned; more makes it surer and less varied."""


@dataclass(frozen=True, slots=True, eq=False)
class Diffusion:
    """What was learned: weights and scalings, no patient's row."""

    settings: DiffusionSettings
    stretch: Denoiser
    residual: Denoiser

    def save(self, path: Path) -> None:
        """Write one file."""
        parts = {"stretch": self.stretch.state_dict(), "residual": self.residual.state_dict()}
        torch.save({"settings": asdict(self.settings), **parts}, path)

    @classmethod
    def load(cls, path: Path) -> Diffusion:
        """Read what `save` wrote. Raises InputError for anything else."""
        try:
            kept = torch.load(path, weights_only=True)
            given = kept["settings"]
            drills = {name: Drill(**given[name]) for name in ("stretch", "residual")}
            settings = DiffusionSettings(**{**given, **drills})
            stretch, texture = (Denoiser(shape) for shape in _shapes(settings))
            stretch.load_state_dict(kept["stretch"])
            texture.load_state_dict(kept["residual"])
        except (OSError, KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(f"{path}: no diffusion of this version ({error}); learn it anew") from error
        return cls(settings, stretch.eval(), texture.eval())


@dataclass(frozen=True, slots=True)
class Made:
    """Half hours as made, n in all, before anybody asked whether they are landmarks."""

    asked: Asked
    mmhg: NDArray[np.float32]
    """(n, STRETCH_STEPS) NaN where missing."""
    case: NDArray[np.int32]
    """(n,) the case whose history it follows."""
    start: NDArray[np.int32]
    """(n,) the case's column at which it begins."""


def learn(
    cases: Sequence[Case],
    settings: DiffusionSettings | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Diffusion:
    """Learn from every half hour of the cases.

    Raises InputError with too few falls, or when the loss is NaN.
    """
    chosen = settings or DiffusionSettings()
    whole = _whole(half_hours(cases))
    if whole.distinct_falls < MIN_FALLS:
        raise InputError(
            f"diffusion: {whole.distinct_falls} falls in {len(cases)} cases, {MIN_FALLS} are needed; give "
            "more training patients, or train without made windows"
        )
    say(f"diffusion: {len(whole)} half hours, {whole.distinct_falls} distinct falls")
    shape, texture_shape = _shapes(chosen)
    clean, told = vectors(filled(whole.mmhg)), conditions(Asked(whole.level, whole.minutes))
    stretch = taught(shape, clean, told, _weights(whole, chosen.falls_share), chosen.stretch, say)
    before = torch.from_numpy(residual.residuals(whole.mmhg[whole.falls, :WINDOW_STEPS]))
    even, nothing = torch.ones(len(before)), torch.zeros(len(before), 0)
    return Diffusion(chosen, stretch, taught(texture_shape, before, nothing, even, chosen.residual, say))


def new_windows(
    diffusion: Diffusion, cases: Sequence[Case], count: int, seed: int, *, falls_share: float = 0.5
) -> Rows:
    """Give `count` rows at eligible landmarks; for `falls_share` of them a fall within 15 min was asked for.

    `cases` are those that the diffusion learned from. Raises InputError when too few of what is made
    are eligible landmarks.
    """
    random, real = np.random.default_rng(seed), half_hours(cases)
    parts: list[Rows] = []
    for _ in range(ROUNDS):
        missing = count - sum(len(part) for part in parts)
        if missing <= 0:
            break
        made = diffuse(diffusion, real, round(1.2 * missing) + 8, random, falls_share)
        rows = continued(cases, Courses(made.case, made.start, made.mmhg))
        parts.append(rows.take(np.arange(min(missing, len(rows)))))
    found = sum(len(part) for part in parts)
    if found < count:
        raise InputError(f"diffusion: {found} of {count} windows could be made; learn for longer")
    return join(parts)


def residual_copies(
    diffusion: Diffusion, rows: Rows, cases: Sequence[Case], *, copies: int = residual.COPIES, seed: int = 0
) -> Rows:
    """Give the paper's augmentation of the rows that an onset follows; see the module `residual`."""
    return residual.residual_copies(diffusion.residual, rows, cases, copies=copies, seed=seed)


def pretraining_windows(
    diffusion: Diffusion, cases: Sequence[Case], count: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give series and mask (count, 1, 90) of half hours asked to fall, cut at any moment of them."""
    random = np.random.default_rng(seed)
    made = diffuse(diffusion, half_hours(cases), count, random, falls_share=1.0)
    cut = random.integers(STRETCH_STEPS - WINDOW_STEPS + 1, size=count)[:, None] + np.arange(WINDOW_STEPS)
    mmhg = np.take_along_axis(made.mmhg, cut, axis=1)[:, None]
    mask = np.isfinite(mmhg)
    return np.where(mask, mmhg, 0).astype(np.float32), mask.astype(np.float32)


def diffuse(
    diffusion: Diffusion, real: HalfHours, count: int, random: np.random.Generator, falls_share: float
) -> Made:
    """Give made half hours, each after one of the real histories and with its gaps, eligible or not."""
    asked = _asked(real, count, random, falls_share)
    mmhg = new_stretches(diffusion.stretch, asked, diffusion.settings.guidance, int(random.integers(2**31)))
    after = _histories(real, np.isfinite(asked.minutes), mmhg, random)
    gaps = np.isnan(real.mmhg[after])
    return Made(asked, np.where(gaps, np.nan, mmhg), real.case[after], real.start[after])


def _asked(real: HalfHours, count: int, random: np.random.Generator, falls_share: float) -> Asked:
    """Draw what real landmarks saw, a little moved."""
    fall = random.random(count) < falls_share
    like = real.take(_draw(real, fall, random, 1)[:, 0])
    level = like.level + random.normal(0, LEVEL_JITTER_MMHG, count)
    minutes = np.clip(like.minutes + random.normal(0, MINUTES_JITTER, count), 1 / 6, 15)
    return Asked(level.astype(np.float32), minutes.astype(np.float32))


def _histories(
    real: HalfHours, fall: NDArray[np.bool_], mmhg: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.intp]:
    """Give for each made half hour the real one of its kind of outcome behind whose history it fits best."""
    drawn = _draw(real, fall, random, NEIGHBOURS)
    first = mmhg[:, :CURRENT_STEPS].mean(axis=1, keepdims=True)
    step = np.nan_to_num(np.abs(real.before[drawn] - first), nan=np.inf)
    best = step.argmin(axis=1)[:, None]
    return np.take_along_axis(drawn, best, axis=1)[:, 0]


def _draw(
    real: HalfHours, fall: NDArray[np.bool_], random: np.random.Generator, each: int
) -> NDArray[np.intp]:
    """Draw `each` real half hours with the outcome asked for, (n, each)."""
    drawn = np.empty((len(fall), each), dtype=np.intp)
    for kind in (True, False):
        pool = np.flatnonzero(real.falls == kind)
        asked = fall == kind
        if asked.any() and not pool.size:
            raise InputError(f"diffusion: no half hour {'with' if kind else 'without'} a fall in these cases")
        drawn[asked] = random.choice(pool, (int(asked.sum()), each)) if asked.any() else 0
    return drawn


def _whole(real: HalfHours) -> HalfHours:
    return real.take(np.isfinite(real.mmhg).mean(axis=1) >= MIN_VALID_SHARE)


def _weights(real: HalfHours, falls_share: float) -> torch.Tensor:
    """Weigh half hours so that this share of the draws falls."""
    fell = real.falls
    share = np.where(fell, falls_share / fell.sum(), (1 - falls_share) / max((~fell).sum(), 1))
    return torch.from_numpy(share)


def _shapes(settings: DiffusionSettings) -> tuple[Shape, Shape]:
    """Give the shapes of the half hour's and of the texture's denoiser."""
    sizes = {"width": settings.width, "blocks": settings.blocks}
    return Shape(VECTOR, CONDITIONS, ASKED, **sizes), Shape(WINDOW_STEPS, **sizes)
