"""Weights from a file into a network of the same shape, or one clear refusal."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import torch

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

UNREADABLE = (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError)
"""What torch.load raises for a file that it did not write."""


def own_weights(model: nn.Module) -> dict[str, Tensor]:
    """Give what a network was taught and scaled by: its state without the frozen language model."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def load_weights(model: nn.Module, path: Path) -> None:
    """Put the weights of a checkpoint (.safetensors, or torch.save's state dict) into the model.

    What is frozen may be left out of the file. Raises InputError: unreadable, or of another network; the
    first tensor that differs is named.
    """
    found, own = _read(path), own_weights(model)
    wanted = model.state_dict() if found.keys() - own.keys() else own
    for name in [*wanted, *found]:
        here, there = _shape(found, name), _shape(wanted, name)
        if here != there:
            raise InputError(
                f"{path}: made with other settings: tensor {name} is {here} in the file and {there} in the "
                "network; name the preset and trunk that it was trained with, or train anew in another folder"
            )
    model.load_state_dict(found, strict=False)


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "absent"


def _read(path: Path) -> dict[str, Tensor]:
    try:
        found = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: no readable checkpoint ({reason}); name one that training left") from error
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise InputError(f"{path}: holds no table of tensors; name a checkpoint that training left")
    return found


def _torch(path: Path) -> object:
    return torch.load(path, map_location="cpu", weights_only=True)


def _safetensors(path: Path) -> object:
    from safetensors import SafetensorError  # noqa: PLC0415 `export` extra
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
