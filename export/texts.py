"""The text branch before the series is seen: variants of each patient's text, and pretraining.

In: patients. Out: token ids of several variants of each text (some sections left out, so that no
section is relied on), and a text encoder taught on cases whose hypotensive share is known though their
series may not be. The encoder is then frozen: 2,000 patients teach it, 120 would only be memorised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional

from barocast.export.text_encoder import TextEncoder
from barocast.runtime.prompt import SECTIONS, describe
from barocast.runtime.tokens import text_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from barocast.export.cohort import Burden
    from barocast.runtime.domain import Patient
    from barocast.runtime.wordpiece import WordPiece

VARIANTS: Final = 4
"""Texts of each patient in training: the whole one, then ones with sections left out."""
SECTION_DROPOUT: Final = 0.25


@dataclass(frozen=True, slots=True)
class PretrainingSettings:
    """How the text encoder is taught."""

    epochs: int = 12
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    token_dropout: float = 0.15
    width: int = 32


def variants(patients: Sequence[Patient], tokenizer: WordPiece, seed: int) -> NDArray[np.int64]:
    """Give ids (patient, VARIANTS, token); variant 0 is the whole text."""
    return np.stack([[text_ids(text, tokenizer) for text in texts] for texts in worded(patients, seed)])


def worded(patients: Sequence[Patient], seed: int) -> list[list[str]]:
    """Give VARIANTS texts of each patient; the first is the whole text, the others lack some sections."""
    random = np.random.default_rng(seed)
    return [_worded(patient, random) for patient in patients]


def pretrain(
    burdens: Sequence[Burden],
    tokenizer: WordPiece,
    seed: int,
    settings: PretrainingSettings | None = None,
) -> TextEncoder:
    """Teach a text encoder which descriptions go with long hypotension; returned in eval mode, frozen."""
    chosen = settings or PretrainingSettings()
    torch.manual_seed(seed)
    encoder = TextEncoder(max(tokenizer.vocabulary.values()) + 1, chosen.width)
    texts = torch.from_numpy(variants([burden.patient for burden in burdens], tokenizer, seed))
    target = torch.from_numpy(standardized_shares(burdens))
    optimizer = torch.optim.AdamW(
        encoder.parameters(), lr=chosen.learning_rate, weight_decay=chosen.weight_decay
    )
    for _ in range(chosen.epochs):
        for rows in torch.split(torch.randperm(len(burdens)), chosen.batch):
            which = torch.randint(VARIANTS, (len(rows),))
            given = _without_some_tokens(texts[rows, which], chosen.token_dropout)
            loss = functional.mse_loss(encoder.predict_burden(given), target[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
    encoder.settle(texts[:, 0])
    return encoder


def standardized_shares(burdens: Sequence[Burden]) -> NDArray[np.float32]:
    """Give (n,) root shares, standardized within each source: their levels cannot be compared."""
    share = np.array([burden.share**0.5 for burden in burdens])
    sources = np.array([burden.source for burden in burdens])
    for source in np.unique(sources):
        of = sources == source
        share[of] = (share[of] - share[of].mean()) / share[of].std()
    return share.astype(np.float32)


def _worded(patient: Patient, random: np.random.Generator) -> list[str]:
    left_out = [
        [],
        *([s for s in SECTIONS if random.random() < SECTION_DROPOUT] for _ in range(VARIANTS - 1)),
    ]
    return [describe(patient, without) for without in left_out]


def _without_some_tokens(texts: Tensor, share: float) -> Tensor:
    return texts * (torch.rand(texts.shape) >= share)
