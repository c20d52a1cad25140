"""A taught teacher, cut where the patient's text ends, with the words of a reduced tokenizer.

    text (B, T) ids of the reduced tokenizer, 0 for none -> begin token, language model -> export.fusion.Text
    series, mask, trend, Text -> tokens, crossing, language model -> logits, quantiles, gates

The same answers as Teacher.forward gives to the same words, to rounding. What tunes the language model is
worked into its weights. The tick asks its last layer for one token's state only: with one layer of SmolLM2
that is a tenth of the arithmetic.
"""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from barocast.export.fusion.text_side import Text
from barocast.export.graphs.split import Split
from barocast.export.language.trunk import Trunk
from barocast.export.model import SCALES
from barocast.runtime.tokens import TREND_FEATURES

if TYPE_CHECKING:
    from barocast.export.fusion.adapters import Adapter
    from barocast.export.fusion.network import Teacher
    from barocast.export.fusion.settings import TeacherSettings
    from barocast.export.language.reduced import Reduced
    from barocast.export.model import Answer

MEMORY: Final = tuple(field.name for field in fields(Text))
QUANTIZABLE: Final = (".attention.", ".think.")
"""The language model's layers; the crossing is small and the heads speak of 1 % risks."""
NOTHING: Final = -1
"""Trunk's id where no token stands."""
BEGIN: Final = 0
"""Row of the begin token: padding's id, which no word has (Reduced.kept)."""


class Prefix(nn.Module):
    """Text -> what the teacher keeps of it."""

    def __init__(self, teacher: Teacher, trunk: Trunk) -> None:
        super().__init__()
        self.text_side, self.trunk = teacher.text_side, trunk

    def forward(self, text: Tensor) -> tuple[Tensor, ...]:
        """Give Text's parts; `seen` as 0 and 1."""
        words = text.masked_fill(text == 0, NOTHING)
        begin = torch.where((text > 0).any(dim=1, keepdim=True), BEGIN, NOTHING)
        ids = torch.cat([begin, words], dim=1)
        seen = ids >= 0
        read = self.text_side.narrowed(self.trunk(self.trunk.embed(ids), seen), seen)
        return read.tokens, read.seen.to(read.tokens.dtype), read.summary, read.present


class Tick(nn.Module):
    """The series and the memory -> the answer."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher

    def forward(self, series: Tensor, mask: Tensor, trend: Tensor, *memory: Tensor) -> Answer:
        """Give logits, quantiles and gates."""
        tokens, seen, summary, present = memory
        text = Text(tokens, seen > 0, summary, present)
        answer = self.teacher.answer(series, mask, trend, text, self.teacher.trunk.last)
        return answer.logits, answer.quantiles, answer.gates


def split_teacher(teacher: Teacher, reduced: Reduced) -> Split:
    """Cut a copy of the teacher; a text is then `reduced`'s ids, one fewer than with the begin token."""
    rows = teacher.trunk.table.weight.detach()[list(reduced.kept)]
    words = nn.Embedding.from_pretrained(rows)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    reading = _worked_in(teacher.text_side.adapter, teacher.trunk, words)
    bare = copy.deepcopy(teacher)
    bare.trunk = _worked_in(teacher.tuned, teacher.trunk, words)
    bare.tuned = bare.text_side.adapter = None
    return Split(Prefix(bare, reading), Tick(bare), MEMORY, _examples(teacher.settings), QUANTIZABLE)


def _worked_in(adapter: Adapter | None, trunk: Trunk, words: nn.Embedding) -> Trunk:
    """Give a trunk of these words with the changes in its weights."""
    decoder = trunk.decoder
    if adapter is not None:
        decoder = copy.deepcopy(decoder)
        decoder.load_state_dict(adapter.changed(trunk), strict=False)
    return Trunk(words, decoder).requires_grad_(requires_grad=False)


def _examples(settings: TeacherSettings) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    window = 1, len(settings.channels), settings.steps
    return (
        torch.zeros(window),
        torch.ones(window),
        torch.zeros(1, SCALES, len(TREND_FEATURES)),
        torch.ones(1, settings.text_tokens - 1, dtype=torch.int64),
    )
