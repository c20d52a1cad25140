"""The network: patched series, multi-scale trend and named text sections -> ordered risk and MAP.

    series, mask (B, C, 90)  -> 30 s patches -------------- keys, values --+
    trend (B, 7, 6)          -> a token per scale + a forecast token  -> cross-attention, gated
    text (B, 128)            -> token features ------------ keys, values --+  (with a residual)
                                                        forecast token -> head
    trend, standardized; the text's burden -> wide linear path ----------> head
                                                        head -> logits (B, 3), quantiles (B, 3, 30)

The wide path makes the network at least a logistic regression; the forecast token alone makes it a
perceptron on the trend; attention only adds to them, since every attention ends in a projection that
starts at zero. Text enters by attention *plus* a residual, so it can move a flat forecast; without
text its gate is 0 and the answer is that of the series alone. Logits are ordered (5 <= 10 <= 15 min)
and quantiles do not cross, by construction. Several members run in one graph; the answer is their mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.export.attention import Attention, FeedForward, zeroed
from barocast.export.text_encoder import ASPECTS, TextEncoder
from barocast.runtime.tokens import CASE_FEATURES, TEXT_TOKENS, TREND_FEATURES, TREND_MINUTES

if TYPE_CHECKING:
    from collections.abc import Sequence

PATCH: Final = 3
"""Samples of 10 s in a patch of 30 s."""
FORECAST_MINUTES: Final = tuple(step / 2 for step in range(1, 31))
"""Minutes ahead of each MAP quantile step."""
QUANTILES: Final = 3
HORIZONS: Final = 3
GATES: Final = ("text", "series")
SCALES: Final = len(TREND_MINUTES) + 1
TREND: Final = SCALES * len(TREND_FEATURES)
assert len(CASE_FEATURES) == len(TREND_FEATURES)  # noqa: S101 both fill a row of the trend; wrong: no import
CLIP_SD: Final = 5.0
"""Standardized features are held inside this, so that one artefact cannot carry the wide path away."""
MMHG_CENTRE: Final = 75.0
MMHG_SCALE: Final = 15.0


Answer: TypeAlias = "tuple[Tensor, Tensor, Tensor]"
"""logits (B, 3), quantiles or deltas (B, 3, 30) in mmHg, gates (B, len(GATES))."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The shape of the network."""

    channels: int = 1
    steps: int = 90
    """Columns of the window."""
    width: int = 48
    heads: int = 2
    layers: int = 1
    members: int = 3
    dropout: float = 0.2
    recent: int = 6
    """Newest samples of each channel that the forecast token sees as they are."""

    @property
    def patches(self) -> int:
        """Patches in a window."""
        if self.steps % PATCH:
            raise ValueError(f"{self.steps} steps do not divide into patches of {PATCH}")
        return self.steps // PATCH


@dataclass(frozen=True, slots=True)
class Scaling:
    """Where the training rows lie: set once, kept in the graph."""

    mean: Tensor
    """(7, 6)"""
    sd: Tensor
    """(7, 6)"""
    rest: Tensor
    """(3, 30) quantiles of MAP ahead minus MAP now, mmHg: the forecast before anything is learned."""
    prevalence_logits: tuple[float, float, float]


class Layer(nn.Module):
    """Tokens look at the patches (gated), at one another, and think."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, heads, dropout = settings.width, settings.heads, settings.dropout
        self.to_series = Attention(width, width, heads, dropout)
        self.to_self = Attention(width, width, heads, dropout)
        self.think = FeedForward(width, dropout)

    def forward(self, tokens: Tensor, patches: Tensor, gate: Tensor) -> Tensor:
        """Give the tokens (B, n, width) after one layer."""
        tokens = tokens + gate * self.to_series(tokens, patches)
        tokens = tokens + self.to_self(tokens, tokens)
        thought: Tensor = self.think(tokens)
        return tokens + thought


class Member(nn.Module):
    """One network of the ensemble, text features given."""

    def __init__(self, settings: ModelSettings, rest: Tensor, prevalence_logits: Sequence[float]) -> None:
        super().__init__()
        width = settings.width
        known = TREND + 2 * settings.channels * settings.recent
        self.settings = settings
        self.patch = nn.Linear(2 * settings.channels * PATCH, width)
        self.patch_place = nn.Parameter(torch.randn(settings.patches, width) * 0.02)
        self.scale = nn.Parameter(torch.randn(SCALES, len(TREND_FEATURES), width) * 0.2)
        self.scale_place = nn.Parameter(torch.randn(SCALES, width) * 0.02)
        self.forecast = nn.Linear(known, width)
        self.to_text = Attention(width, ASPECTS, settings.heads, settings.dropout)
        self.text_gate = nn.Linear(width + ASPECTS, 1)
        self.series_gate = nn.Linear(width, 1)
        self.layers = nn.ModuleList(Layer(settings) for _ in range(settings.layers))
        self.dropout = nn.Dropout(settings.dropout)
        self.head = Head(width, known, rest, prevalence_logits)
        nn.init.constant_(self.text_gate.bias, -1.0)

    def forward(
        self, patches: Tensor, z: Tensor, known: Tensor, text: Tensor, present: Tensor
    ) -> tuple[Tensor, Answer]:
        """Take patches (B, 30, 2CP), z (B, 7, 6), known (B, n), text (B, aspects, same), present (B, 1).

        Give the forecast token (B, width) and what the head says of it.
        """
        forecast = functional.gelu(self.forecast(known)).unsqueeze(1)
        scales = torch.einsum("bsf,sfw->bsw", z, self.scale) + self.scale_place
        tokens = torch.cat([self.dropout(forecast), scales], dim=1)  # (B, 1 + 7, width)
        series = self.patch(patches) + self.patch_place
        text_gate = self._text_gate(forecast, text, present)
        tokens = tokens + text_gate * self.to_text(tokens, text)
        series_gate = torch.sigmoid(self.series_gate(forecast))
        for layer in self.layers:
            tokens = layer(tokens, series, series_gate)
        burden = text_gate.squeeze(1) * text.sum(dim=(1, 2)).unsqueeze(-1)  # (B, 1)
        logits, deltas = self.head(tokens[:, 0], known, burden)
        return tokens[:, 0], (logits, deltas, torch.cat([text_gate, series_gate], dim=-1).squeeze(1))

    def _text_gate(self, forecast: Tensor, text: Tensor, present: Tensor) -> Tensor:
        """Give (B, 1, 1): 0 without any text."""
        both = torch.cat([forecast, text.mean(dim=1, keepdim=True)], dim=-1)
        gate: Tensor = torch.sigmoid(self.text_gate(both))
        return gate * present.unsqueeze(-1)


class Head(nn.Module):
    """Forecast token plus wide path -> ordered logits and uncrossed quantile deltas."""

    rest: Tensor

    def __init__(self, width: int, known: int, rest: Tensor, prevalence_logits: Sequence[float]) -> None:
        super().__init__()
        self.risk = zeroed(nn.Linear(width, HORIZONS))
        self.wide_risk = zeroed(nn.Linear(known, HORIZONS))
        self.text_risk = zeroed(nn.Linear(1, HORIZONS, bias=False))
        self.delta = zeroed(nn.Linear(width, rest.numel()))
        self.wide_delta = zeroed(nn.Linear(known, rest.numel()))
        self.register_buffer("rest", _free(rest / MMHG_SCALE))
        with torch.no_grad():
            self.wide_risk.bias.copy_(_steps(prevalence_logits))

    def forward(self, token: Tensor, known: Tensor, burden: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits (B, 3) and MAP ahead minus MAP now (B, 3, 30), mmHg; `burden` (B, 1) is the text's."""
        risk = self.risk(token) + self.wide_risk(known) + self.text_risk(burden)
        rises = functional.softplus(risk[:, 1:])
        at5 = risk[:, :1]
        at10 = at5 + rises[:, :1]
        at15 = at10 + rises[:, 1:]
        free = (self.delta(token) + self.wide_delta(known)).reshape(-1, *self.rest.shape) + self.rest
        middle = free[:, 1]
        low = middle - functional.softplus(free[:, 0])
        high = middle + functional.softplus(free[:, 2])
        deltas = torch.stack([low, middle, high], dim=1) * MMHG_SCALE
        return torch.cat([at5, at10, at15], dim=1), deltas


class Model(nn.Module):
    """The whole graph: ModelInput's four tensors in, logits, quantiles and gates out."""

    mean: Tensor
    sd: Tensor

    def __init__(self, settings: ModelSettings, scaling: Scaling, text_encoder: TextEncoder) -> None:
        super().__init__()
        self.settings = settings
        self.text_encoder = text_encoder
        self.members = nn.ModuleList(
            Member(settings, scaling.rest, scaling.prevalence_logits) for _ in range(settings.members)
        )
        self.register_buffer("mean", scaling.mean)
        self.register_buffer("sd", scaling.sd)

    def forward(self, series: Tensor, mask: Tensor, trend: Tensor, text: Tensor) -> Answer:
        """Give the members' mean answer for a batch of ModelInputs."""
        return mean_answer([a for _, a in self.each(series, mask, trend, *self.text_encoder(text))])

    def each(
        self, series: Tensor, mask: Tensor, trend: Tensor, text: Tensor, present: Tensor
    ) -> list[tuple[Tensor, Answer]]:
        """Give every member's token and answer; text features (B, token, width) are the caller's."""
        z = ((trend - self.mean) / self.sd).clamp(-CLIP_SD, CLIP_SD)
        scaled = (series - MMHG_CENTRE) / MMHG_SCALE * mask
        both = torch.cat([scaled, mask], dim=1)  # (B, 2C, time)
        patches = both.reshape(*both.shape[:2], self.settings.patches, PATCH).permute(0, 2, 1, 3).flatten(2)
        known = torch.cat([z.flatten(1), both[..., -self.settings.recent :].flatten(1)], dim=1)
        now = trend[:, :1, :1]  # mean of the last minute, mmHg
        said = [member(patches, z, known, text, present) for member in self.members]
        return [(token, (logits, now + deltas, gates)) for token, (logits, deltas, gates) in said]


def blank(settings: ModelSettings, text_encoder: TextEncoder) -> Model:
    """Give a network for a checkpoint's numbers: every one of its own is to be replaced."""
    return Model(settings, blank_scaling(), text_encoder)


def blank_scaling() -> Scaling:
    """Give a scaling for a checkpoint's numbers, likewise."""
    mean, sd = (torch.ones(SCALES, len(TREND_FEATURES)) for _ in range(2))  # a tensor each: filled in place
    rest = torch.arange(QUANTILES, dtype=torch.float32)[:, None].expand(-1, len(FORECAST_MINUTES))
    return Scaling(mean, sd, rest, (0.0, 1.0, 2.0))


def mean_answer(answers: Sequence[Answer]) -> Answer:
    """Give the mean of members' answers; a mean of ordered logits is ordered."""
    logits, quantiles, gates = (torch.stack(parts).mean(dim=0) for parts in zip(*answers, strict=True))
    return logits, quantiles, gates


def example_input(settings: ModelSettings, batch: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give tensors of the graph's input shapes, for tracing and tests."""
    series = torch.full((batch, settings.channels, settings.steps), MMHG_CENTRE)
    trend = torch.full((batch, SCALES, len(TREND_FEATURES)), MMHG_CENTRE)
    text = torch.ones((batch, TEXT_TOKENS), dtype=torch.int64)
    return series, torch.ones_like(series), trend, text


def _steps(logits: Sequence[float]) -> Tensor:
    """Give the head's bias for ordered logits: the first, then what softplus makes each rise of."""
    rises = torch.tensor([logits[1] - logits[0], logits[2] - logits[1]]).clamp(min=0.05)
    return torch.cat([torch.tensor([logits[0]]), torch.log(torch.expm1(rises))])


def _free(rest: Tensor) -> Tensor:
    """Give (3, 30): the middle as it is, the spreads as softplus's argument."""
    spreads = torch.stack([rest[1] - rest[0], rest[2] - rest[1]]).clamp(min=0.05)
    low, high = torch.log(torch.expm1(spreads))
    return torch.stack([low, rest[1], high])
