"""IOHFuseLM as its code has it (commit 67e8af7; Zhang et al. 2025), so that it can be compared.

    MAP (B, 300 steps of 3 s), z-scored -> 30 patches of 10 steps -> linear -> key, value --+
    text ids, padded and the padding not masked -> embedding ------------> query -> 8 heads +-> text slots
    [text slots ; patches] -> language model -> flatten -> linear -> 100, 200 or 300 steps of MAP ahead

One network for each horizon of 5, 10 and 15 min, of the language model's first 3, 4 and 5 layers, its norms
tuned and all else of it frozen. Text picks among patches and puts the result in its own place, without a
residual: on a flat series no text can change anything. There is no probability: `logits` are of the share of
the worst minute that is forecast below 65 mmHg, after the first two minutes, and not ordered between
horizons; its own alarm is a share of EVENT_SHARE. The three quantiles are one number, `outcomes` are NaN,
gates are 1 where the modality is there.

Differences, all forced: the 10 s grid is repeated to 3 s where nothing finer exists, and the future is the
rows' 30 s means, repeated; z-scores are by fusion.units, not by the training rows; a missing sample is the
mean, 0, and is left out of the loss; the language model is whichever is named (the paper's GPT-2:
`openai-community/gpt2`, from the hub) with its own positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from barocast.calibration.events import HYPOTENSION
from barocast.export.fusion.network import TeacherAnswer
from barocast.export.fusion.outcomes import OUTCOMES
from barocast.export.fusion.units import Standard
from barocast.export.language.trunk import load_trunk
from barocast.export.rows import FUTURE_STEPS
from barocast.runtime.tokens import TREND_CHANNEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.export.language.trunk import Trunk

STEP_S: Final = 3
STEPS: Final = 300
PATCH: Final = 10
LAYERS: Final = (3, 4, 5)
"""Of the language model, at each of HORIZON_STEPS."""
HORIZON_STEPS: Final = (100, 200, 300)
REACTION_STEPS: Final = 120 // STEP_S
"""The first two minutes ahead never count as an event."""
MINUTE_STEPS: Final = 60 // STEP_S
EVENT_SHARE: Final = 0.6
"""Of a minute, forecast below 65 mmHg: an event."""
LOW_WEIGHT: Final = 10.0
"""Of the hypotensive steps' squared error, beside that of all steps."""
REPEATED: Final = STEPS // FUTURE_STEPS
HALF_STEP: Final = 0.5 / MINUTE_STEPS
"""Keeps the logit of a share finite: half a step from 0 and from 1."""


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """What may differ from the published configuration."""

    trunk: str
    layers: tuple[int, int, int] = LAYERS
    channels: tuple[str, ...] = (TREND_CHANNEL,)
    """MAP alone: the paper's model is univariate."""
    text_tokens: int = 80
    heads: int = 8
    seed: int = 0


class PaperNetwork(nn.Module):
    """The network of one horizon."""

    def __init__(self, settings: PaperSettings, trunk: Trunk, horizon_steps: int) -> None:
        super().__init__()
        width = trunk.width
        self.trunk = trunk
        for parameter in trunk.parameters():
            parameter.requires_grad_(parameter.ndim == 1)  # the norms
        self.patch = nn.Linear(PATCH, width)
        self.padding = nn.Parameter(torch.randn(width) * float(trunk.table.weight.detach().std()))
        self.crossing = nn.MultiheadAttention(width, settings.heads, batch_first=True)
        self.head = nn.Linear((settings.text_tokens + STEPS // PATCH) * width, horizon_steps)

    def forward(self, pressure: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Give z-scored MAP (B, horizon steps) and the mean state (B, width) for z-scored MAP (B, 300)."""
        patches = self.patch(pressure.reshape(len(pressure), -1, PATCH))
        words = torch.where((text >= 0).unsqueeze(-1), self.trunk.embed(text), self.padding)
        slots, _ = self.crossing(words, patches, patches, need_weights=False)
        tokens = torch.cat([slots, patches], dim=1)
        states = self.trunk(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device))
        return self.head(states.flatten(1)), states.mean(dim=1)


class PaperTeacher(nn.Module):
    """The three networks, answering as fusion.network.Teacher does; build it with build_paper_teacher."""

    def __init__(self, settings: PaperSettings, trunks: list[Trunk]) -> None:
        super().__init__()
        self.settings = settings
        self.standard = Standard(settings.channels)
        self.networks = nn.ModuleList(
            PaperNetwork(settings, trunk, steps) for trunk, steps in zip(trunks, HORIZON_STEPS, strict=True)
        )

    def forward(self, series: Tensor, mask: Tensor, trend: Tensor, text: Tensor) -> TeacherAnswer:  # noqa: ARG002 the teacher's own signature
        """Answer for MAP (B, 1, 90) or (B, 1, 300), mmHg; the trend is not read."""
        forecasts, states = self.forecast(series, mask, text)
        shares = torch.stack([worst_minute(mmhg) for mmhg in forecasts], dim=1)
        ahead = _shortest_that_reaches(forecasts).reshape(len(series), -1, REPEATED).mean(dim=-1)
        there = torch.stack([(text >= 0).any(dim=1), (mask > 0).any(dim=2).any(dim=1)], dim=1)
        return TeacherAnswer(
            logits=torch.logit(shares, HALF_STEP),
            quantiles=ahead.unsqueeze(1).repeat(1, 3, 1),
            gates=there.to(series.dtype),
            features=torch.cat(states, dim=1),
            outcomes=series.new_full((len(series), len(OUTCOMES)), torch.nan),
        )

    def forecast(self, series: Tensor, mask: Tensor, text: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Give MAP ahead of each network, mmHg (B, 100), (B, 200), (B, 300), and its mean states."""
        pressure = on_3_s(self.standard(series, mask)[:, 0])
        given = [network(pressure, text) for network in self.networks]
        centre, scale = self.standard.centre[0], self.standard.scale[0]
        return [centre + scale * forecast for forecast, _ in given], [state for _, state in given]


def build_paper_teacher(settings: PaperSettings) -> PaperTeacher:
    """Give a fresh one, always the same for the same settings. Raises InputError as load_trunk does."""
    trunks = [load_trunk(settings.trunk, layers, seed=settings.seed) for layers in settings.layers]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return PaperTeacher(settings, trunks)


def paper_loss(model: PaperTeacher, batch: dict[str, Tensor]) -> Tensor:
    """Give the sum of the three networks' losses: MSE + 10 x MSE of the hypotensive steps, z-scored."""
    forecasts, _ = model.forecast(batch["series"], batch["mask"], batch["text"])
    future = batch["future"].repeat_interleave(REPEATED, dim=1)
    scale = float(model.standard.scale[0])
    losses = [_loss(mmhg, future[:, : mmhg.shape[1]], scale) for mmhg in forecasts]
    return torch.stack(losses).sum()


def worst_minute(mmhg: Tensor) -> Tensor:
    """Give (B,): the largest share of any 60 s forecast below 65 mmHg, of (B, steps) on the 3 s grid."""
    low = (mmhg[:, REACTION_STEPS:] < HYPOTENSION.below_mmhg).to(mmhg.dtype)
    return low.unfold(1, MINUTE_STEPS, 1).mean(dim=-1).amax(dim=-1)


def published_auc(labels: NDArray[np.floating[Any]], logits: NDArray[np.floating[Any]]) -> float:
    """Give what the paper prints as AUC: the mean of sensitivity and specificity of its own alarm rule.

    For labels and logits (n,) of one horizon; rows of an unknown label do not count.
    """
    share = EVENT_SHARE - HALF_STEP
    alarmed = logits >= np.log(share / (1 - share))
    return float((alarmed[labels == 1].mean() + (~alarmed[labels == 0]).mean()) / 2)


def on_3_s(series: Tensor) -> Tensor:
    """Give (B, 300) of a series on the 3 s grid, or of one on a coarser grid, repeated."""
    steps = series.shape[-1]
    at = torch.arange(STEPS, device=series.device) * steps // STEPS
    return series[..., at]


def _shortest_that_reaches(forecasts: list[Tensor]) -> Tensor:
    """Give (B, 300): each step from the network of the shortest horizon that holds it."""
    parts, reached = [], 0
    for mmhg in forecasts:
        parts.append(mmhg[:, reached:])
        reached = mmhg.shape[1]
    return torch.cat(parts, dim=1)


def _loss(mmhg: Tensor, future: Tensor, scale: float) -> Tensor:
    known = torch.isfinite(future)
    squared = torch.where(known, (mmhg - future.nan_to_num()) / scale, torch.zeros_like(mmhg)) ** 2
    low = known & (future < HYPOTENSION.below_mmhg)
    return squared.sum() / known.sum().clamp(min=1) + LOW_WEIGHT * (squared * low).sum() / low.sum().clamp(
        min=1
    )
