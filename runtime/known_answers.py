"""The windows whose answers a bundle brings along: `known_answers.npz` -> arrays, or BundleError.

Inputs under ModelInput's field names and outputs under the graph's, a window a row, at least
MIN_KNOWN_ANSWERS of them. What is unpacked is capped: a zip archive can be, or say that it is, a thousand
times its own size.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.runtime.errors import BundleError, Refused
from barocast.runtime.manifest_rules import expected_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.runtime.manifest import Manifest

MOST_UNPACKED: Final = 64 << 20
"""Bytes of the known answers' arrays: deflate makes a thousand of one, so the file's own cap says little."""
MIN_KNOWN_ANSWERS: Final = 20
UNREADABLE: Final = (EOFError, MemoryError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
"""What zipfile and numpy raise over odd bytes; MemoryError, for an array that is told to be huge."""
ANSWERED: Final = frozenset({"series", "mask", "trend", "text", "logits"})
"""Arrays without which a known answer cannot be asked for and compared."""


def read_known_answers(path: Path, manifest: Manifest, content: bytes) -> Mapping[str, NDArray[Any]]:
    """Read the file's bytes; `path` is how errors call it."""
    arrays = _arrays(path, content)
    rows = min((len(array) for array in arrays.values()), default=0)
    if rows < MIN_KNOWN_ANSWERS:
        raise _refused(f"{path}: fewer than {MIN_KNOWN_ANSWERS} known answers")
    odd = _odd_array(arrays, {key: (rows, *shape[1:]) for key, shape in expected_shapes(manifest).items()})
    if odd:
        raise _refused(f"{path}: {odd} is missing or of another shape")
    return MappingProxyType(arrays)


def _odd_array(arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    missing = sorted(ANSWERED - arrays.keys())
    return next((n for n in (*missing, *arrays) if n in missing or arrays[n].shape != shapes.get(n)), None)


def _arrays(path: Path, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        _check_unpacked(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: np.atleast_1d(archive[key]) for key in archive.files}
    except UNREADABLE as error:
        raise _refused(f"{path}: not an npz archive ({error})") from error


def _check_unpacked(content: bytes) -> None:
    """Raise ValueError where the arrays are too long; zipfile reads no more of each than is told here."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(packed.file_size for packed in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise ValueError(f"{unpacked} bytes unpacked, and at most {MOST_UNPACKED} may be")


def _refused(said: str) -> BundleError:
    return BundleError(f"{said}; pack the bundle again", Refused.KNOWN_ANSWERS)
