"""One arm in one fold: taught without the fold's patients, judged on them.

In: (arm, fold). Out: a `Verdict` for the arm and for each reading of it, the rows in the order of
`material.rows`. Verdicts are kept in the work folder, so that an interrupted ledger goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from barocast.export.course.attend import attend
from barocast.export.fusion.channels import seen_on
from barocast.export.fusion.forecasting import predict
from barocast.export.language.reading import load_reader
from barocast.export.provenance import digest, source
from barocast.runtime.prompt import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.course.attend import Graduate
    from barocast.export.ledger.arms import Arm
    from barocast.export.recipe import Material


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an arm said of n rows, and what it cost."""

    logits: NDArray[np.float32]
    """(n, horizon)"""
    quantiles: NDArray[np.float32]
    """(n, level, step) mmHg."""
    gates: NDArray[np.float32]
    """(n, 2) text, series."""
    weights: NDArray[np.int64]
    """(2,) tuned, all."""
    seconds: NDArray[np.float64]
    """(1,) of this training; what an earlier arm left was not made again."""


@dataclass(frozen=True, slots=True)
class Trials:
    """The work of one process of the ledger (validation.workers)."""

    material: Material
    fold_of_case: NDArray[np.intp]
    every: int
    """Which landmarks are judged: every n-th of a fold."""
    work: Path
    threads: int
    say: Callable[[str], None]

    def __call__(self, item: tuple[Arm, int]) -> dict[str, Verdict]:
        """Give the verdicts of an arm (by its own name) and of its readings, on one fold's rows."""
        import torch  # noqa: PLC0415 a process of its own, whose threads are set here

        torch.set_num_threads(self.threads)
        arm, fold = item
        name = digest(
            [
                self.material.key,
                fold,
                self.every,
                arm.course.key,
                sorted(arm.readings),
                source("export.ledger.trial"),
            ]
        )
        kept = self.work / "ledger" / f"{name}.npz"
        if kept.is_file():
            return _read(kept)
        verdicts = self._tried(arm, fold)
        kept.parent.mkdir(parents=True, exist_ok=True)
        _write(kept, verdicts)
        return verdicts

    def judged(self, fold: int) -> NDArray[np.intp]:
        """Give the numbers of the rows that a fold is judged on."""
        return np.flatnonzero(self.fold_of_case[self.material.rows.case] == fold)[:: self.every]

    def _tried(self, arm: Arm, fold: int) -> dict[str, Verdict]:
        held = self.fold_of_case == fold
        without = {self.material.cases[number].subject_id for number in np.flatnonzero(held)}
        began = time.monotonic()
        graduate = attend(
            arm.course,
            self.material,
            without,
            self.work,
            lambda text: self.say(f"{arm.name}, {fold}: {text}"),
        )
        seconds = time.monotonic() - began
        rows = self.material.rows.take(self.judged(fold))
        rows = seen_on(rows, self.material.cases, arm.course.network.channels)
        shown = {arm.name: graduate.texts} | {
            reading: self._texts(arm, left_out) for reading, left_out in arm.readings.items()
        }
        weights = _weights(graduate)
        verdicts = {}
        for reading, texts in shown.items():
            said = predict(graduate.teacher, rows, texts)
            verdicts[reading] = Verdict(said.logits, said.quantiles, said.gates, weights, np.array([seconds]))
        return verdicts

    def _texts(self, arm: Arm, left_out: frozenset[str]) -> NDArray[np.int64]:
        limit, reader = arm.course.network.text_tokens, load_reader(arm.course.network.trunk)
        return np.stack([reader.ids(describe(case.patient, left_out), limit) for case in self.material.cases])


def _weights(graduate: Graduate) -> NDArray[np.int64]:
    of = list(graduate.teacher.parameters())
    return np.array([sum(p.numel() for p in of if p.requires_grad), sum(p.numel() for p in of)])


def _write(kept: Path, verdicts: dict[str, Verdict]) -> None:
    arrays = {
        f"{reading}|{field.name}": getattr(verdict, field.name)
        for reading, verdict in verdicts.items()
        for field in fields(Verdict)
    }
    np.savez(kept, **arrays)


def _read(kept: Path) -> dict[str, Verdict]:
    with np.load(kept, allow_pickle=False) as archive:
        names = dict.fromkeys(name.split("|")[0] for name in archive.files)
        return {
            name: Verdict(*(archive[f"{name}|{field.name}"] for field in fields(Verdict))) for name in names
        }
