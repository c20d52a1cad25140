"""Whether a log is as it was written: every row in its place, and nothing signed that is not there.

    edited              a row's record or hash was changed, or rows were rewritten after they were signed
    deleted             a row is missing from the middle, or from the beginning without a `pruned` row
    reordered           a row stands in another's place
    truncated           the newest signed row is not there
    added               rows came after the log was closed in order
    unsigned            rows that are older than LONGEST_UNSIGNED_S at the end, and nobody signed them
    foreign signature   signed by another key than this box's
    damage              the log itself says so: something was amiss when it was opened again
    damaged             SQLite cannot read the file

What it cannot tell: rows of the last minute that were cut off together with a power cut, and a whole folder
put back to an older state, keys and all; for that, note somewhere else what a verdict says.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.reading import opened, read_head, rows, said, seals
from barocast.plugin.audit.row import DAMAGE, GENESIS, Row, canonical, chained
from barocast.plugin.audit.seal import Purpose, Seal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LONGEST_UNSIGNED_S: Final = 60.0
"""Seconds (SEC-04)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, at the first row where it shows."""

    sequence: int
    kind: str
    """One of the words above."""
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a log holds, and whether it is sound."""

    first: int
    """Sequence of the oldest row; 0 where there is none."""
    last: int
    signed_to: int
    """Sequence of the newest signed row."""
    head: bytes
    """Hash of the newest row."""
    finding: Finding | None
    """None: sound."""


@dataclass(slots=True)
class _Walk:
    """What was seen of the chain so far."""

    first: int = 0
    last: int = 0
    head: bytes = GENESIS
    loose: tuple[Row, Row] | None = None
    """The first and the last of the rows behind the newest seal."""


def verify(folder: Path, public: bytes) -> Verdict:
    """Check the log in `folder` against its signer's public key (32 bytes). Raises InputError."""
    walk, signed_to = _Walk(), 0
    try:
        with opened(folder) as db:
            outside = read_head(folder)
            kept = [*seals(db), *([outside] if outside else [])]
            newest = max(kept, key=_age, default=None)
            signed_to = newest.sequence if newest else 0
            found = [*_foreign(kept, public), *_begin(db, walk, public), *_chain(db, kept, signed_to, walk)]
            found += _end(walk, newest, headless=outside is None)
    except (sqlite3.Error, OverflowError) as error:
        found = [Finding(walk.last + 1, "damaged", f"{error}; the file cannot be read from here on")]
    first = min(found, key=lambda each: each.sequence, default=None)
    return Verdict(walk.first, walk.last, signed_to, walk.head, first)


def _age(seal: Seal) -> tuple[int, bool]:
    return seal.sequence, seal.purpose is Purpose.CLOSED


def _foreign(kept: Iterable[Seal], public: bytes) -> list[Finding]:
    text = "signed by another key than this log's"
    return [Finding(seal.sequence, "foreign signature", text) for seal in kept if not seal.by(public)]


def _begin(db: sqlite3.Connection, walk: _Walk, public: bytes) -> list[Finding]:
    """Go to the first row that is there; check that what is missing before it was pruned."""
    first = next(rows(db), None)
    if first is None:
        return []
    walk.first, walk.last = first.sequence, first.sequence - 1
    if first.sequence == 1:
        return []
    seal = _checkpoint(db, walk.last)
    if seal is None:
        return [Finding(1, "deleted", f"rows 1 to {walk.last} are gone, and no row says pruned")]
    walk.head = seal.hash
    return _foreign([seal], public)


def _checkpoint(db: sqlite3.Connection, up_to: int) -> Seal | None:
    """Find the row that says that the rows up to this one were pruned."""
    for told in map(said, rows(db)):
        if told.get("kind") == "pruned":
            try:
                body = told["body"]
                head, signature = bytes.fromhex(body["hash"]), bytes.fromhex(body["signature"])
            except (KeyError, TypeError, ValueError):
                continue
            if body.get("up_to") == up_to:
                return Seal(Purpose.PRUNED, up_to, head, signature)
    return None


def _chain(db: sqlite3.Connection, kept: list[Seal], signed_to: int, walk: _Walk) -> list[Finding]:
    """Follow the chain to its first break, if there is one; and what it says of itself until there."""
    signed = {seal.sequence: seal.hash for seal in kept}
    noted: list[Finding] = []
    for row in rows(db):
        place = walk.last + 1
        if row.sequence > place:
            return [*noted, Finding(place, "deleted", f"rows {place} to {row.sequence - 1} are gone")]
        if wrong := _wrong(row, walk.head, signed.get(row.sequence, row.hash)):
            return [*noted, wrong]
        walk.last, walk.head = row.sequence, row.hash
        if row.sequence > signed_to:
            walk.loose = (walk.loose[0] if walk.loose else row, row)
        noted += filter(None, [_noted(row)])
    return noted


def _wrong(row: Row, before: bytes, signed: bytes) -> Finding | None:
    own = said(row).get("sequence")
    if own != row.sequence and isinstance(own, int):
        return Finding(row.sequence, "reordered", f"row {own} stands in place of row {row.sequence}")
    if chained(before, row.record) != row.hash:
        return Finding(row.sequence, "edited", "it does not fit the chain")
    if row.hash != signed:
        return Finding(row.sequence, "edited", "rows up to this one were rewritten after they were signed")
    return None


def _noted(row: Row) -> Finding | None:
    told = said(row)
    return Finding(row.sequence, DAMAGE, canonical(told.get("body"))) if told.get("kind") == DAMAGE else None


def _end(walk: _Walk, newest: Seal | None, *, headless: bool) -> list[Finding]:
    """Check that the log ends where it was left."""
    after = walk.last + 1
    if newest is not None and newest.sequence > walk.last:
        return [Finding(after, "truncated", f"row {newest.sequence} was signed, and is not there")]
    if headless:
        return [Finding(after, "truncated", "the signed head outside the table is gone")]
    if walk.loose is None:
        return []
    if newest is not None and newest.purpose is Purpose.CLOSED:
        return [Finding(newest.sequence + 1, "added", "the log had been closed before it")]
    if _span_s(walk.loose) > LONGEST_UNSIGNED_S:
        return [Finding(walk.loose[0].sequence, "unsigned", "nobody signed it within a minute")]
    return []


def _span_s(loose: tuple[Row, Row]) -> float:
    """Seconds from the first to the last; infinite over two boots, for each begins by signing."""
    begun, ended = (said(row) for row in loose)
    if begun.get("boot_id") != ended.get("boot_id"):
        return math.inf
    try:
        return float(ended["t_s"]) - float(begun["t_s"])
    except (KeyError, TypeError, ValueError):
        return math.inf
