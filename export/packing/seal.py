"""A bundle's files and manifest -> the bundle on disk, signed and accepted by the bedside's own engine.

What is refused there is never put in its place: the folder that stood there before stands there still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.export.whole_folder import whole_folder
from barocast.runtime.bundle import read_bundle, sign, write_manifest
from barocast.runtime.bundle_files import SIZE_CAPS
from barocast.runtime.engines import OrtEngine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from barocast.runtime.manifest import Manifest


def seal(out: Path, contents: Mapping[str, bytes], manifest: Manifest, key_pem: bytes) -> str:
    """Write, sign and try; give the public key. Raises BundleError, and SettingsError for key or disk."""
    with whole_folder(out, SIZE_CAPS) as draft:
        for name, content in contents.items():
            (draft / name).write_bytes(content)
        write_manifest(draft, manifest)
        public_key = sign(draft, key_pem)
        OrtEngine(read_bundle(draft, [public_key]))
    return public_key.hex()
