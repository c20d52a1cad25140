"""A row of the audit log, and the chain through all of them.

    record   canonical JSON (keys sorted, no spaces, ASCII) of {"bed", "body", "boot_id", "bundle",
             "bundle_sha256", "clock", "kind", "limits", "sequence", "t_s", "wall"}
    hash     SHA-256(hash of the row before || record); the first row's "before" is 32 zero bytes

The record is stored as the text that was hashed: whoever checks the chain, in whatever language, hashes
bytes and formats no number. `body` is what happened: an alarm's transition (events.LogRow), or a note's
fields.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from barocast.plugin.audit.clock_state import Moment

ALARM: Final = "alarm"
"""Kind of a row that holds an alarm's transition or an operator's act; other kinds are notes."""
DAMAGE: Final = "damage"
"""Kind of a row that tells what was not as the log had been left, when it was opened."""
GENESIS: Final = bytes(32)
"""What stands before the first row."""
LONGEST_RECORD: Final = 1 << 16
"""Bytes; a row says one thing. A longer body is cut, so that no note can fill the disk."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every row of a log says of where it comes from. Nothing in it identifies a person."""

    bed: str
    """[bed] name."""
    bundle: str
    """The model's id."""
    bundle_sha256: str = ""
    """Hex, of the bundle's manifest: which names every other file by its own hash."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """The alarm's limits in force, by name: risk on and off, MAP (mmHg), horizon (min)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written down; it gets its number and its hash on the way to the disk."""

    kind: str
    body: Mapping[str, Any]
    moment: Moment


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored."""

    sequence: int
    """From 1, without gaps."""
    record: str
    hash: bytes
    """32 bytes."""


def make_row(entry: Entry, provenance: Provenance, sequence: int, before: bytes) -> Row:
    """Give an entry its place behind the row whose hash is `before`."""
    head = {**asdict(provenance), **asdict(entry.moment), "kind": entry.kind, "sequence": sequence}
    record = canonical({**head, "body": entry.body})
    if len(record) > LONGEST_RECORD:
        record = canonical({**head, "body": {"cut": canonical(entry.body)[: LONGEST_RECORD // 4]}})
    return Row(sequence, record, chained(before, record))


def chained(before: bytes, record: str) -> bytes:
    """Give a row's hash."""
    return sha256(before + record.encode()).digest()


def canonical(value: object) -> str:
    """Give the one JSON text of a value; never raises, for what is no JSON is said in words."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(entry) for entry in value]
    return str(value)
