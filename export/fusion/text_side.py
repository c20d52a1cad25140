"""Ids of a text -> narrow token features, through the language model once a text.

In: ids (B, T), -1 where nothing stands, and the trunk. Out: `Text`. Equal texts of a batch are read once;
where the pass is not tuned, what was read is kept, so that a patient's text costs one pass in all of
training, as at the bedside. Each token is then cut down to a few numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from barocast.export.fusion.adapters import Adapter

if TYPE_CHECKING:
    from barocast.export.fusion.settings import TeacherSettings
    from barocast.export.language.trunk import Trunk

KEPT_TEXTS: Final = 4096
"""Texts whose states are kept, at most 0.3 MB each at SmolLM2's width; beyond, all are read anew."""


@dataclass(frozen=True, slots=True)
class Text:
    """What was read, for each row of a batch."""

    tokens: Tensor
    """(B, T, text width)"""
    seen: Tensor
    """(B, T) bool"""
    summary: Tensor
    """(B, text width) mean of the seen tokens, 0 without any."""
    present: Tensor
    """(B, 1) 1 where there is any text, else 0."""


class TextSide(nn.Module):
    """The text's way to the crossing."""

    def __init__(self, settings: TeacherSettings, trunk: Trunk) -> None:
        super().__init__()
        tuned = settings.pretrained and settings.mode != "frozen"
        self.adapter = Adapter(trunk, settings.rank) if tuned else None
        self.norm = nn.LayerNorm(trunk.width)
        self.narrow = nn.Linear(trunk.width, settings.text_width)
        self.dropout = nn.Dropout(settings.dropout)
        self.burden = nn.Linear(settings.text_width, 1, bias=False)
        self._kept: dict[bytes, Tensor] = {}
        self.register_load_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def forward(self, trunk: Trunk, ids: Tensor) -> Text:
        """Read ids (B, T) int64."""
        texts, which = torch.unique(ids, dim=0, return_inverse=True)
        read = self.narrowed(self._states(trunk, texts), texts >= 0)
        return Text(*(getattr(read, field.name)[which] for field in fields(Text)))

    def narrowed(self, states: Tensor, seen: Tensor) -> Text:
        """Cut the trunk's states (B, T, width) down; seen (B, T) bool."""
        tokens = self.dropout(self.narrow(self.norm(states))) * seen.unsqueeze(-1)
        summary = tokens.sum(dim=1) / seen.sum(dim=1, keepdim=True).clamp(min=1)
        present = seen.any(dim=1, keepdim=True).to(tokens.dtype)
        return Text(tokens, seen, summary, present)

    def _states(self, trunk: Trunk, texts: Tensor) -> Tensor:
        """Give the trunk's states (U, T, width)."""
        if self.adapter is not None:
            tuned: Tensor = self.adapter(trunk, trunk.embed(texts), texts >= 0)
            return tuned
        if trunk.table.weight.requires_grad:
            learned: Tensor = trunk(trunk.embed(texts), texts >= 0)
            return learned
        names = [text.tobytes() for text in texts.cpu().numpy()]
        if len(self._kept) + len(names) > KEPT_TEXTS:
            self._kept.clear()
        for name, text in zip(names, texts, strict=True):
            if name not in self._kept:
                self._kept[name] = _read(trunk, text)
        states = pad_sequence([self._kept[name].to(texts.device) for name in names], batch_first=True)
        return nn.functional.pad(states, (0, 0, 0, texts.shape[1] - states.shape[1]))


@torch.no_grad()
def _read(trunk: Trunk, text: Tensor) -> Tensor:
    """Give one text's states (n, width), its padding left out.

    Alone and in full precision: what is kept depends neither on its neighbours nor on who asked first.
    """
    stop = int(((text >= 0) * torch.arange(1, len(text) + 1, device=text.device)).amax().clamp(min=1))
    ids = text[None, :stop]
    with torch.autocast(text.device.type, enabled=False):
        states: Tensor = trunk(trunk.embed(ids), ids >= 0)[0]
    return states


def _forget(side: TextSide, _: object) -> None:
    """Drop what other weights have read."""
    side._kept.clear()  # noqa: SLF001 a hook of this very class
