"""`barocast train waves`: the waveform branch, judged patient by patient; its page and its figures."""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.export.commands.cohort_folder import add_training_arguments, find_cohort, settle

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from numpy.typing import NDArray

    from barocast.export.waves.windows import Windows

HELP: Final = "the waveform branch beside the trend alone, cross-validated on the case-control windows"


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder of waves.md and waves.json")
    add_training_arguments(parser)


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Learn and judge; give the exit status."""
    cohort = find_cohort(args)
    settle(args)
    from barocast.export.waves.judged import Study, cross_validate, summary  # noqa: PLC0415 with torch
    from barocast.export.waves.learning import LearningSettings  # noqa: PLC0415
    from barocast.export.waves.material import make_material  # noqa: PLC0415
    from barocast.export.waves.page import page  # noqa: PLC0415
    from barocast.export.waves.windows import counts, icu_windows, read_windows  # noqa: PLC0415

    windows, icu = read_windows(cohort), icu_windows(cohort)
    for verdict, count in counts(windows).items():
        say(f"{count:,} windows: {verdict}")
    study = Study(
        windows,
        make_material(windows, _kept_features(windows, args.work, say)),
        make_material(icu, _kept_features(icu, args.work, say)),
    )
    settings = LearningSettings(seed=args.seed)
    report = summary(study, cross_validate(study, settings, args.work, say), settings)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "waves.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (args.out / "waves.md").write_text(page(report), encoding="utf-8")
    say(f"{args.out}: waves.md, waves.json")
    return 0


def _kept_features(windows: Windows, work: Path, say: Callable[[str], None]) -> NDArray[np.float32]:
    """Give the windows' features, computed once for the same waves and the same code."""
    from barocast.export.waves import material, morphology, pulses  # noqa: PLC0415 with torch

    code = [inspect.getsource(module).encode() for module in (pulses, morphology)]
    waves = [wave.tobytes() for wave in (windows.abp, windows.pleth, windows.co2)]
    key = hashlib.sha256(b"".join(code + waves))
    kept = work / f"waves-features-{key.hexdigest()[:12]}.npy"
    if not kept.is_file():
        work.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"part-{kept.name}")  # a run that is cut off leaves no half of them behind
        np.save(part, material.find_features(windows, say))
        part.replace(kept)
    found: NDArray[np.float32] = np.load(kept)
    return found
