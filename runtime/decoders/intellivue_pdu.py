"""What the two ends of an IntelliVue association say to each other, as frozen values.

`intellivue_parser` reads them, `intellivue_builder` writes them, `intellivue_layout` draws their bytes.
Parts of a linked result hold whole observations, so each part is a PollResult by itself.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Protocol Commands".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.stored import stored

if TYPE_CHECKING:
    from barocast.runtime.decoders.intellivue_association import Association


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A payload whose lengths or contents contradict the layout."""

    reason: str = "content"


@dataclass(frozen=True, slots=True)
class Other:
    """A sound message of a kind that we have no use for."""

    ro_type: int
    command: int


@dataclass(frozen=True, slots=True)
class EventReport:
    """What the monitor tells unasked: MDS create, connect indication."""

    invoke_id: int
    confirmed: bool
    """The client must answer with an EventReply."""
    time_ticks: int
    event: int
    attributes: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class EventReply:
    """The client's confirmation of an event."""

    invoke_id: int
    time_ticks: int
    event: int


@dataclass(frozen=True, slots=True)
class SetRequest:
    """Replace attributes of the MDS: the priority lists."""

    invoke_id: int
    attributes: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class SetResult:
    """What the monitor made of them."""

    invoke_id: int
    attributes: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class PollRequest:
    """Ask for one class of objects, once or (extended) for `duration_ticks`."""

    invoke_id: int
    number: int
    object_class: int
    group: int = codes.GROUP_ALL
    extended: bool = True
    duration_ticks: int | None = None
    """1/8000 s; None on single polls, and on extended ones that ask for one result."""


@stored
@dataclass(frozen=True, slots=True)
class Observation:
    """One object's attributes in a poll result."""

    context: int
    handle: int
    attributes: dict[int, bytes]


@stored
@dataclass(frozen=True, slots=True)
class PollResult:
    """One poll result, or one part of a linked one."""

    invoke_id: int
    number: int
    sequence: int | None
    """Of extended polls; 0 is the first."""
    time_ticks: int
    """Relative time, 1/8000 s, 32 bits that wrap after 6.2 days."""
    object_class: int
    group: int
    observations: tuple[Observation, ...]
    link: tuple[int, int] | None = None
    """(state, count) of a linked result: state 1 first, 2 middle, 3 last."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The monitor's refusal of one request (ROER)."""

    invoke_id: int
    error: int
    """0 no such class, 1 no such instance, 2 access denied, 10 processing failure."""


Pdu: TypeAlias = (
    "Association | EventReport | EventReply | SetRequest | SetResult | PollRequest | PollResult "
    "| Failure | Other | Unreadable"
)
