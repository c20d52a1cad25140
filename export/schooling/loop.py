"""The training loop: network, batches, loss -> the network with averaged weights, and its curve.

AdamW, warm-up and cosine, clipped gradients, a running average of weights. HF Accelerate decides where: the
same call runs on a CPU, on one GPU, or, under `accelerate launch`, in many processes on several nodes. The
folder holds the last checkpoint and the run's record; it must lie where every process can read it.

A run killed at any moment and started again by the same call goes on from its last checkpoint to the same
weights, bit for bit on one CPU process. A run that is done is only read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from barocast.export.schooling.process import repeatable
from barocast.export.schooling.progress import Progress
from barocast.export.schooling.pupil import Pupil
from barocast.export.schooling.run import Run, identity_of
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from barocast.export.schooling.curve import Curve
    from barocast.export.schooling.settings import SchoolSettings


class Source(Protocol):
    """Where batches come from."""

    @property
    def steps(self) -> int:
        """How many there are."""

    def batch(self, step: int) -> dict[str, Tensor]:
        """Give the batch of a step, 0 for the first: always the same; every tensor begins with the rows."""


def fit(
    model: nn.Module,
    source: Source,
    loss: Callable[[nn.Module, dict[str, Tensor]], Tensor],
    settings: SchoolSettings,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    watch: Callable[[nn.Module], dict[str, float]] | None = None,
) -> Curve:
    """Teach the network in place; leave it in eval mode, with averaged weights, where it was.

    `loss` is a mean over the batch's rows. `watch` sees the averaged weights, in the main process. A resumed
    run must be given the network as it first was: build it from a seed.

    Raises InputError for a loss that is no number and for a checkpoint that is damaged or of another run,
    SettingsError for settings that the source cannot serve and for a folder that cannot be written.
    """
    if source.steps < settings.steps:
        raise SettingsError(
            f"training: {settings.steps} steps, but there are batches for {source.steps}; ask for fewer steps"
        )
    identity = identity_of(model, source.batch(0), settings)
    pupil = Pupil(model, loss, settings)
    with repeatable(pupil.device):
        run = Run(pupil, identity, folder, watch)
        progress = Progress(say if pupil.main else lambda _: None, run.step, settings.steps)
        for step in range(run.step, settings.steps):
            found = pupil.learn(source.batch(step), step)
            run.took(found)
            progress.took(step + 1, found)
        pupil.finish()
    return run.curve
