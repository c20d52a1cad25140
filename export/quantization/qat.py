"""Fine-tuning for int8, where measured ranges alone lose more than the limits allow.

In: a Split, the scales that its int8 graph will have, rows and texts. Out: Tuned, for `Plan.tuned`. The tick
is taught to say what it said in float, risks and quantiles, while every product sees its activations and
weights rounded to those same scales. They stay frozen, so that what was learned is what the exported Q/DQ
does; the rounding lets gradients through unchanged inside its range (straight-through; Bengio 2013, Jacob
2018). No label is learned from: the float network is the standard that parity is judged by.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from barocast.export.graphs.to_onnx import to_onnx
from barocast.export.losses import mean_distance
from barocast.export.quantization.quantize import Tuned
from barocast.export.quantization.scales import ACTIVATION_LEVELS, WEIGHT_LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch.utils.hooks import RemovableHandle

    from barocast.export.graphs.split import Split
    from barocast.export.model import Answer
    from barocast.export.quantization.scales import Scale, Scales
    from barocast.export.rows import Rows

RISK_UNIT: Final = 0.01
MMHG_UNIT: Final = 1.0
"""Changes of a risk and of a pressure that weigh alike."""
TOLD_EVERY: Final = 100
"""Steps between two words of progress."""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How the tick is taught."""

    steps: int = 600
    batch: int = 256
    learning_rate: float = 3e-4
    without_text: float = 0.25
    """Share of rows that are shown no text."""
    seed: int = 0


def fine_tune(
    split: Split,
    scales: Scales,
    rows: Rows,
    texts: NDArray[np.int64],
    settings: FineTuning = FineTuning(),
    say: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Give the fine-tuned tick; `split` stays as it is. Only what lies in a product of `scales` learns.

    `texts` is (case, token).
    """
    tick = deepcopy(split.tick).eval()  # in eval mode, for the exact answers know no dropout
    products = [_round(tick.get_submodule(layer), scale) for layer, scale in scales.items()]
    learned = [
        parameter.requires_grad_() for product in products for parameter in product.module.parameters()
    ]
    optimizer = torch.optim.AdamW(learned, lr=settings.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    for step, given in enumerate(_batches(split, rows, texts, settings), start=1):
        with torch.no_grad():
            exact = split.tick.eval()(*given)
        loss = _apart(tick(*given), exact)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        schedule.step()
        if step % TOLD_EVERY == 0:
            say(f"int8 step {step}/{settings.steps}: loss {float(loss.detach()):.5f}")
    for product in products:
        product.release()
    return Tuned(to_onnx(replace(split, tick=tick)).tick, scales)


@dataclass(frozen=True, slots=True)
class _Rounded:
    """A module whose product is rounded for the time being."""

    module: nn.Module
    entry: RemovableHandle

    def release(self) -> None:
        """Leave the module as it was, with what it learned."""
        self.entry.remove()
        parametrize.remove_parametrizations(self.module, "weight", leave_parametrized=False)


class _InLevels(nn.Module):
    """A weight as int8 will hold it."""

    scale: Tensor

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)

    def forward(self, weight: Tensor) -> Tensor:
        """Give the weight, rounded to levels of its column."""
        limits = (-WEIGHT_LEVELS, WEIGHT_LEVELS)
        return torch.fake_quantize_per_tensor_affine(weight / self.scale, 1.0, 0, *limits) * self.scale


def _round(module: nn.Module, scale: Scale) -> _Rounded:
    column = torch.from_numpy(scale.weight)  # ([member,] 1, N); torch's linear keeps (N, K)
    column = column.T if isinstance(module, nn.Linear) else column
    parametrize.register_parametrization(module, "weight", _InLevels(column))

    def enter(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        limits = (-ACTIVATION_LEVELS - 1, ACTIVATION_LEVELS)
        first = torch.fake_quantize_per_tensor_affine(given[0], scale.activation, 0, *limits)
        return (first, *given[1:])

    return _Rounded(module, module.register_forward_pre_hook(enter))


def _batches(
    split: Split, rows: Rows, texts: NDArray[np.int64], settings: FineTuning
) -> Iterator[tuple[Tensor, ...]]:
    """Give what the tick takes, some rows without their text."""
    random = np.random.default_rng(settings.seed)
    for _ in range(settings.steps):
        part = rows.take(random.choice(len(rows), min(settings.batch, len(rows)), replace=False))
        shown = texts[part.case] * (random.random((len(part), 1)) >= settings.without_text)
        with torch.no_grad():
            memory = split.prefix.eval()(torch.from_numpy(shown))
        yield *(torch.from_numpy(array) for array in (part.series, part.mask, part.trend)), *memory


def _apart(said: Answer, exact: Answer) -> Tensor:
    """Give the mean square of how far answers lie from exact ones, in units of what may change."""
    risks = mean_distance(torch.sigmoid(said[0]), torch.sigmoid(exact[0]), torch.square)
    pressures = mean_distance(said[1], exact[1], torch.square)
    return risks / RISK_UNIT**2 + pressures / MMHG_UNIT**2
