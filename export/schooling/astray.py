"""What is said when a step's loss or gradient is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def astray(step: int, loss: float, gradient: float, batch: Mapping[str, Tensor], rate: float) -> InputError:
    """Name the step (1 for the first), the batch's largest input and the mend."""
    what = f"the loss is {loss:g}" + (f", its gradient's norm {gradient:g}" if loss - loss == 0 else "")
    return InputError(
        f"training, step {step}: {what}; {_largest(batch)}: look at that row if no such value can be meant, "
        f"else lower the learning rate (now {rate:g})"
    )


def _largest(batch: Mapping[str, Tensor]) -> str:
    """Find the largest absolute value; NaN is how labels say that they are missing, so it does not count."""
    found: list[tuple[float, str, int]] = []
    for name, tensor in batch.items():
        if tensor.is_floating_point() and tensor.numel():
            by_row = tensor.detach().flatten(1).abs() if tensor.ndim > 1 else tensor.detach().abs()[:, None]
            largest, row = torch.where(by_row.isnan(), 0, by_row).amax(dim=1).max(dim=0)
            found.append((float(largest), name, int(row)))
    highest, where, which = max(found, default=(0.0, "nothing", 0))
    return f"the batch's largest absolute input is {highest:g}, in row {which} of {where!r}"
