"""A signed statement that a row of the log has a certain hash, by the key that this box keeps for it.

    running   the head of a log that goes on: signed at least once a minute while rows come
    closed    the head of a log that was closed in order; only an `opened` row may follow it
    pruned    the last row that was deleted for its age; the chain begins behind it

The statement that is signed (Ed25519, RFC 8032) is ASCII text: "barocast audit PURPOSE SEQUENCE HASHHEX". The
purpose is in it, so that no signature can be passed off for another.

The private key lies beside the log, readable by its owner only. So a seal shows what was changed by somebody
who can write the folder but not read the key, and by whoever changed a copy; against the box's own
administrator it helps only where the public key and a head were noted elsewhere before.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

if TYPE_CHECKING:
    from pathlib import Path

KEYS: Final = "keys"
PRIVATE: Final = "device.key"
PUBLIC: Final = "device.pub"
KEY_BYTES: Final = 32
"""Of either half (RFC 8032)."""


class Purpose(str, Enum):
    """What a seal says of its row."""

    RUNNING = "running"
    CLOSED = "closed"
    PRUNED = "pruned"

    def __str__(self) -> str:
        """Print the word that is signed, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class Seal:
    """A signed head."""

    purpose: Purpose
    sequence: int
    hash: bytes
    signature: bytes
    """64 bytes."""

    def by(self, public: bytes) -> bool:
        """Whether the owner of this public key has signed it."""
        try:
            key = Ed25519PublicKey.from_public_bytes(public)
            key.verify(self.signature, _statement(self.purpose, self.sequence, self.hash))
        except (InvalidSignature, ValueError):
            return False
        return True


def _statement(purpose: Purpose, sequence: int, head: bytes) -> bytes:
    return f"barocast audit {purpose} {sequence} {head.hex()}".encode()


class DeviceKey:
    """The box's own key for its log."""

    def __init__(self, private: bytes) -> None:
        """Take the 32 bytes of an Ed25519 private key. Raises ValueError for any other number of them."""
        self._private = Ed25519PrivateKey.from_private_bytes(private)

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def seal(self, purpose: Purpose, sequence: int, head: bytes) -> Seal:
        """Sign that row `sequence` has the hash `head`."""
        return Seal(purpose, sequence, head, self._private.sign(_statement(purpose, sequence, head)))


def device_key(folder: Path) -> DeviceKey:
    """Read the key of the log in `folder`, or make it. Raises OSError, also for a file that holds none."""
    path = folder / KEYS / PRIVATE
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, Ed25519PrivateKey.generate().private_bytes_raw().hex().encode())
    try:
        key = DeviceKey(bytes.fromhex(path.read_text("ascii")))
    except ValueError as error:
        raise OSError(0, "holds no key; move it away, and a new one is made", str(path)) from error
    if not (public := path.with_name(PUBLIC)).exists():
        write_whole(public, key.public.hex().encode())
    return key


def public_key(folder: Path) -> bytes:
    """Read the public half. Raises OSError, and ValueError for a file that holds none."""
    key = bytes.fromhex((folder / KEYS / PUBLIC).read_text("ascii"))
    if len(key) != KEY_BYTES:
        raise ValueError(f"has {len(key)} bytes, not {KEY_BYTES}")
    return key


def write_whole(path: Path, data: bytes) -> None:
    """Put a small file in place, its owner's only; after a power cut the old or the new one is there."""
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(handle, data) != len(data):
            raise OSError(28, "No space left on device", str(path))
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
