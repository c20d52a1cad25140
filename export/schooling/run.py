"""How far one training has come: its curve, and when to watch and to save.

A run is all that a checkpoint's notes hold beside the pupil's tensors. Its identity is what a checkpoint must
agree with: the settings, the network's shapes, its starting weights and its first batch.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from barocast.export.schooling import checkpoint, record
from barocast.export.schooling.curve import Curve, Point, from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from barocast.export.schooling.pupil import Pupil
    from barocast.export.schooling.settings import SchoolSettings

    Watch = Callable[[nn.Module], dict[str, float]]

DIGITS: Final = 12


class Run:
    """One training in a folder."""

    def __init__(self, pupil: Pupil, identity: dict[str, Any], folder: Path, watch: Watch | None) -> None:
        """Go on from the folder's checkpoint, or begin. Raises InputError for one of another run."""
        self._pupil, self._identity, self._folder, self._watch = pupil, identity, folder, watch
        self._settings = pupil.settings
        self._points: list[Point] = []
        self._losses: list[float] = []
        self._starts: list[dict[str, Any]] = []
        self.step = 0
        kept = checkpoint.recall(folder, identity)
        if kept:
            self._go_on(*kept)
        if self.step < self._settings.steps:
            self._starts.append(record.start(pupil, self.step, folder / checkpoint.FILE if kept else None))
        self._started = time.monotonic()
        if pupil.main:
            self._write_record()

    @property
    def curve(self) -> Curve:
        """All points so far."""
        return Curve(tuple(self._points))

    def took(self, loss: float) -> None:
        """Note one more step; watch and save where it is time to."""
        self.step += 1
        self._losses.append(loss)
        watching = self._watch is not None and self._due(self._settings.watch_every)
        if self._due(self._settings.note_every) or watching:
            self._note(self._look() if watching else {})
        if self._pupil.main and self._due(self._settings.save_every):
            self._save()

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self._settings.steps

    def _look(self) -> dict[str, float]:
        """Ask for the figures, in the main process alone: the others wait at their next step."""
        if self._watch is None or not self._pupil.main:
            return {}
        with self._pupil.averaged() as model:
            return {name: float(figure) for name, figure in self._watch(model).items()}

    def _note(self, watched: dict[str, float]) -> None:
        mean = math.fsum(self._losses) / len(self._losses)
        self._points.append(Point(self.step, mean, self._settings.rate(self.step - 1), watched))
        self._losses.clear()

    def _save(self) -> None:
        seconds = time.monotonic() - self._started
        start = self._starts[-1]
        took = self.step - start["from_step"]
        start.update(to_step=self.step, seconds=round(seconds, 3), steps_per_s=round(took / seconds, 3))
        notes = {
            "step": self.step,
            "points": to_plain(self._points),
            "losses": self._losses,
            "starts": self._starts,
            "scale": self._pupil.scale(),
        }
        checkpoint.keep(self._folder, self._identity, self._pupil.tensors(), notes)
        self._write_record()

    def _go_on(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        self._pupil.restore(tensors, notes["scale"])
        self.step = notes["step"]
        self._points, self._losses = from_plain(notes["points"]), notes["losses"]
        self._starts = notes["starts"]

    def _write_record(self) -> None:
        told = {
            "identity": self._identity,
            "starts": self._starts,
            "steps": self.step,
            "weights": self._kept_weights() if self.step == self._settings.steps else None,
            "curve": to_plain(self._points),
        }
        record.write(self._folder, told)

    def _kept_weights(self) -> str:
        with self._pupil.averaged() as model:
            return digest(everything(model))


def identity_of(model: nn.Module, first: dict[str, Tensor], settings: SchoolSettings) -> dict[str, Any]:
    """Give what a checkpoint must agree with to go on to the very same result."""
    decisive = {name: value for name, value in asdict(settings).items() if name != "save_every"}
    shapes = {
        f"shape of {name}": f"{tuple(p.shape)} {p.dtype}{'' if p.requires_grad else ', frozen'}"
        for name, p in model.named_parameters()
    }
    return {
        **decisive,
        **shapes,
        "starting weights": digest(everything(model)),
        "first batch": digest(first),
    }


def everything(model: nn.Module) -> dict[str, Tensor]:
    """Give every parameter and buffer."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def digest(tensors: dict[str, Tensor]) -> str:
    """Name tensors in a few digits."""
    return checkpoint.digest_of(tensors)[:DIGITS]
