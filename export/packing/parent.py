"""What is packed: a trained network, cut in two, with its tokenizer and what is known of where it comes from.

Its reference is the float graph in evaluation mode, dropout off: that is what SHA-256 sums in a bundle name,
and what every other precision is held against.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.export.course.teacher_file import read_teacher
from barocast.export.graphs.adapter import split_by
from barocast.export.graphs.student import split_student
from barocast.export.graphs.teacher import split_teacher
from barocast.export.language.reduced import reduced, vocabulary_of
from barocast.runtime.errors import BundleError, InputError
from barocast.runtime.prompt import describe
from barocast.runtime.text_tokens import load
from barocast.runtime.tokens import text_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.checkpoint import Student
    from barocast.export.cohort import Case
    from barocast.export.graphs.split import Split
    from barocast.export.graphs.to_onnx import Graphs

MODE = "eval"


@dataclass(frozen=True, slots=True)
class Parent:
    """One network to pack."""

    split: Split
    tokenizer_json: str
    about: Mapping[str, Any]
    """For the record and the card: `checkpoint` (SHA-256), `parameters`; of our student `settings`,
    `material`, `taught_by` and `versions`, of our teacher its `course` and the number of
    `simulated` patients who taught it."""
    seed: int = 0
    """Of the draw of rows that a quantizer measures on."""

    def texts_of(self, cases: Sequence[Case]) -> NDArray[np.int64]:
        """Give (case, token): each case's whole text as this network reads it."""
        tokenizer, tokens = load(self.tokenizer_json), self.split.examples[3].shape[1]
        return np.stack([text_ids(describe(case.patient), tokenizer, tokens) for case in cases])


def of_student(student: Student) -> Parent:
    """Take our own student from its checkpoint."""
    parameters = sum(p.numel() for p in student.model.parameters())
    about = {"checkpoint": student.sha256, "parameters": parameters, **asdict(student.origin)}
    return Parent(
        split_student(student.model), student.tokenizer_json, about, student.origin.settings.training.seed
    )


def of_teacher(folder: Path, texts: Iterable[str]) -> Parent:
    """Take our own teacher from its checkpoint; its tokenizer keeps what these texts and any byte need.

    Raises InputError: no such checkpoint, or a language model whose vocabulary cannot be cut down.
    """
    taught = read_teacher(folder)
    left = reduced(vocabulary_of(taught.teacher.settings.trunk), texts)
    parameters = sum(p.numel() for p in taught.teacher.parameters())
    about = {
        "checkpoint": taught.sha256,
        "parameters": parameters,
        "course": taught.course,
        "simulated": taught.simulated,
    }
    return Parent(split_teacher(taught.teacher, left), left.tokenizer_json, about)


def of_adapter(adapter: str, checkpoint: Path) -> Parent:
    """Take another's own network: `checkpoint` is a file or folder with a tokenizer.json in or beside it.

    Raises InputError without a tokenizer that a box can read, and what export.graphs.adapter raises.
    """
    split = split_by(adapter, checkpoint)
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    parts = [*split.prefix.parameters(), *split.tick.parameters()]
    parameters = sum({id(part): part.numel() for part in parts}.values())
    about = {"checkpoint": _sha256(checkpoint), "parameters": parameters}
    return Parent(split, _tokenizer(folder / "tokenizer.json"), about)


def reference(parent: Parent, exact: Graphs) -> dict[str, str]:
    """Give what a bundle says of the parent that it must answer like: mode, and SHA-256 by name."""
    graphs = {"prefix_float": exact.prefix, "tick_float": exact.tick}
    sums = {name: hashlib.sha256(graph).hexdigest() for name, graph in graphs.items()}
    return {"mode": MODE, "checkpoint": str(parent.about["checkpoint"]), **sums}


def _tokenizer(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
        load(text)
    except (BundleError, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: no tokenizer that a box can read ({error}); put the network's WordPiece or BPE "
            "tokenizer.json there"
        ) from error
    return text


def _sha256(checkpoint: Path) -> str:
    """Name a file by its bytes; a folder by its files' names and bytes."""
    if checkpoint.is_file():
        return hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
    listed = [[path.relative_to(checkpoint).as_posix(), _sha256(path)] for path in files]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
