"""One file from which a run goes on: written beside the former one and renamed over it, sealed.

    checkpoint.safetensors    tensors by name, and as metadata
        identity              what the run is: its settings, the network's shapes, digests of how it began
        notes                 plain values: the step, the curve, ...
        seal                  digest of all of the above

A kill or a full disk leaves the former checkpoint whole. No pickle: a checkpoint that came from elsewhere
runs no code. Every process of a run reads it; only the main one writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import torch

from barocast.export.whole_folder import sync
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    Plain = Mapping[str, Any]
    Tensors = Mapping[str, Tensor]

FILE: Final = "checkpoint.safetensors"
DRAFT: Final = "checkpoint.draft"
TOLD: Final = 3
"""Differences that a message spells out."""
MEND: Final = "delete the folder or name another"


def keep(folder: Path, identity: Plain, tensors: Tensors, notes: Plain) -> None:
    """Put a checkpoint in the place of the former one. Raises SettingsError when it cannot be written."""
    from safetensors import SafetensorError  # noqa: PLC0415 `train` extra
    from safetensors.torch import save_file  # noqa: PLC0415 `train` extra

    draft = folder / DRAFT
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    told = {"identity": json.dumps(identity), "notes": json.dumps(notes, allow_nan=False)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(whole, draft, {**told, "seal": _seal(whole, told)})
        replace(draft, folder / FILE)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise SettingsError(
            f"{folder / FILE}: cannot be written: {error}; the former checkpoint, if any, is whole: "
            f"free some space and run the same command again to go on from there"
        ) from error


def recall(folder: Path, identity: Plain) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Give tensors and notes of the last checkpoint, None where there is none.

    Raises InputError for a file that is damaged or of another run.
    """
    path = folder / FILE
    if not path.exists():
        return None
    kept, tensors, notes = _read(path)
    if differing := _differences(kept, json.loads(json.dumps(identity))):
        more = len(differing) - TOLD
        told = "; ".join(differing[:TOLD]) + (f"; and {more} more" if more > 0 else "")
        raise InputError(f"{path}: is of another run: {told}; {MEND}")
    return tensors, notes


def digest_of(tensors: Tensors) -> str:
    """Name tensors by their names, kinds, shapes and bytes."""
    running = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        running.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole = tensor.detach().cpu().contiguous().reshape(-1)
        running.update(whole.view(torch.uint8).numpy().data)
    return running.hexdigest()


def replace(draft: Path, path: Path) -> None:
    """Rename over the former file, for good: a power cut leaves the one or the other."""
    sync(draft)
    draft.replace(path)
    sync(path.parent)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 `train` extra

    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 it is no mapping
            told = dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: is no checkpoint or is damaged ({error}); {MEND}") from error
    if told.pop("seal", "") != _seal(tensors, told):
        raise InputError(f"{path}: is damaged: its seal does not fit its content; {MEND}")
    return json.loads(told["identity"]), tensors, json.loads(told["notes"])


def _seal(tensors: Tensors, told: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([digest_of(tensors), told], sort_keys=True).encode()).hexdigest()


def _differences(kept: Plain, now: Plain) -> list[str]:
    """Say what was otherwise, in the order of today's identity."""
    names = [*now, *(name for name in kept if name not in now)]
    return [
        f"{name} was {kept.get(name, 'absent')}, is {now.get(name, 'absent')}"
        for name in names
        if kept.get(name) != now.get(name)
    ]
