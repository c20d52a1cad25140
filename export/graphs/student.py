"""Our student, cut where the patient's text ends, its members answered in one pass.

    text (B, T)                           -> text encoder -> aspects (B, 8, 8), present (B, 1)
    series, mask, trend, aspects, present -> Tick -> logits (B, 3), quantiles (B, 3, 30), gates (B, 2)

The tick is the Model's own arithmetic, laid out for a processor that answers one patient at a time, where
the number of operations costs more than their size: members and heads are stacked (export.graphs.stacked);
patches enter their attention as the samples themselves, each with its place beside it, so that their linear
map is inside that attention's products; and the last layer works out the forecast token only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.export.graphs.split import Split
from barocast.export.graphs.stacked import Product, StackedAttention, StackedFeedForward, gelu, stack
from barocast.export.model import (
    CLIP_SD,
    FORECAST_MINUTES,
    GATES,
    MMHG_CENTRE,
    MMHG_SCALE,
    PATCH,
    SCALES,
    TREND,
    Layer,
    Member,
    example_input,
)
from barocast.export.text_encoder import ASPECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.export.model import Answer, Head, Model

MEMORY: Final = ("aspects", "present")
QUANTIZABLE: Final = (".to_text", ".to_series", ".think")
"""The trunk. Not the tokens' attention to one another: it is little work, and made nine tenths of the error
of an int8 graph. Not the wide path, the gates and the head: a probability is read off them."""
STEPS: Final = len(FORECAST_MINUTES)
TOLD: Final = (1, STEPS, 1, 1, STEPS, STEPS)
"""What a head says, in this order: the first logit and the middle quantiles; then, as softplus's arguments,
the logits' two rises and the spreads below and above the middle."""
RISING: Final = 1 + STEPS
"""The first of softplus's arguments."""


def split_student(model: Model) -> Split:
    """Give the two parts; the tick answers as `model` does, but for the rounding of float32."""
    with torch.no_grad():
        tick = Tick(model.eval())
    return Split(model.text_encoder, tick, MEMORY, example_input(model.settings), QUANTIZABLE)


class Tick(nn.Module):
    """All of a Model but its text encoder."""

    mean: Tensor
    rate: Tensor
    own: Tensor
    places: Tensor
    rising: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        members = [cast("Member", member) for member in model.members]
        self.settings = model.settings
        self.first = Product(stack(map(_first_weight, members)), stack(map(_first_bias, members)))
        self.scales = Product(
            stack(m.scale.flatten(0, 1) for m in members), stack(m.scale_place for m in members)
        )
        self.by_text = Product(stack(map(_text_weight, members)), stack(map(_text_bias, members)))
        self.gates = Product(stack(map(_gate_weight, members)))
        self.to_text = StackedAttention([m.to_text for m in members], [torch.eye(ASPECTS)] * len(members))
        self.layers = nn.ModuleList(StackedLayer(members, number) for number in range(model.settings.layers))
        self.head = Product(stack(_told(m.head, "risk", "delta").T for m in members))
        self.register_buffer("mean", model.mean.flatten())
        self.register_buffer("rate", 1 / model.sd.flatten())
        self.register_buffer("own", torch.eye(SCALES).repeat_interleave(TREND // SCALES, dim=1))
        self.register_buffer("places", torch.eye(model.settings.patches)[None])
        self.register_buffer("rising", torch.arange(sum(TOLD)) >= RISING)

    def forward(
        self, series: Tensor, mask: Tensor, trend: Tensor, aspects: Tensor, present: Tensor
    ) -> Answer:
        """Give the members' mean answer for a batch of ModelInputs."""
        flat = trend.reshape(-1, 1, TREND)
        z = ((flat - self.mean) * self.rate).clamp(-CLIP_SD, CLIP_SD)
        both = torch.cat([(series - MMHG_CENTRE) * (1 / MMHG_SCALE) * mask, mask], dim=1)  # (B, 2C, time)
        known = torch.cat([z, self._recent(both)], dim=-1)
        first, wide = torch.split_with_sizes(self.first(known), [self.settings.width, sum(TOLD)], dim=-1)
        forecast = gelu(first)
        shift, burden = torch.split_with_sizes(
            self.by_text(aspects.mean(dim=1, keepdim=True)), [len(GATES), sum(TOLD)], dim=-1
        )
        text_gate, series_gate = torch.sigmoid(self.gates(forecast) + shift).chunk(len(GATES), dim=-1)
        text_gate = text_gate * present.unsqueeze(-1)
        tokens = torch.cat([forecast, self.scales(z * self.own)], dim=-2)
        tokens = tokens + text_gate * self.to_text(tokens, aspects)
        patches = self._patches(both)
        for number, layer in enumerate(self.layers, 1):
            tokens = layer(tokens, patches, series_gate, asking=1 if number == len(self.layers) else None)
        logits, deltas = self._answer(self.head(tokens[..., :1, :]) + wide + text_gate * burden)
        gates = torch.cat([text_gate, series_gate], dim=-1).mean(dim=(0, 1)).squeeze(1)
        return logits, flat[..., :1] + deltas, gates  # flat's first: mean of the last minute, mmHg

    def _recent(self, both: Tensor) -> Tensor:
        """Give (B, 1, newest samples of every channel) of (B, 2C, time)."""
        count = self.settings.recent
        return both[..., -count:].reshape(-1, 1, both.shape[1] * count)

    def _patches(self, both: Tensor) -> Tensor:
        """Give (B, patch, samples and place) of (B, 2C, time)."""
        samples = both.reshape(-1, both.shape[1], self.settings.patches, PATCH).transpose(1, 2).flatten(2)
        return torch.cat([samples, self.places.expand(both.shape[0], -1, -1)], dim=-1)

    def _answer(self, told: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits (B, 3) and deltas (B, 3, 30) mmHg of what the heads said, (member, 1, B, 1, TOLD).

        Both are in order: what is added from one to the next is a mean of positive numbers.
        """
        mean = torch.where(self.rising, functional.softplus(told), told).mean(dim=(0, 1))
        at5, middle, to10, to15, below, above = torch.split_with_sizes(mean, list(TOLD), dim=-1)
        at10 = at5 + to10
        deltas = torch.cat([middle - below, middle, middle + above], dim=1) * MMHG_SCALE
        return torch.cat([at5, at10, at10 + to15], dim=-1).squeeze(1), deltas


class StackedLayer(nn.Module):
    """Every member's layer."""

    def __init__(self, members: Sequence[Member], number: int) -> None:
        super().__init__()
        layers = [cast("Layer", member.layers[number]) for member in members]
        itself = torch.eye(members[0].settings.width)
        self.to_series = StackedAttention([layer.to_series for layer in layers], map(_patch_entry, members))
        self.to_self = StackedAttention([layer.to_self for layer in layers], [itself] * len(layers))
        self.think = StackedFeedForward([layer.think for layer in layers])

    def forward(self, tokens: Tensor, patches: Tensor, gate: Tensor, asking: int | None) -> Tensor:
        """Give the first `asking` tokens after the layer."""
        tokens = tokens + gate * self.to_series(tokens, patches)
        kept = tokens if asking is None else tokens[..., :asking, :]
        kept = kept + self.to_self(kept, tokens)
        thought: Tensor = kept + self.think(kept)
        return thought


def _patch_entry(member: Member) -> Tensor:
    """Take a patch's samples, and its place among the patches, to what the attention was taught on."""
    return torch.cat([member.patch.weight.T, member.patch_place + member.patch.bias])


def _first_weight(member: Member) -> Tensor:
    """Give (known, width and TOLD): the forecast token, and the wide path."""
    return torch.cat([member.forecast.weight, _told(member.head, "wide_risk", "wide_delta")]).T


def _first_bias(member: Member) -> Tensor:
    head = member.head
    risk = head.risk.bias + head.wide_risk.bias
    low, middle, high = (head.delta.bias + head.wide_delta.bias).reshape(head.rest.shape) + head.rest
    return torch.cat([member.forecast.bias, risk[:1], middle, risk[1:], low, high])[None]


def _told(head: Head, risk: str, delta: str) -> Tensor:
    """Give two of the head's weights as one, (TOLD, in)."""
    at5, rises = getattr(head, risk).weight.tensor_split([1])
    low, middle, high = getattr(head, delta).weight.chunk(3)
    return torch.cat([at5, middle, rises, low, high])


def _text_weight(member: Member) -> Tensor:
    """Give (ASPECTS, GATES and TOLD): what the mean aspect moves; TOLD only as far as the gate lets it."""
    gates = torch.stack([member.text_gate.weight[0, -ASPECTS:], torch.zeros(ASPECTS)], dim=1)
    at5, to10, to15 = ASPECTS * member.head.text_risk.weight
    burden = torch.cat([at5, torch.zeros(STEPS), to10, to15, torch.zeros(2 * STEPS)])
    return torch.cat([gates, burden.expand(ASPECTS, -1)], dim=1)


def _text_bias(member: Member) -> Tensor:
    return torch.cat([member.text_gate.bias, member.series_gate.bias, torch.zeros(sum(TOLD))])[None]


def _gate_weight(member: Member) -> Tensor:
    text, series = member.text_gate.weight[0, : member.settings.width], member.series_gate.weight[0]
    return torch.stack([text, series], dim=1)
