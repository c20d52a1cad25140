"""A model bundle on disk (bundle_files): read once, verified, and only then used; or written and signed.

`read_bundle` gives a Bundle or raises BundleError with the one reason. The order matters: names and
sizes first, then the signature over the manifest's raw bytes, then its JSON and the set of files that its
format has, then every file's hash, and only bytes that passed are parsed. A bundle is trusted when one of
the pinned public keys signed it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from barocast.calibration.calibrators import Calibrators, read_calibrators
from barocast.calibration.conformal import ConformalBand
from barocast.runtime.bundle_files import (
    CARD,
    FILES,
    KNOWN_ANSWERS,
    MANIFEST,
    MODEL,
    ONE_GRAPH,
    PREFIX,
    SIGNATURE,
    TOKENIZER,
    TWO_GRAPHS,
    UNHASHED,
    check_hashes,
    check_names,
    entries,
    read_file,
    read_files,
)
from barocast.runtime.errors import BundleError, Refused, SettingsError
from barocast.runtime.graph_rules import broken_graph_rule
from barocast.runtime.known_answers import read_known_answers
from barocast.runtime.manifest import from_fields, to_fields
from barocast.runtime.manifest_rules import broken_rule
from barocast.runtime.text_tokens import load as load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from barocast.runtime.manifest import Manifest
    from barocast.runtime.text_tokens import Tokenizer


@dataclass(frozen=True, slots=True)
class Bundle:
    """Verified bytes and what was read from them."""

    manifest: Manifest
    model: bytes
    tokenizer: Tokenizer
    calibrators: Calibrators
    known_answers: Mapping[str, NDArray[Any]]
    card: str
    signer: bytes = b""
    """The public key that signed it."""
    band: ConformalBand | None = None
    """None where the graph's own quantiles are shown."""
    prefix: bytes | None = None
    """The text's graph; None where `model` reads the text itself (format 1)."""

    @property
    def text_tokens(self) -> int:
        """How many ids its graphs take of a text."""
        return self.manifest.shapes["text"][1]

    @property
    def graphs(self) -> dict[str, bytes]:
        """Give file -> bytes of each graph."""
        return {MODEL: self.model} | ({} if self.prefix is None else {PREFIX: self.prefix})

    @property
    def graphs_sha256(self) -> str:
        """Name the network: SHA-256 of its graphs, one after the other."""
        return hashlib.sha256(b"".join(self.graphs.values())).hexdigest()


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
    files = read_files(directory)
    signer = _verify_signature(directory, files, trusted)
    _verify_not_revoked(directory, {signer, hashlib.sha256(files[MANIFEST]).digest()} & set(revoked))
    fields = _json(directory, files[MANIFEST])
    check_names(directory, files, bundle_format := fields.pop("format"))
    check_hashes(directory, files, fields.pop("files", None))
    manifest = _manifest(directory, fields, bundle_format)
    _verify_graphs(directory, files)
    return Bundle(
        manifest=manifest,
        model=files[MODEL],
        prefix=files.get(PREFIX),
        tokenizer=load_tokenizer(files[TOKENIZER].decode()),
        calibrators=_calibrators(directory, manifest),
        known_answers=read_known_answers(directory / KNOWN_ANSWERS, manifest, files[KNOWN_ANSWERS]),
        card=files[CARD].decode(errors="replace"),
        signer=signer,
        band=_band(directory, manifest),
    )


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write manifest.json over the files as they lie there. Raises BundleError when one is missing.

    Format 2, with its prefix.onnx, where the manifest has a memory; else format 1.
    """
    bundle_format = TWO_GRAPHS if manifest.memory else ONE_GRAPH
    listed = entries(
        {name: read_file(directory, name) for name in FILES[bundle_format] if name not in UNHASHED}
    )
    fields = {"format": bundle_format, **to_fields(manifest), "files": listed}
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
    (directory / SIGNATURE).write_bytes(key.sign(read_file(directory, MANIFEST)))
    return key.public_key().public_bytes_raw()


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


def _verify_graphs(directory: Path, files: Mapping[str, bytes]) -> None:
    for name in files.keys() & {MODEL, PREFIX}:
        if broken := broken_graph_rule(files[name]):
            raise BundleError(f"{directory / name}: {broken}; export it again", Refused.GRAPH)


def _json(directory: Path, content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (RecursionError, ValueError) as error:
        raise BundleError(
            f"{directory / MANIFEST}: not JSON ({error}); pack the bundle again", Refused.MANIFEST
        ) from error
    known = tuple(FILES)
    if not isinstance(fields, dict) or fields.get("format") not in known:
        raise BundleError(
            f"{directory / MANIFEST}: not of format {' or '.join(map(str, known))}; use the barocast that "
            "packed it",
            Refused.MANIFEST,
        )
    return fields


def _manifest(directory: Path, fields: dict[str, Any], bundle_format: int) -> Manifest:
    try:
        manifest = from_fields(fields)
        broken = broken_rule(manifest) or _broken_format(manifest, bundle_format)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise BundleError(
            f"{directory / MANIFEST}: {error}; use the barocast that packed it", Refused.MANIFEST
        ) from error
    if broken:
        raise BundleError(
            f"{directory / MANIFEST}: {broken}; use the barocast that packed it", Refused.MANIFEST
        )
    return manifest


def _broken_format(manifest: Manifest, bundle_format: int) -> str | None:
    if bool(manifest.memory) == (bundle_format == TWO_GRAPHS):
        return None
    return f"memory must be {'none' if manifest.memory else 'some'} in format {bundle_format}"


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
