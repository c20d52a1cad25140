"""Windows and their features -> a taught WaveNetwork, and its answers. One seed gives one network.

In: a Material whose labels count and a wider one whose labels are not asked. Out: log odds (n,) of each
window at its own lead, with any modalities left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from barocast.export.waves.material import batch_of
from barocast.export.waves.network import MODALITIES, WaveNetwork
from barocast.export.waves.pretraining import Pretraining
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray
    from torch import Tensor

    from barocast.export.waves.material import Batch, Material

PREDICT_BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How the network is taught."""

    pretraining_epochs: int = 1
    epochs: int = 5
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    modality_dropout: float = 0.25
    """Share of rows from which each modality is taken, each by itself."""
    gradient_limit: float = 1.0
    seed: int = 0


def learn(
    material: Material,
    wider: Material,
    settings: LearningSettings,
    say: Callable[[str], None] = lambda _: None,
) -> WaveNetwork:
    """Teach a network on labelled rows, after lessons without labels on `wider`; give it in eval mode.

    Raises InputError where the loss is no number.
    """
    torch.manual_seed(settings.seed)
    known = np.where(np.isfinite(material.features), material.features, np.nan)
    mean, sd = np.nanmean(known, axis=0), np.nanstd(known, axis=0) + 1e-3
    network = WaveNetwork(torch.from_numpy(np.nan_to_num(mean)), torch.from_numpy(np.nan_to_num(sd, nan=1.0)))
    pretraining = Pretraining(network)
    _teach(pretraining, wider, pretraining.loss, settings.pretraining_epochs, settings, say)
    _teach(
        network, material, partial(_loss, network, settings.modality_dropout), settings.epochs, settings, say
    )
    return network.eval()


def answers(network: WaveNetwork, material: Material, without: Collection[str] = ()) -> NDArray[np.float64]:
    """Give the log odds (n,) of each window at its own lead, some modalities left out."""
    kept = torch.tensor([float(name not in without) for name in MODALITIES])
    found = []
    with torch.no_grad():
        for first in range(0, len(material), PREDICT_BATCH):
            batch = batch_of(material, np.arange(first, min(first + PREDICT_BATCH, len(material))))
            logits, _ = network(batch.waves, batch.features, batch.present * kept)
            found.append(logits.gather(1, batch.lead[:, None])[:, 0])
    return torch.cat(found).double().numpy()


def _loss(network: WaveNetwork, dropout: float, batch: Batch) -> Tensor:
    kept = batch.present * (torch.rand_like(batch.present) >= dropout)
    logits, _ = network(batch.waves, batch.features, kept)
    own = logits.gather(1, batch.lead[:, None])[:, 0]
    return functional.binary_cross_entropy_with_logits(own, batch.label)


def _teach(
    pupil: nn.Module,
    material: Material,
    loss: Callable[[Batch], Tensor],
    epochs: int,
    settings: LearningSettings,
    say: Callable[[str], None],
) -> None:
    """Walk through the rows `epochs` times, in an order of the seed's; one cycle of the learning rate."""
    if not epochs:
        return
    steps = epochs * -(-len(material) // settings.batch)
    optimizer = torch.optim.AdamW(pupil.parameters(), weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    random = np.random.default_rng(settings.seed)
    pupil.train()
    for epoch in range(epochs):
        costs = []
        for rows in np.array_split(random.permutation(len(material)), steps // epochs):
            cost = loss(batch_of(material, rows))
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]  # torch publishes none
            nn.utils.clip_grad_norm_(pupil.parameters(), settings.gradient_limit)
            optimizer.step()
            schedule.step()
            costs.append(cost.item())
        _check(costs, type(pupil).__name__)
        say(f"{type(pupil).__name__}, epoch {epoch + 1}/{epochs}: loss {np.mean(costs):.4f}")


def _check(costs: list[float], pupil: str) -> None:
    if not np.isfinite(costs).all():
        step = int(np.flatnonzero(~np.isfinite(costs))[0])
        raise InputError(
            f"{pupil}: the loss is no number at step {step}; look for infinite values in the waves"
        )
