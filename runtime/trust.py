"""Which bundle makers are believed: the pinned public keys and those that a site adds, less what was revoked.

    trusted_keys.json   {"name": "64 hex digits"}     Ed25519 public keys; a site's own file has the same form
    revoked.json        ["64 hex digits"]             such keys, or SHA-256 of manifests, believed no longer

Both lie beside this file; a site may name its own. Raises SettingsError when a file is not that.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Final

from barocast.runtime.errors import SettingsError

PINNED: Final = "trusted_keys.json"
REVOKED: Final = "revoked.json"
KEY_BYTES: Final = 32
"""An Ed25519 public key (RFC 8032)."""


def trusted_keys(extra: Path | None = None) -> dict[str, bytes]:
    """Give name -> raw public key: the pinned ones, then those of the site's own file."""
    pinned = _read(Path(str(files("barocast.runtime") / PINNED)))
    return pinned | (_read(extra) if extra else {})


def revoked(extra: Path | None = None) -> frozenset[bytes]:
    """Give what is believed no longer: the pinned list, and the site's own."""
    pinned = _read_revoked(Path(str(files("barocast.runtime") / REVOKED)))
    return pinned | (_read_revoked(extra) if extra else frozenset())


def write_keys(path: Path, keys: dict[str, bytes]) -> None:
    """Write a file of trusted keys."""
    text = json.dumps({name: key.hex() for name, key in sorted(keys.items())}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _read_revoked(path: Path) -> frozenset[bytes]:
    try:
        found = frozenset(bytes.fromhex(digits) for digits in json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); name a list of revoked keys"
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SettingsError(f'{path}: not of the form ["64 hex digits"] ({error})') from error
    if any(len(value) != KEY_BYTES for value in found):
        raise SettingsError(f"{path}: an entry has not {KEY_BYTES} bytes; copy it again")
    return found


def _read(path: Path) -> dict[str, bytes]:
    try:
        keys = {name: bytes.fromhex(key) for name, key in json.loads(path.read_text("utf-8")).items()}
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); name a file of trusted keys"
        ) from error
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise SettingsError(f'{path}: not of the form {{"name": "64 hex digits"}} ({error})') from error
    wrong = [name for name, key in keys.items() if len(key) != KEY_BYTES]
    if wrong:
        raise SettingsError(f"{path}: the key {wrong[0]!r} has not {KEY_BYTES} bytes; copy it again")
    return keys
