"""A trained student on disk: what `train student` leaves and every `barocast export` starts from.

    student.json           settings and seed, whose patients taught it, versions, SHA-256 of the other two
    weights.safetensors    the network's tensors by name
    tokenizer.json         WordPiece vocabulary

`read_student` gives the network as it answers, in eval mode, or raises InputError with the one reason and
its mend. No pickle: a checkpoint from elsewhere runs no code. SHA-256 of student.json names all of it.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import torch

from barocast.export.fusion.weights import load_weights
from barocast.export.model import Model, blank, example_input
from barocast.export.recipe import Recipe, Taught
from barocast.export.text_encoder import TextEncoder
from barocast.export.whole_folder import whole_folder
from barocast.runtime import wordpiece
from barocast.runtime.errors import BundleError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORM: Final = 1
RECORD: Final = "student.json"
WEIGHTS: Final = "weights.safetensors"
TOKENIZER: Final = "tokenizer.json"
FILES: Final = (RECORD, WEIGHTS, TOKENIZER)
LARGEST: Final = 256 << 20
"""Bytes of a file: a student has under a megabyte, and nothing of a machine's whole memory is a student."""
PACKAGES: Final = ("torch", "lightgbm", "numpy", "safetensors", "tokenizers")
MEND: Final = "copy the whole folder again, or train anew (`barocast train student`)"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a student comes from."""

    settings: Recipe
    """Seeds among them."""
    material: str
    """Short name of the very series and descriptions (recipe.Material.key)."""
    taught_by: Mapping[str, Any]
    """Source, roles, and how many patients, cases, rows and descriptions."""
    versions: Mapping[str, str]
    """Of Python and the packages that taught it."""


@dataclass(frozen=True, slots=True)
class Student(Taught):
    """A checkpoint, read."""

    origin: Origin
    sha256: str
    """Of student.json."""


def save_student(taught: Taught, origin: Origin, folder: Path) -> str:
    """Leave the checkpoint, whole or not at all; give its SHA-256. Raises SettingsError."""
    from safetensors.torch import save  # noqa: PLC0415 only where a checkpoint is written

    tensors = {name: tensor.detach().contiguous() for name, tensor in taught.model.state_dict().items()}
    contents = {WEIGHTS: save(tensors), TOKENIZER: taught.tokenizer_json.encode()}
    record = {
        "form": FORM,
        "mode": "eval",
        **asdict(origin),
        "parameters": sum(p.numel() for p in taught.model.parameters()),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    contents[RECORD] = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
    with whole_folder(folder, FILES) as draft:
        for name, content in contents.items():
            (draft / name).write_bytes(content)
    return hashlib.sha256(contents[RECORD]).hexdigest()


def read_student(folder: Path) -> Student:
    """Read and verify one. Raises InputError."""
    contents = {name: _bytes(folder / name) for name in FILES}
    origin = _origin(folder / RECORD, contents)
    text = _tokenizer(folder / TOKENIZER, contents[TOKENIZER])
    model = _empty(folder / RECORD, origin.settings, len(wordpiece.load(text).vocabulary))
    load_weights(model, folder / WEIGHTS, f"{RECORD} beside it is of another student; {MEND}")
    if odd := _not_finite(model):
        raise InputError(f"{folder / WEIGHTS}: tensor {odd} holds numbers that are not finite; {MEND}")
    model.text_encoder.requires_grad_(requires_grad=False)  # as training left it
    return Student(model, text, origin, hashlib.sha256(contents[RECORD]).hexdigest())


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Give what a record states of the software that made it."""
    return {"Python": platform.python_version(), **{name: version(name) for name in packages}}


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); name a folder that `barocast train student` left"
        ) from error
    if len(content) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST} bytes, so no student's; {MEND}")
    return content


def _origin(path: Path, contents: Mapping[str, bytes]) -> Origin:
    """Read student.json, and hold the other files against the hashes in it."""
    try:
        record = json.loads(contents[RECORD])
        if record["form"] != FORM:
            raise InputError(f"{path}: is of form {record['form']}, this version reads {FORM}; {MEND}")
        for name, sha256 in record["files"].items():
            if hashlib.sha256(contents[name]).hexdigest() != sha256:
                raise InputError(f"{path.with_name(name)}: its SHA-256 is not the one in {RECORD}; {MEND}")
        settings = _recipe(record["settings"])
        return Origin(settings, record["material"], record["taught_by"], record["versions"])
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is no student's record ({_said(error)}); {MEND}") from error


def _recipe(given: Mapping[str, Any]) -> Recipe:
    """Raise ValueError or TypeError for settings that are not exactly this version's."""
    parts = {field.name: field.default_factory for field in fields(Recipe)}
    _same_names("settings", given, parts)
    return Recipe(**{name: _part(name, part, given[name]) for name, part in parts.items()})


def _part(place: str, kind: Any, given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - one of Recipe's dataclasses
    usual = asdict(kind())
    _same_names(f"settings.{place}", given, usual)
    for name, value in given.items():
        wanted = type(usual[name])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ValueError(f"settings.{place}.{name} is {value!r}, no {wanted.__name__}")
    return kind(**given)


def _same_names(place: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for name in sorted({*given} ^ {*known}):
        raise ValueError(f"{place}.{name} is {'missing' if name in known else 'unknown to this version'}")


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _tokenizer(path: Path, content: bytes) -> str:
    try:
        text = content.decode()
        wordpiece.load(text)
    except (BundleError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}; {MEND}") from error
    return text


def _empty(record: Path, settings: Recipe, vocabulary: int) -> Model:
    """Give the network of these settings; every number in it is replaced by the checkpoint's."""
    try:
        model = blank(settings.network, TextEncoder(vocabulary, settings.text.width)).eval()
        with torch.no_grad():
            model(*example_input(settings.network))
    except (ArithmeticError, RuntimeError, ValueError) as error:
        raise InputError(f"{record}: its settings make no network ({error}); {MEND}") from error
    return model


def _not_finite(model: Model) -> str | None:
    tensors = model.state_dict().items()
    return next((name for name, tensor in tensors if not torch.isfinite(tensor).all()), None)
