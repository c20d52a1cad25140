"""A model bundle on disk: read once, verified, and only then used; or written and signed.

    manifest.json       canonical JSON: what the model is, and SHA-256 and size of every other file
    signature           Ed25519 over the bytes of manifest.json (64 bytes)
    model.onnx          int8 graph, one file, no external data
    tokenizer.json      WordPiece vocabulary
    known_answers.npz   inputs (ModelInput field names) and outputs of at least 20 windows
    model_card.md       for people

`read_bundle` gives a Bundle or raises BundleError with the one reason. The order matters: names and
sizes first, then the signature over the manifest's raw bytes, then its JSON, then every file's hash,
and only bytes that passed are parsed. A bundle is trusted when one of the pinned public keys signed it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from barocast.calibration.calibrators import Calibrators, read_calibrators
from barocast.calibration.conformal import ConformalBand
from barocast.runtime import wordpiece
from barocast.runtime.errors import BundleError, Refused, SettingsError
from barocast.runtime.graph_rules import broken_graph_rule
from barocast.runtime.manifest import from_fields, to_fields
from barocast.runtime.manifest_rules import broken_rule, expected_shapes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from barocast.runtime.manifest import Manifest

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "signature"
SIGNATURE_BYTES: Final = 64
SIZE_CAPS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # Far above what a bedside model needs, far below what could exhaust a small box.
        MANIFEST: 1 << 18,
        SIGNATURE: SIGNATURE_BYTES,
        "model.onnx": 64 << 20,
        "tokenizer.json": 8 << 20,
        "known_answers.npz": 16 << 20,
        "model_card.md": 1 << 20,
    }
)
"""Every file of a bundle and the most bytes it may have. Any other name is refused."""
MOST_UNPACKED: Final = 64 << 20
"""Bytes of the known answers' arrays: deflate makes a thousand of one, so the file's own cap says little."""
MIN_KNOWN_ANSWERS: Final = 20
UNREADABLE: Final = (EOFError, MemoryError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
"""What zipfile and numpy raise over odd bytes; MemoryError, for an array that is told to be huge."""
ANSWERED: Final = frozenset({"series", "mask", "trend", "text", "logits"})
"""Arrays without which a known answer cannot be asked for and compared."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Verified bytes and what was read from them."""

    manifest: Manifest
    model: bytes
    tokenizer: wordpiece.WordPiece
    calibrators: Calibrators
    known_answers: Mapping[str, NDArray[Any]]
    card: str
    signer: bytes = b""
    """The public key that signed it."""
    band: ConformalBand | None = None
    """None where the graph's own quantiles are shown."""


def default_bundle() -> Path:
    """Give the directory of the bundle that the installation brought along."""
    return Path(str(files("barocast.runtime") / "default_bundle"))


def read_bundle(
    directory: Path, trusted: Collection[bytes], revoked: Collection[bytes] = frozenset()
) -> Bundle:
    """Read and verify. Raises BundleError.

    `trusted` holds raw Ed25519 public keys (32 bytes each); `revoked` such keys, or SHA-256 of manifests,
    that are no longer believed whoever trusts them.
    """
    files = _read_files(directory)
    signer = _verify_signature(directory, files, trusted)
    _verify_not_revoked(directory, {signer, hashlib.sha256(files[MANIFEST]).digest()} & set(revoked))
    fields = _json(directory, files[MANIFEST])
    _verify_hashes(directory, files, fields.pop("files", None))
    manifest = _manifest(directory, fields)
    _verify_graph(directory, files["model.onnx"])
    return Bundle(
        manifest=manifest,
        model=files["model.onnx"],
        tokenizer=wordpiece.load(files["tokenizer.json"].decode()),
        calibrators=_calibrators(directory, manifest),
        known_answers=_known_answers(directory, manifest, files["known_answers.npz"]),
        card=files["model_card.md"].decode(errors="replace"),
        signer=signer,
        band=_band(directory, manifest),
    )


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write manifest.json over the files as they lie there. Raises BundleError when one is missing."""
    contents = {name: _read_file(directory, name) for name in SIZE_CAPS if name not in {MANIFEST, SIGNATURE}}
    fields = {"format": FORMAT, **to_fields(manifest), "files": {n: _entry(b) for n, b in contents.items()}}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (directory / MANIFEST).write_bytes(text.encode())


def sign(directory: Path, private_key_pem: bytes) -> bytes:
    """Sign manifest.json with an Ed25519 key (PEM, PKCS 8); give the raw public key. Raises SettingsError."""
    try:
        key = load_pem_private_key(private_key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"the signing key cannot be read ({error}); give an unencrypted PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(
            "the signing key is not Ed25519; make one with `openssl genpkey -algorithm ed25519`"
        )
    (directory / SIGNATURE).write_bytes(key.sign(_read_file(directory, MANIFEST)))
    return key.public_key().public_bytes_raw()


def _read_files(directory: Path) -> dict[str, bytes]:
    if not directory.is_dir():
        raise BundleError(
            f"{directory}: no such bundle directory; name one that holds a {MANIFEST}", Refused.MISSING
        )
    unlisted = sorted(path.name for path in directory.iterdir() if path.name not in SIZE_CAPS)
    if unlisted:
        raise BundleError(f"{directory / unlisted[0]}: not a file of a bundle; remove it", Refused.EXTRA)
    return {name: _read_file(directory, name) for name in SIZE_CAPS}


def _read_file(directory: Path, name: str) -> bytes:
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


def _verify_signature(directory: Path, files: Mapping[str, bytes], trusted: Collection[bytes]) -> bytes:
    """Give the key that signed."""
    for key in trusted:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(files[SIGNATURE], files[MANIFEST])
        except InvalidSignature:
            continue
        return key
    raise BundleError(
        f"{directory / SIGNATURE}: no trusted key signed this {MANIFEST}; copy the bundle again, "
        "or trust its maker's key with --trust FILE",
        Refused.SIGNATURE,
    )


def _verify_not_revoked(directory: Path, found: Collection[bytes]) -> None:
    if found:
        raise BundleError(
            f"{directory / MANIFEST}: its maker took it back (revoked.json); get a newer bundle",
            Refused.REVOKED,
        )


def _verify_hashes(directory: Path, files: Mapping[str, bytes], listed: object) -> None:
    found = {name: _entry(content) for name, content in files.items() if name not in {MANIFEST, SIGNATURE}}
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


def _verify_graph(directory: Path, model: bytes) -> None:
    if broken := broken_graph_rule(model):
        raise BundleError(f"{directory / 'model.onnx'}: {broken}; export it again", Refused.GRAPH)


def _entry(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _json(directory: Path, content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (RecursionError, ValueError) as error:
        raise BundleError(
            f"{directory / MANIFEST}: not JSON ({error}); pack the bundle again", Refused.MANIFEST
        ) from error
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise BundleError(
            f"{directory / MANIFEST}: not of format {FORMAT}; use the barocast that packed it",
            Refused.MANIFEST,
        )
    return fields


def _manifest(directory: Path, fields: dict[str, Any]) -> Manifest:
    try:
        manifest = from_fields(fields)
        broken = broken_rule(manifest)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise BundleError(
            f"{directory / MANIFEST}: {error}; use the barocast that packed it", Refused.MANIFEST
        ) from error
    if broken:
        raise BundleError(
            f"{directory / MANIFEST}: {broken}; use the barocast that packed it", Refused.MANIFEST
        )
    return manifest


def _calibrators(directory: Path, manifest: Manifest) -> Calibrators:
    with _named(directory, "calibrator"):
        return read_calibrators(manifest.calibrator)


def _band(directory: Path, manifest: Manifest) -> ConformalBand | None:
    with _named(directory, "band"):
        band = None if manifest.band is None else ConformalBand.from_dict(manifest.band)
        if band and len(band.widenings_mmhg) != len(manifest.forecast_minutes):
            raise ValueError(
                f"{len(band.widenings_mmhg)} widenings of {len(manifest.forecast_minutes)} steps"
            )
        return band


@contextmanager
def _named(directory: Path, field: str) -> Iterator[None]:
    """Say of what cannot be read which field of the manifest it is."""
    try:
        yield
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise BundleError(
            f"{directory / MANIFEST}: {field}: {error}; pack the bundle again", Refused.MANIFEST
        ) from error


def _known_answers(directory: Path, manifest: Manifest, content: bytes) -> Mapping[str, NDArray[Any]]:
    name = directory / "known_answers.npz"
    arrays = _arrays(name, content)
    rows = min((len(array) for array in arrays.values()), default=0)
    if rows < MIN_KNOWN_ANSWERS:
        raise BundleError(
            f"{name}: fewer than {MIN_KNOWN_ANSWERS} known answers; pack the bundle again",
            Refused.KNOWN_ANSWERS,
        )
    odd = _odd_array(arrays, {key: (rows, *shape[1:]) for key, shape in expected_shapes(manifest).items()})
    if odd:
        raise BundleError(
            f"{name}: {odd} is missing or of another shape; pack the bundle again", Refused.KNOWN_ANSWERS
        )
    return MappingProxyType(arrays)


def _odd_array(arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    missing = sorted(ANSWERED - arrays.keys())
    return next((n for n in (*missing, *arrays) if n in missing or arrays[n].shape != shapes.get(n)), None)


def _arrays(name: Path, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        _check_unpacked(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: np.atleast_1d(archive[key]) for key in archive.files}
    except UNREADABLE as error:
        raise BundleError(
            f"{name}: not an npz archive ({error}); pack the bundle again", Refused.KNOWN_ANSWERS
        ) from error


def _check_unpacked(content: bytes) -> None:
    """Raise ValueError where the arrays are too long; zipfile reads no more of each than is told here."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(packed.file_size for packed in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise ValueError(f"{unpacked} bytes unpacked, and at most {MOST_UNPACKED} may be")
