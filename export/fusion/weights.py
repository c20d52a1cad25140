"""Weights from a file into a network of the same shape, or one clear refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn


def own_weights(model: nn.Module) -> dict[str, Tensor]:
    """Give what a network was taught and scaled by: its state without the frozen language model."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def load_weights(model: nn.Module, path: Path, mend: str) -> None:
    """Put the weights of a checkpoint (.safetensors) into the model; what is frozen may be left out of it.

    Raises InputError: unreadable, or of another network, with the first tensor that differs and the `mend`.
    """
    found, own = _read(path), own_weights(model)
    wanted = model.state_dict() if found.keys() - own.keys() else own
    for name in [*wanted, *found]:
        here, there = _shape(found, name), _shape(wanted, name)
        if here != there:
            raise InputError(
                f"{path}: made with other settings: tensor {name} is {here} in the file and {there} in the "
                f"network; {mend}"
            )
    model.load_state_dict(found, strict=False)


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "absent"


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError  # noqa: PLC0415 `export` extra
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: no readable checkpoint ({error}); name one that training left") from error
    return found
