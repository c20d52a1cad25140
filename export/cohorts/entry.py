"""A case as a source lists it, before anybody has heard it: whose it is, and where its events come from.

A Recording is small enough to be sent to another process or machine, or holds its values. Its `events` may
raise InputError (this case is bad: it is rejected by name) or Unreachable (none can be had: the build stops).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.domain import Event, Patient


class Unreachable(InputError):  # noqa: N818 - the house's errors are named for what is so (BundleError apart)
    """A source that does not answer: no fault of the case, so nothing may be rejected for it."""


class Recording(Protocol):
    """What was measured."""

    @property
    def identity(self) -> list[object]:
        """JSON values that change when the content does; a finished case is reused by them."""

    def events(self) -> Iterator[list[Event]]:
        """Give batches of events in order of time, canonical channels in canonical units."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    case_id: str
    subject_id: str
    """Two cases of one patient carry the same."""
    patient: Patient
    recording: Recording
    part: str = ""
    """Folder or data set within the source, for figures that are told apart by it."""
    map_source: str = ""
    """How the MAP was made; empty: found out by hearing it."""
    surgery_start_s: float = np.nan
    """On the clock that `starts_on` names."""
    anaesthesia_start_s: float = np.nan
    """Likewise."""
    starts_on: Literal["device clock", "recording"] = "device clock"
    """`recording`: seconds since its first value."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A case that is not in the built cohort."""

    case_id: str
    reason: str
    """What is wrong, and the mend."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a source has."""

    source: str
    """Hospital or database: subject ids of another source are other people."""
    entries: list[Entry]
    rejected: list[Rejected] = field(default_factory=list)
    """What can already be told without hearing it."""


def check(listing: Listing) -> None:
    """Refuse what no single case is to blame for. Raises InputError."""
    if not listing.entries:
        raise InputError(f"{listing.source}: no case to build from; check the folder and --only")
    seen: set[str] = set()
    for entry in listing.entries:
        if entry.case_id in seen:
            raise InputError(
                f"{listing.source}: case {entry.case_id!r} is there twice; give each operation its own id"
            )
        if entry.case_id in {"", ".", ".."} or set(entry.case_id) & set("/\\\0"):
            raise InputError(
                f"{listing.source}: case id {entry.case_id!r} cannot name a file; take another id"
            )
        seen.add(entry.case_id)
