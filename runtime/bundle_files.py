"""Which files a bundle is, how large each may be, and reading them as they lie there.

    manifest.json       canonical JSON: what the model is, and SHA-256 and size of every other file
    signature           Ed25519 over the bytes of manifest.json (64 bytes)
    model.onnx          the tick's graph, one file, no external data
    prefix.onnx         format 2 only: the text's graph, whose memory the tick takes
    tokenizer.json      the vocabulary
    known_answers.npz   inputs (ModelInput field names) and outputs of at least 20 windows
    model_card.md       for people

`read_files` and `read_file` give bytes or raise BundleError: a name of no bundle, a link, a file that is
missing, unreadable or too large. Which format it is only the manifest says: `check_names` asks afterwards.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "signature"
SIGNATURE_BYTES: Final = 64
MODEL: Final = "model.onnx"
PREFIX: Final = "prefix.onnx"
TOKENIZER: Final = "tokenizer.json"
KNOWN_ANSWERS: Final = "known_answers.npz"
CARD: Final = "model_card.md"
SIZE_CAPS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # Far above what a bedside model needs, far below what could exhaust a small box.
        MANIFEST: 1 << 18,
        SIGNATURE: SIGNATURE_BYTES,
        MODEL: 64 << 20,
        PREFIX: 64 << 20,
        TOKENIZER: 8 << 20,
        KNOWN_ANSWERS: 16 << 20,
        CARD: 1 << 20,
    }
)
"""Every file that a bundle may have and the most bytes of it. Any other name is refused."""
UNHASHED: Final = frozenset({MANIFEST, SIGNATURE})
"""Files of which the manifest says nothing: itself, and what is made of it."""
ONE_GRAPH: Final = 1
TWO_GRAPHS: Final = 2
FILES: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType(
    {ONE_GRAPH: tuple(name for name in SIZE_CAPS if name != PREFIX), TWO_GRAPHS: tuple(SIZE_CAPS)}
)
"""Format -> the files that it has, no more and no less."""


def read_files(directory: Path) -> dict[str, bytes]:
    """Read every file, the prefix where there is one."""
    if not directory.is_dir():
        raise BundleError(
            f"{directory}: no such bundle directory; name one that holds a {MANIFEST}", Refused.MISSING
        )
    names = {path.name for path in directory.iterdir()}
    if unlisted := sorted(names - SIZE_CAPS.keys()):
        raise BundleError(f"{directory / unlisted[0]}: not a file of a bundle; remove it", Refused.EXTRA)
    return {name: read_file(directory, name) for name in FILES[TWO_GRAPHS if PREFIX in names else ONE_GRAPH]}


def read_file(directory: Path, name: str) -> bytes:
    """Read one file, at most its cap."""
    path = directory / name
    if path.is_symlink():
        raise BundleError(f"{path}: a link, not a plain file; copy the whole bundle again", Refused.LINK)
    if not path.is_file():
        raise BundleError(
            f"{path}: missing, or not a plain file; copy the whole bundle again", Refused.MISSING
        )
    cap = SIZE_CAPS[name]
    try:
        with path.open("rb") as file:
            content = file.read(cap + 1)
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}); mend its permissions", Refused.UNREADABLE
        ) from error
    if len(content) > cap:
        raise BundleError(
            f"{path}: larger than the {cap} bytes a bundle may hold; copy the bundle again", Refused.TOO_LARGE
        )
    return content


def check_names(directory: Path, files: Mapping[str, bytes], bundle_format: int) -> None:
    """Ask whether the files that lie there are those of the format. Raises BundleError."""
    if PREFIX in files and PREFIX not in FILES[bundle_format]:
        raise BundleError(
            f"{directory / PREFIX}: not a file of a bundle of format {bundle_format}; remove it",
            Refused.EXTRA,
        )
    for name in FILES[bundle_format]:
        if name not in files:
            raise BundleError(f"{directory / name}: missing; copy the whole bundle again", Refused.MISSING)


def check_hashes(directory: Path, files: Mapping[str, bytes], listed: object) -> None:
    """Hold every file against what the signed manifest says of it. Raises BundleError."""
    found = entries(files)
    if not isinstance(listed, dict) or listed.keys() != found.keys():
        raise BundleError(
            f"{directory / MANIFEST}: lists other files than the bundle holds; pack it again",
            Refused.MANIFEST,
        )
    for name, entry in found.items():
        if listed[name] != entry:
            raise BundleError(
                f"{directory / name}: its SHA-256 is not the signed one; copy the bundle again", Refused.HASH
            )


def entries(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Give what a manifest says of each file, but of UNHASHED ones."""
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in files.items()
        if name not in UNHASHED
    }
