"""The teacher, after IOHFuseLM (Zhang et al. 2025) without its flaws: text and series -> an answer.

    trend (B, 7, 6), newest columns ---- perceptron -----------------------------> forecast token --+
    trend, standardized ---- a token per scale --+                                                  |
    series, mask (B, C, steps) - a token a patch-+- crossing -- language model -- last token x gate +-> heads
    a question token ----------------------------+   ^  (residual, gate)                            |
    text (B, T) -- language model, once a text -- narrow --------- its mean x gate -----------------+
    trend, newest columns; the text's burden: a straight way ------------------------------------------> heads

The language model is causal, so the question stands last and sees everything. What it says is added to the
forecast token by a projection that starts at zero: before anything is learned the teacher is the usual
spread about the last minute, and the straight way makes it at least a logistic regression on the trend.
Every gate is 0 where its modality is absent; an empty text gives bit for bit the answer of the series-only
model. The trend is made of MAP, so it is absent with MAP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from barocast.export.attention import zeroed
from barocast.export.fusion.adapters import Adapter
from barocast.export.fusion.crossing import Crossing
from barocast.export.fusion.heads import OutcomeHead
from barocast.export.fusion.patches import Patches
from barocast.export.fusion.text_side import TextSide
from barocast.export.fusion.units import Standard
from barocast.export.language.trunk import load_trunk
from barocast.export.model import CLIP_SD, SCALES, TREND, Head
from barocast.runtime.tokens import TREND_CHANNEL, TREND_FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.export.fusion.settings import TeacherSettings
    from barocast.export.fusion.text_side import Text
    from barocast.export.language.trunk import Trunk
    from barocast.export.model import Scaling

CLOSED: Final = -1.0
"""Where the text's gate starts, as a logit: the text has to earn its way."""


@dataclass(frozen=True, slots=True)
class TeacherAnswer:
    """What a network of this room says of B rows."""

    logits: Tensor
    """(B, 3) of hypotension within 5, 10 and 15 min, never falling."""
    quantiles: Tensor
    """(B, 3, 30) MAP of each 30 s ahead, mmHg, at forecast_error.QUANTILE_LEVELS, uncrossed."""
    gates: Tensor
    """(B, 2) how far text and series were let in, 0 to 1 (export.model.GATES)."""
    features: Tensor
    """(B, F) what the heads read, for distillation."""
    outcomes: Tensor
    """(B, len(OUTCOMES)) logits within 15 min."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The numeric inputs, standardized."""

    values: Tensor
    """(B, C, steps)"""
    mask: Tensor
    """(B, C, steps)"""
    scales: Tensor
    """(B, 7, 6) the trend in standard deviations, 0 where MAP is absent."""
    known: Tensor
    """(B, TREND + 2 C recent) all that the straight way sees."""
    now: Tensor
    """(B, 1, 1) mean MAP of the last minute, mmHg; the training rows' mean where MAP is absent."""


class Teacher(nn.Module):
    """The whole network; build it with build_teacher."""

    mean: Tensor
    sd: Tensor

    def __init__(self, settings: TeacherSettings, scaling: Scaling, trunk: Trunk) -> None:
        super().__init__()
        channels, inner, width = len(settings.channels), settings.width, trunk.width
        spread = float(trunk.table.weight.detach().std())
        known = TREND + 2 * channels * settings.recent
        self.settings = settings
        self.pressure = settings.channels.index(TREND_CHANNEL)
        self.register_buffer("mean", scaling.mean)
        self.register_buffer("sd", scaling.sd)
        self.standard = Standard(settings.channels)
        self.trunk = trunk.requires_grad_(requires_grad=not settings.pretrained)
        tuned = settings.pretrained and settings.mode == "joint"
        self.tuned = Adapter(trunk, settings.rank) if tuned else None
        self.text_side = TextSide(settings, trunk)
        self.patches = Patches(settings, width, spread)
        self.scale = nn.Parameter(torch.randn(SCALES, len(TREND_FEATURES), width) * spread * 0.4)
        self.scale_place = nn.Parameter(torch.randn(SCALES, width) * spread)
        self.question = nn.Parameter(torch.randn(width) * spread)
        self.crossing = Crossing(settings, width)
        self.forecast = nn.Linear(known, inner)
        self.from_trunk = zeroed(nn.Linear(width, inner))
        self.from_text = zeroed(nn.Linear(settings.text_width, inner))
        self.text_gate = nn.Linear(inner + settings.text_width, 1)
        self.series_gate = nn.Linear(inner, 1)
        self.dropout = nn.Dropout(settings.dropout)
        self.head = Head(inner, known, scaling.rest, scaling.prevalence_logits)
        self.outcome_head = OutcomeHead(inner, known)
        self.rebuild = nn.Linear(width, channels * settings.patch)
        nn.init.constant_(self.text_gate.bias, CLOSED)

    def train(self, mode: bool = True) -> Teacher:  # noqa: FBT001, FBT002 nn.Module's own signature
        """Switch dropout, but never inside the pretrained model: it is read as it is."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(
        self, series: Tensor, mask: Tensor, trend: Tensor, text: Tensor | None = None
    ) -> TeacherAnswer:
        """Answer for series, mask (B, C, steps), trend (B, 7, 6) and ids (B, T) int64, -1 for nothing.

        Without `text` this is the series-only model: no weight of the text's branch is touched.
        """
        read = None if text is None else self.text_side(self.trunk, text)
        return self.answer(series, mask, trend, read, lambda tokens: self._through(tokens)[:, -1])

    def answer(
        self, series: Tensor, mask: Tensor, trend: Tensor, text: Text | None, last: Callable[[Tensor], Tensor]
    ) -> TeacherAnswer:
        """Answer with the text already read.

        `last` is the way through the language model: tokens (B, n, width) -> state (B, width) of the last.
        """
        seen = self._see(series, mask, trend)
        forecast = functional.gelu(self.forecast(seen.known))
        series_gate, text_gate = self._series_gate(forecast, seen.mask), self._text_gate(forecast, text)
        tokens = self._tokens(seen)
        token = self.dropout(forecast)
        burden = torch.zeros_like(text_gate)
        if text is not None:
            tokens = self.crossing(tokens, text.tokens, text.seen, text_gate)
            token = token + text_gate * self.from_text(text.summary)
            burden = text_gate * self.text_side.burden(text.summary)
        token = token + series_gate * self.dropout(self.from_trunk(last(tokens)))
        return self._told(seen, token, burden, torch.cat([text_gate, series_gate], dim=1))

    def straight(self, series: Tensor, mask: Tensor, trend: Tensor) -> TeacherAnswer:
        """Answer past the language model, both gates shut: a perceptron beside a logistic regression.

        To be taught first, since it costs next to nothing: the rest then learns what it adds.
        """
        seen = self._see(series, mask, trend)
        shut = torch.zeros_like(seen.known[:, :1])
        forecast = self.dropout(functional.gelu(self.forecast(seen.known)))
        return self._told(seen, forecast, shut, torch.cat([shut, shut], dim=1))

    def reconstruct(self, series: Tensor, mask: Tensor, hidden: Tensor) -> Tensor:
        """Give (B, C, steps) in standard units, patches of `hidden` (B, P) bool unseen, for pretraining.

        The trend and the newest columns would tell what is hidden, so they are left out; being causal, a
        hidden patch is told from those before it.
        """
        tokens = self.patches(self.standard(series, mask), mask, hidden)
        rebuilt = self.rebuild(self._through(tokens)).reshape(*hidden.shape, -1, self.settings.patch)
        joined: Tensor = rebuilt.transpose(1, 2).flatten(2)  # (B, P, C, patch) -> (B, C, steps)
        return joined

    def burden(self, text: Tensor) -> Tensor:
        """Give (B,): how hypotensive such a patient's case is, as the heads are told; for pretraining."""
        told: Tensor = self.text_side.burden(self.text_side(self.trunk, text).summary)
        return told.squeeze(-1)

    def _see(self, series: Tensor, mask: Tensor, trend: Tensor) -> _Seen:
        values = self.standard(series, mask)
        measured = mask[:, self.pressure].amax(dim=-1)[:, None, None] > 0  # (B, 1, 1)
        trend = torch.where(measured, trend, self.mean)
        scales = ((trend - self.mean) / self.sd).clamp(-CLIP_SD, CLIP_SD)
        newest = torch.cat([values, mask], dim=1)[..., -self.settings.recent :]
        known = torch.cat([scales.flatten(1), newest.flatten(1)], dim=1)
        return _Seen(values, mask, scales, known, trend[:, :1, :1])

    def _told(self, seen: _Seen, token: Tensor, burden: Tensor, gates: Tensor) -> TeacherAnswer:
        """Put the heads' answers together for a forecast token (B, width) and the text's burden (B, 1).

        In full precision, whatever the rest is computed in: a risk of 1 % has no bits to lose.
        """
        with torch.autocast(token.device.type, enabled=False):
            token, burden = token.float(), burden.float()
            logits, deltas = self.head(token, seen.known, burden)
            outcomes = self.outcome_head(token, seen.known, logits[:, -1:])
        return TeacherAnswer(logits, seen.now + deltas, gates, token, outcomes)

    def _tokens(self, seen: _Seen) -> Tensor:
        """Give (B, 7 + P + 1, width): what the language model reads, oldest first, the question last."""
        scales = torch.einsum("bsf,sfw->bsw", seen.scales, self.scale) + self.scale_place
        question = self.question.expand(len(scales), 1, -1)
        return torch.cat([scales, self.patches(seen.values, seen.mask), question], dim=1)

    def _through(self, tokens: Tensor) -> Tensor:
        seen = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        states: Tensor = self.tuned(self.trunk, tokens, seen) if self.tuned else self.trunk(tokens, seen)
        return states

    def _series_gate(self, forecast: Tensor, mask: Tensor) -> Tensor:
        """Give (B, 1): 0 where no channel holds anything."""
        present = (mask.amax(dim=(1, 2)) > 0).to(forecast.dtype).unsqueeze(-1)
        return present * torch.sigmoid(self.series_gate(forecast)) if self.settings.gated else present

    def _text_gate(self, forecast: Tensor, text: Text | None) -> Tensor:
        """Give (B, 1): 0 without any text."""
        if text is None:
            return torch.zeros_like(forecast[:, :1])
        if not self.settings.gated:
            return text.present
        return text.present * torch.sigmoid(self.text_gate(torch.cat([forecast, text.summary], dim=1)))


def build_teacher(settings: TeacherSettings, scaling: Scaling) -> Teacher:
    """Give a fresh teacher: always the same for the same settings and rows.

    Raises InputError where the language model cannot be had (export.language.trunk.load_trunk).
    """
    trunk = load_trunk(settings.trunk, settings.layers, seed=settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return Teacher(settings, scaling, trunk)
