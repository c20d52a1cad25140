"""A small denoising diffusion over vectors: what both augmentations of this room are made of.

In: vectors (n, size) and, where wanted, conditions (n, k). Out: new vectors of the same kind. Cosine schedule
(Nichol and Dhariwal 2021), the network tells the clean vector (x0) from a noisy one, ancestral sampling over
all noise steps (Ho et al. 2020), and classifier-free guidance (Ho and Salimans 2022): the first `asked`
columns of a condition are shown as zeros for a share of the rows, so that one network knows both answers.

Vectors are standardized column by column, so that the noise of each step hides every column alike. The
network adds to the linear estimate `sqrt(signal) * noisy`, which is right where columns are independent and
Gaussian: a small network then has only the rest to learn.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

COSINE_OFFSET: Final = 0.008
"""Keeps the first noise steps from being none at all (Nichol and Dhariwal 2021, 3.2)."""
MOST_NOISE: Final = 0.999
"""Of one step; the cosine schedule's last would be all of it."""
TIME_WAVES: Final = 16
SD_FLOOR: Final = 1e-3
"""A column that never varies stays as it is."""
CLIP_SD: Final = 10.0
"""A clean column is held inside this while sampling, so that one bad step cannot carry a vector away."""
SAMPLE_BATCH: Final = 4096
SAY_EVERY: Final = 500


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one denoiser."""

    size: int
    """Columns of a vector."""
    conditions: int = 0
    """Columns of a condition."""
    asked: int = 0
    """Of these, in front, what guidance strengthens."""
    width: int = 256
    blocks: int = 4
    noise_steps: int = 50
    dropout: float = 0.1


@dataclass(frozen=True, slots=True)
class Drill:
    """How a denoiser is taught."""

    updates: int
    batch: int = 256
    learning_rate: float = 1e-3
    unasked_share: float = 0.15
    """Of rows that are shown without what is asked."""
    averaging: float = 0.998
    """Decay of the running average of weights, which is the denoiser that is kept."""
    seed: int = 0


class Denoiser(nn.Module):
    """Noisy vectors, the noise step and conditions -> clean vectors, all standardized."""

    mean: Tensor
    sd: Tensor
    signal: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.told = nn.Sequential(
            nn.Linear(2 * TIME_WAVES + shape.conditions, shape.width),
            nn.SiLU(),
            nn.Linear(shape.width, shape.width),
        )
        self.enter = nn.Linear(shape.size, shape.width)
        self.blocks = nn.ModuleList(_Block(shape.width, shape.dropout) for _ in range(shape.blocks))
        self.leave = nn.Linear(shape.width, shape.size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("mean", torch.zeros(shape.size))
        self.register_buffer("sd", torch.ones(shape.size))
        self.register_buffer("signal", _signal(shape.noise_steps))

    def forward(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """Give the clean vectors (B, size) of noisy ones; step (B,) 1 to noise_steps, condition (B, k)."""
        told = self.told(torch.cat([_waves(step / self.shape.noise_steps), condition], dim=1))
        hidden: Tensor = self.enter(noisy)
        for block in self.blocks:
            hidden = block(hidden, told)
        signal = self.signal[step][:, None]
        rest: Tensor = self.leave(hidden)
        return signal.sqrt() * noisy + (1 - signal).sqrt() * rest

    def unasked(self, condition: Tensor) -> Tensor:
        """Give the condition with nothing asked for."""
        return torch.cat(
            [torch.zeros_like(condition[:, : self.shape.asked]), condition[:, self.shape.asked :]], 1
        )


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.told = nn.Linear(width, 2 * width)
        self.think = nn.Sequential(
            nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, hidden: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.told(functional.silu(told)).chunk(2, dim=1)
        thought: Tensor = self.think(self.norm(hidden) * (1 + scale) + shift)
        return hidden + thought


def taught(
    shape: Shape,
    vectors: Tensor,
    conditions: Tensor,
    weights: Tensor,
    drill: Drill,
    say: Callable[[str], None],
) -> Denoiser:
    """Give a denoiser of vectors (n, size), conditions (n, k), drawn by weights (n,); in eval mode.

    Raises InputError when the loss is no number.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(drill.seed)
        denoiser = Denoiser(shape)
        denoiser.mean.copy_(vectors.mean(dim=0))
        denoiser.sd.copy_(vectors.std(dim=0) + SD_FLOOR)
        return _Drilled(denoiser, drill).run(
            (vectors - denoiser.mean) / denoiser.sd, conditions, weights, say
        )


def sampled(denoiser: Denoiser, conditions: Tensor, random: torch.Generator, guidance: float = 1.0) -> Tensor:
    """Give one new vector (n, size) for each condition (n, k); guidance 1 takes the condition as learned.

    The denoiser must be in eval mode: dropout while sampling would only add noise that nobody asked for.
    """
    if denoiser.training:
        raise ValueError("sampling from a denoiser in training mode")
    with torch.no_grad():
        parts = [
            _denoised(denoiser, part, random, guidance) for part in torch.split(conditions, SAMPLE_BATCH)
        ]
    return torch.cat(parts) * denoiser.sd + denoiser.mean


class _Drilled:
    """One training: the optimizer and the running average of weights."""

    def __init__(self, denoiser: Denoiser, drill: Drill) -> None:
        self.denoiser, self.drill = denoiser, drill
        self.average = copy.deepcopy(denoiser)
        self.optimizer = torch.optim.AdamW(denoiser.parameters(), lr=drill.learning_rate, weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, drill.updates)

    def run(self, clean: Tensor, conditions: Tensor, weights: Tensor, say: Callable[[str], None]) -> Denoiser:
        self.denoiser.train()
        for update in range(1, self.drill.updates + 1):
            drawn = torch.multinomial(weights, self.drill.batch, replacement=True)
            loss = self._learn(clean[drawn], conditions[drawn])
            if not math.isfinite(loss):
                raise InputError(
                    f"diffusion: the loss is {loss} at update {update} of {self.drill.updates}; lower the "
                    f"learning rate ({self.drill.learning_rate:g}) or look for impossible values in the cases"
                )
            self._keep_average(update)
            if update % SAY_EVERY == 0:
                say(f"diffusion: update {update}/{self.drill.updates}, loss {loss:.4f}")
        return self.average.eval()

    def _learn(self, clean: Tensor, condition: Tensor) -> float:
        step = torch.randint(1, self.denoiser.shape.noise_steps + 1, (len(clean),))
        signal = self.denoiser.signal[step][:, None]
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * torch.randn_like(clean)
        hidden = torch.rand(len(clean), 1) < self.drill.unasked_share
        shown = torch.where(hidden, self.denoiser.unasked(condition), condition)
        loss = functional.mse_loss(self.denoiser(noisy, step, shown), clean)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.optimizer.step()
        self.schedule.step()
        return float(loss.detach())

    def _keep_average(self, update: int) -> None:
        """Move the average; at first it is the plain mean, so that the random start is soon forgotten."""
        share = max(1 - self.drill.averaging, 1 / update)
        with torch.no_grad():
            for kept, learned in zip(self.average.parameters(), self.denoiser.parameters(), strict=True):
                kept.lerp_(learned, share)


def _denoised(denoiser: Denoiser, condition: Tensor, random: torch.Generator, guidance: float) -> Tensor:
    noisy = torch.randn(len(condition), denoiser.shape.size, generator=random)
    for number in range(denoiser.shape.noise_steps, 0, -1):
        clean = _guided(denoiser, noisy, number, condition, guidance).clamp(-CLIP_SD, CLIP_SD)
        noisy = _less_noisy(denoiser.signal, number, noisy, clean, random)
    return noisy


def _guided(denoiser: Denoiser, noisy: Tensor, number: int, condition: Tensor, guidance: float) -> Tensor:
    step = torch.full((len(noisy),), number)
    asked: Tensor = denoiser(noisy, step, condition)
    if guidance == 1.0:
        return asked
    unasked: Tensor = denoiser(noisy, step, denoiser.unasked(condition))
    return unasked + guidance * (asked - unasked)


def _less_noisy(signal: Tensor, number: int, noisy: Tensor, clean: Tensor, random: torch.Generator) -> Tensor:
    """Draw the vector one noise step earlier, given this one and the clean one (Ho et al. 2020, eq. 6)."""
    here, before = signal[number], signal[number - 1]
    kept = here / before  # alpha of this step; signal[0] is 1, so the last draw is the clean vector itself
    mean = (before.sqrt() * (1 - kept) * clean + kept.sqrt() * (1 - before) * noisy) / (1 - here)
    variance = (1 - before) / (1 - here) * (1 - kept)
    return mean + variance.sqrt() * torch.randn(noisy.shape, generator=random)


def _signal(steps: int) -> Tensor:
    """Give the share of the signal's variance left after 0 to `steps` noise steps, (steps + 1,)."""
    place = torch.arange(steps + 1, dtype=torch.float64) / steps
    cosine = torch.cos((place + COSINE_OFFSET) / (1 + COSINE_OFFSET) * math.pi / 2) ** 2
    kept = (cosine[1:] / cosine[:-1]).clamp(min=1 - MOST_NOISE)
    return torch.cat([torch.ones(1, dtype=torch.float64), kept.cumprod(0)]).float()


def _waves(place: Tensor) -> Tensor:
    """Give (B, 2 * TIME_WAVES) sines and cosines of a place in 0 to 1."""
    turns = place[:, None] * torch.logspace(0, 2, TIME_WAVES)
    return torch.cat([turns.sin(), turns.cos()], dim=1)
