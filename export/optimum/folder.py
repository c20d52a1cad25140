"""A student's checkpoint -> a folder that `from_pretrained` reads: config, weights, code, tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from barocast.export.checkpoint import read_student
from barocast.export.optimum.network import BarocastForForecasting
from barocast.export.tokenizer import SPECIAL
from barocast.runtime.tokens import TEXT_TOKENS

if TYPE_CHECKING:
    from pathlib import Path


def write_folder(checkpoint: Path, folder: Path) -> None:
    """Write it. Raises InputError where the checkpoint is none.

    The tokenizer gives the ids that the bedside gives, padded and cut by `padding="max_length"` and
    `truncation=True`.
    """
    student = read_student(checkpoint)
    BarocastForForecasting.of(student.model).save_pretrained(folder)
    padding, unknown = SPECIAL
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(student.tokenizer_json),
        pad_token=padding,
        unk_token=unknown,
        model_max_length=TEXT_TOKENS,
    )
    tokenizer.save_pretrained(folder)
