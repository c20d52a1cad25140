"""Which patient may teach what, frozen in a file: splits.json.

    {"salt": "barocast roles 1", "folds": 5,
     "subjects": {"1033": {"role": "train", "fold": 2}, ...}}

A role is a hash of the subject id (export.cohort.role), a fold that of calibration.folds. Both stay as they
were frozen when patients are added later. Raises InputError where a patient stands twice or has no such role.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.folds import FOLDS, fold_of
from barocast.calibration.learned_from import hash_share
from barocast.export.cohort import LEARNED_FROM, role
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

ROLES: Final = tuple(name for name, _ in LEARNED_FROM.roles)


@dataclass(frozen=True, slots=True)
class Part:
    """Where a patient stands."""

    role: str
    """One of ROLES."""
    fold: int
    """0 to FOLDS - 1."""


def split(subjects: Collection[str], frozen: Mapping[str, Part]) -> dict[str, Part]:
    """Give every subject's part, by id: the frozen one where there is one."""
    names = sorted(set(subjects))
    folds = dict(zip(names, fold_of(np.array(names, dtype=object)).tolist(), strict=True))
    return {name: frozen.get(name) or Part(role(name), _fold(name, folds[name], frozen)) for name in names}


def write_splits(path: Path, parts: Mapping[str, Part]) -> None:
    """Write the file, the same bytes for the same parts."""
    given = {
        "salt": LEARNED_FROM.salt,
        "folds": FOLDS,
        "subjects": {name: asdict(part) for name, part in sorted(parts.items())},
    }
    path.write_text(json.dumps(given, indent=1) + "\n", "utf-8")


def read_splits(path: Path) -> dict[str, Part]:
    """Read the file."""
    try:
        given = json.loads(path.read_text("utf-8"), object_pairs_hook=lambda pairs: _once(path, pairs))
        parts = {name: Part(part["role"], part["fold"]) for name, part in given["subjects"].items()}
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no splits ({error}); take the file that `train cohort` wrote") from error
    for name, part in parts.items():
        if part.role not in ROLES or part.fold not in range(FOLDS):
            raise InputError(
                f"{path}: subject {name!r}: role {part.role!r}, fold {part.fold!r}; it needs one of "
                f"{', '.join(ROLES)}, and 0 to {FOLDS - 1}"
            )
    return parts


def _fold(name: str, even: int, frozen: Mapping[str, Part]) -> int:
    """Give a new subject's fold: beside frozen ones by its own hash, for the others must stay."""
    return int(hash_share(f"fold:{name}") * FOLDS) if frozen else even


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise InputError(f"{path}: subject {twice!r} stands twice; a patient has one role: keep one line")
    return dict(pairs)
