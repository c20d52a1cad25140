"""A wheel as its file and its metadata say: name, version, tags, licence, author, and what it requires."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from packaging.tags import Tag


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of a wheelhouse."""

    path: Path
    name: str
    """Canonical."""
    version: str
    tags: frozenset[Tag]
    sha256: str
    licence: str
    """An SPDX expression or the author's own words; empty: not said."""
    author: str
    """Empty: not said."""
    summary: str
    requires: tuple[str, ...]
    """Its Requires-Dist lines."""


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_wheel(path: Path) -> Wheel:
    """Read a wheel's name and metadata. Raises BarocastError where either is none."""
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
        metadata = _metadata(path)
    except (InvalidWheelFilename, zipfile.BadZipFile, LookupError) as error:
        raise BarocastError(f"{path}: no wheel ({error}); fetch it again") from error
    return Wheel(
        path=path,
        name=canonicalize_name(name),
        version=str(version),
        tags=tags,
        sha256=sha256_of(path),
        licence=_licence(metadata),
        author=metadata["Author"] or metadata["Author-email"] or metadata["Maintainer"] or "",
        summary=metadata["Summary"] or "",
        requires=tuple(metadata.get_all("Requires-Dist", ())),
    )


def _metadata(path: Path) -> Message:
    with zipfile.ZipFile(path) as archive:
        inside = next(
            (name for name in archive.namelist() if name.endswith(".dist-info/METADATA")), "METADATA"
        )
        return HeaderParser().parsestr(archive.read(inside).decode("utf-8"))


def _licence(metadata: Message) -> str:
    """Take the expression (PEP 639), else the classifier, else the first line of the old field."""
    if metadata["License-Expression"]:
        return str(metadata["License-Expression"])
    classifiers = [line for line in metadata.get_all("Classifier", ()) if line.startswith("License ::")]
    if classifiers:
        return str(classifiers[0].rpartition(" :: ")[2])
    return str(metadata["License"] or "").strip().partition("\n")[0]
