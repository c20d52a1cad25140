"""A network, its optimizer and the running average of its weights, wherever Accelerate put them.

In: one batch a step, the whole of it in every process. Each takes its share of the rows, and gradients are
averaged. A loss that is a mean over rows is then the same, to rounding, as on one process:
shares of unequal size count by their rows.

The loss is computed inside the module that Accelerate wraps, so that it may call any method of the network,
not only forward, and still have its gradients averaged and its arithmetic in the precision asked for.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from barocast.export.schooling.astray import astray
from barocast.export.schooling.process import settle
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from barocast.export.schooling.settings import SchoolSettings

    Batch = dict[str, Tensor]
    Loss = Callable[[nn.Module, Batch], Tensor]

AVERAGE_WARM_UP: Final = 10
"""Steps until which the average leans on the newest weights, so that the start is soon forgotten."""


class Pupil:
    """One network in training."""

    def __init__(self, model: nn.Module, loss: Loss, settings: SchoolSettings) -> None:
        """Put the network on its device. Raises SettingsError for one with nothing to learn."""
        self.model, self.settings = model, settings
        self._home = next(model.parameters(), torch.empty(0)).device
        self.learned = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if not self.learned:
            raise SettingsError("training: every weight of the network is frozen: there is nothing to learn")
        self.accelerator = _accelerator(settings)
        self._adam = torch.optim.AdamW(self._groups(), lr=settings.learning_rate)
        self._exercise, self._optimizer = self.accelerator.prepare(_Exercise(model, loss), self._adam)
        self._average = {name: p.detach().clone() for name, p in self.learned.items()}
        self.model.train()

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def main(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return bool(self.accelerator.is_main_process)

    def learn(self, batch: Batch, step: int) -> float:
        """Take step `step`, 0 for the first; give the whole batch's loss.

        Raises InputError, before any weight changes, where the loss or its gradient is no number.
        """
        settle(self.settings.seed, step, self.accelerator.process_index, self.device)
        rate = self.settings.rate(step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        share, weight = self._share(batch)
        self._optimizer.zero_grad()
        loss = self._exercise(share) * weight
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(self.learned.values(), self.settings.gradient_limit)
        whole, gradient = torch.stack([self.accelerator.reduce(loss.detach(), "mean"), norm]).tolist()
        if not (math.isfinite(whole) and (math.isfinite(gradient) or self._scaler)):
            raise astray(step + 1, whole, gradient, batch, rate)
        self._optimizer.step()
        self._take_average(step + 1)
        return float(whole)

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """Lend the network with its averaged weights, in eval mode and without gradients."""
        self._swap()
        self.model.eval()
        try:
            with torch.no_grad():
                yield self.model
        finally:
            self._swap()
            self.model.train()

    def finish(self) -> None:
        """Leave the averaged weights in the network, in eval mode, on the device that it came from."""
        self.accelerator.wait_for_everyone()
        self._swap()
        self.model.zero_grad()
        self.model.eval().to(self._home)

    def tensors(self) -> dict[str, Tensor]:
        """Give all that a checkpoint has to hold; frozen weights never change and stay out."""
        moments = self._adam.state_dict()["state"]
        return {
            **{f"weight {name}": tensor for name, tensor in self.learned.items()},
            **{f"average {name}": tensor for name, tensor in self._average.items()},
            **{f"buffer {name}": tensor.clone() for name, tensor in self.model.named_buffers()},
            **{f"adam {n} {key}": tensor for n, of in moments.items() for key, tensor in of.items()},
        }

    def scale(self) -> dict[str, float]:
        """Give the state of fp16's loss scaling, empty in any other precision."""
        return dict(self._scaler.state_dict()) if self._scaler else {}

    def restore(self, tensors: Mapping[str, Tensor], scale: Mapping[str, float]) -> None:
        """Take over what `tensors` and `scale` gave."""
        moments: dict[int, dict[str, Tensor]] = {}
        buffers = {f"buffer {name}": buffer for name, buffer in self.model.named_buffers()}
        places = {**self.tensors(), **buffers}
        with torch.no_grad():
            for name, tensor in tensors.items():
                if name.startswith("adam "):
                    _, number, key = name.split(" ")
                    moments.setdefault(int(number), {})[key] = tensor
                else:
                    places[name].copy_(tensor)
        self._adam.load_state_dict({**self._adam.state_dict(), "state": moments})
        if self._scaler:
            self._scaler.load_state_dict(dict(scale))

    @property
    def _scaler(self) -> Any:  # noqa: ANN401 - accelerate publishes no types
        return self.accelerator.scaler

    def _groups(self) -> list[dict[str, Any]]:
        decay = {True: self.settings.weight_decay, False: 0.0}
        return [
            {
                "params": [p for p in self.learned.values() if (p.ndim > 1) == matrix],
                "weight_decay": decay[matrix],
            }
            for matrix in decay
        ]

    def _share(self, batch: Batch) -> tuple[Batch, float]:
        """Give this process's rows, and how much they count."""
        processes, mine = self.accelerator.num_processes, self.accelerator.process_index
        (rows,) = {len(tensor) for tensor in batch.values()}
        if rows < processes:
            raise SettingsError(
                f"training: {rows} rows a batch for {processes} processes; larger batches or fewer processes"
            )
        start, stop = (rows * n // processes for n in (mine, mine + 1))
        share = {
            name: tensor[start:stop].to(self.device, non_blocking=True) for name, tensor in batch.items()
        }
        return share, (stop - start) * processes / rows

    def _take_average(self, taken: int) -> None:
        decay = min(self.settings.averaging, taken / (taken + AVERAGE_WARM_UP))
        weights = [p.detach() for p in self.learned.values()]
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        move(list(self._average.values()), weights, None)

    def _swap(self) -> None:
        for name, parameter in self.learned.items():
            parameter.data, self._average[name] = self._average[name], parameter.data


class _Exercise(nn.Module):
    """Batch -> loss, as the one module that Accelerate sees."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> Tensor:
        return self.loss(self.model, batch).float()


def _accelerator(settings: SchoolSettings) -> Any:  # noqa: ANN401 - accelerate publishes no types
    from accelerate import (  # type: ignore[import-untyped]  # noqa: PLC0415 `train` extra; it has no types
        Accelerator,
        DistributedDataParallelKwargs,
    )

    # A loss may leave a part of the network out (pretraining has no use for the heads).
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    try:
        return Accelerator(mixed_precision=settings.precision, kwargs_handlers=[unused])
    except ValueError as error:
        raise SettingsError(f"training: precision {settings.precision}: {error}") from error
