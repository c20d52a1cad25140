"""record.json: what a run was, for whoever asks later where a model came from.

identity     settings (the seed among them), shapes, digests of the first batch and the starting weights
starts       one entry for each time the run was started or resumed, whose steps are in the result
steps        taken so far
weights      digest of the network that was kept, once the run is done: the next stage's starting weights
curve        points of the learning curve
"""

from __future__ import annotations

import json
import platform
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from barocast.export.schooling.checkpoint import replace
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.export.schooling.pupil import Pupil

FILE: Final = "record.json"


def start(pupil: Pupil, step: int, checkpoint: Path | None) -> dict[str, Any]:
    """Describe a start after `step` steps, from a checkpoint where there is one."""
    import accelerate  # type: ignore[import-untyped]  # noqa: PLC0415 `train` extra; it has no types

    accelerator = pupil.accelerator
    name = torch.cuda.get_device_name(pupil.device) if pupil.device.type == "cuda" else platform.machine()
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "checkpoint": str(checkpoint) if checkpoint else None,
        "from_step": step,
        "to_step": step,
        "seconds": 0.0,
        "steps_per_s": None,
        "device": f"{pupil.device.type} ({name})",
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "precision": accelerator.mixed_precision,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "accelerate": accelerate.__version__,
            "numpy": np.__version__,
        },
    }


def write(folder: Path, record: dict[str, Any]) -> None:
    """Put the record in the place of the former one. Raises SettingsError when it cannot be written."""
    draft = folder / "record.draft"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", "utf-8")
        replace(draft, folder / FILE)
    except OSError as error:
        raise SettingsError(
            f"{folder / FILE}: {error.strerror}; free some space or name another folder"
        ) from error
