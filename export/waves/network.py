"""The network: thirty seconds of waves and what is seen in them -> log odds at each lead.

    trend (7 of the features)  ----------------------------------------------> state (B, H)
    abp (B, 1500), its features   -> conv, attention pooling | perceptron -> + gate * what they add
    pleth (B, 750), its features  -> likewise                             -> + gate * likewise
    co2 (B, 300), its features    -> likewise                             -> + gate * likewise
                                                            state -> logits (B, 3), one a lead

Every branch ends in a projection that starts at zero, and its gate is exactly 0 where its wave is absent:
the network without waves is the trend's perceptron. The training drops branches at random, so that every
missing pattern is a trained one. 141,595 parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.export.attention import zeroed
from barocast.export.waves.morphology import ABP, CO2, NAMES, PLETH, TREND
from barocast.export.waves.windows import LEADS_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLIP_SD: Final = 4.0
"""Standardized features are held inside this: one artefact must not carry the answer away."""
TOKEN: Final = 16
"""Samples of a wave behind each token of its encoder."""
HEADS: Final = 4


@dataclass(frozen=True, slots=True)
class Modality:
    """A wave and what is known of it."""

    centre: float
    scale: float
    """Units of the wave: it is fed as (wave - centre) / scale."""
    width: int
    """Channels of its encoder."""
    names: tuple[str, ...]
    """Its features."""


MODALITIES: Final[Mapping[str, Modality]] = MappingProxyType(
    {
        "abp": Modality(80.0, 25.0, 64, ABP),
        "pleth": Modality(38.0, 12.0, 24, PLETH),
        "co2": Modality(25.0, 18.0, 24, CO2),
    }
)


def columns(names: Sequence[str]) -> list[int]:
    """Give where these features stand among NAMES."""
    return [NAMES.index(name) for name in names]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """The shape of the network."""

    hidden: int = 64
    dropout: float = 0.2


class Encoder(nn.Module):
    """A wave (B, n), standardized and 0 where missing -> tokens (B, about n / TOKEN, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv1d(1, width // 2, 16, stride=4, padding=6)
        self.down = nn.Conv1d(width // 2, width, 8, stride=4, padding=2)
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))
        self.blocks = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))

    def forward(self, wave: Tensor) -> Tensor:
        """Give the tokens."""
        tokens = self.down(functional.gelu(self.stem(wave.unsqueeze(1))))
        for norm, block in zip(self.norms, self.blocks, strict=True):
            tokens = tokens + block(functional.gelu(norm(tokens)))
        turned: Tensor = tokens.transpose(1, 2)
        return turned


class Pooling(nn.Module):
    """Tokens (B, t, width) -> (B, HEADS * width): each head looks where it likes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = nn.Linear(width, HEADS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give each head's weighted mean."""
        share = self.look(tokens).softmax(dim=1)
        return torch.einsum("btw,bth->bhw", tokens, share).flatten(1)


class Branch(nn.Module):
    """One modality: its wave and its features -> what to add to the state, and the gate."""

    def __init__(self, modality: Modality, settings: NetworkSettings) -> None:
        super().__init__()
        hidden, width = settings.hidden, modality.width
        self.modality = modality
        self.columns = columns(modality.names)
        self.encoder = Encoder(width)
        self.pooling = Pooling(width)
        self.seen = nn.Sequential(nn.Linear(HEADS * width, hidden), nn.GELU(), nn.Dropout(settings.dropout))
        self.named = nn.Sequential(
            nn.Linear(len(modality.names), hidden), nn.GELU(), nn.Dropout(settings.dropout)
        )
        self.add = zeroed(nn.Linear(2 * hidden, hidden))
        self.gate = nn.Linear(3 * hidden, 1)

    def standardized(self, wave: Tensor) -> Tensor:
        """Give the wave as the encoder takes it."""
        return torch.nan_to_num((wave - self.modality.centre) / self.modality.scale)

    def forward(self, state: Tensor, wave: Tensor, z: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Take state (B, H), wave (B, n), features (B, F), present (B, 1); give state, gate."""
        pooled = self.seen(self.pooling(self.encoder(self.standardized(wave))))
        found = torch.cat([pooled, self.named(z[:, self.columns])], dim=-1)
        gate = present * torch.sigmoid(self.gate(torch.cat([state, found], dim=-1)))
        return state + gate * self.add(found), gate


class WaveNetwork(nn.Module):
    """The whole; `mean` and `sd` (F,) are the training rows' features'."""

    mean: Tensor
    sd: Tensor

    def __init__(self, mean: Tensor, sd: Tensor, settings: NetworkSettings | None = None) -> None:
        super().__init__()
        chosen = settings or NetworkSettings()
        self.trend_columns = columns(TREND)
        self.trend = nn.Sequential(
            nn.Linear(len(TREND), chosen.hidden), nn.GELU(), nn.Linear(chosen.hidden, chosen.hidden)
        )
        self.by_name = {name: Branch(one, chosen) for name, one in MODALITIES.items()}
        self.branches = nn.ModuleDict(self.by_name)
        self.shared = nn.Linear(chosen.hidden, 1)
        self.own = zeroed(nn.Linear(chosen.hidden, len(LEADS_S)))
        self.register_buffer("mean", mean)
        self.register_buffer("sd", sd)

    def scaled(self, features: Tensor) -> Tensor:
        """Give standardized features, 0 where unknown."""
        return torch.nan_to_num((features - self.mean) / self.sd).clamp(-CLIP_SD, CLIP_SD)

    def forward(
        self, waves: Mapping[str, Tensor], features: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Take waves by modality, features (B, F), present (B, modality); give logits (B, lead), gates."""
        z = self.scaled(features)
        state, gates = self.trend(z[:, self.trend_columns]), []
        for number, (name, branch) in enumerate(self.branches.items()):
            state, gate = branch(state, waves[name], z, present[:, number : number + 1])
            gates.append(gate)
        state = functional.gelu(state)
        return self.shared(state) + self.own(state), torch.cat(gates, dim=-1)
