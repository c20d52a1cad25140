"""Messages of the IntelliVue Data Export interface: payloads to frozen values and back.

    payload   E1 00 00 02 | ro_type u16 | length u16 | ro      (other first bytes: association control)
    ro        invoke 1, result 2: invoke_id u16 | command u16 | length u16 | object 6 B | argument
              linked result 5:    state u8 | count u8 before it; state 1 first, 2 middle, 3 last
              error 3:            invoke_id u16 | error u16 | length u16
    event     time u32 | type u16 | length u16 | information
    action    scope u32 | type u16 | length u16 | argument          (a result has no scope)
    poll      number u16 | partition u16 | class u16 | group u16    (extended: | attribute list)
    polled    number u16 | [sequence u16, extended] | relative time u32 | absolute time 8 B
              | partition u16 | class u16 | group u16
              | contexts: context u16, count u16, length u16, observations: handle u16, attribute list
    lists     count u16 | length u16 | items;  an attribute is id u16 | length u16 | value

In: one payload, serial or UDP alike. Out: one value; `Unreadable` when a length does not fit, never
an exception. No length needs a cap of its own: each must end inside the payload, and that is at most
mib.MAX_PAYLOAD (or a datagram) long. Parts of a linked result hold whole observations, so each is
read by itself.

Source: Philips IntelliVue Data Export Interface Programming Guide, "Protocol Commands".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_association import (
    ACTS,
    Association,
    build_association,
    parse_association,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ObjectId: TypeAlias = "tuple[int, int, int]"
"""Class, context, handle."""
THE_MDS: Final[ObjectId] = (codes.MDS, 0, 0)


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


@dataclass(frozen=True, slots=True)
class Observation:
    """One object's attributes in a poll result."""

    context: int
    handle: int
    attributes: dict[int, bytes]


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

_DATA: Final = bytes.fromhex("e1000002")
_HEADS: Final = (_DATA, bytes.fromhex("00000100"))
"""Of an association's data, and of a connect indication, which needs none."""
_INVOKE, _RESULT, _ERROR, _LINKED = 1, 2, 3, 5
_EVENT, _CONFIRMED_EVENT, _CONFIRMED_SET, _CONFIRMED_ACTION = 0, 1, 5, 7
LAST_LINK: Final = 3
_PARTITION: Final = 1
_REPLACE: Final = 0

_RO: Final = Struct(">4sHH")
_LINK: Final = Struct(">BB")
_COMMAND: Final = Struct(">HHH")
_OBJECT: Final = Struct(">HHH")
_EVENT_HEAD: Final = Struct(">IHH")
_ACTION: Final = Struct(">HH")
_POLL: Final = Struct(">HHHH")
_POLLED_HEAD: Final = Struct(">HHI8xHHH")
_POLLED_ONCE_HEAD: Final = Struct(">HI8xHHH")
_CONTEXT: Final = Struct(">HHH")
_U16: Final = Struct(">H")
_U32: Final = Struct(">I")
_PAIR: Final = Struct(">HH")
_MODIFIER: Final = Struct(">HHH")
_NO_ABSOLUTE_TIME: Final = b"\xff" * 8


class _ContentError(ValueError):
    """Lengths that contradict each other; becomes an Unreadable."""


def parse(payload: bytes) -> Pdu:
    """Read one payload."""
    try:
        if payload and payload[0] in ACTS:
            return parse_association(payload)
        return _remote_operation(payload)
    except (struct.error, ValueError, IndexError):
        return Unreadable()


def _remote_operation(payload: bytes) -> Pdu:
    head, ro_type, length = _RO.unpack_from(payload)
    if head not in _HEADS or length != len(payload) - _RO.size:
        raise _ContentError
    at = _RO.size
    link = None
    if ro_type == _LINKED:
        link = _LINK.unpack_from(payload, at)
        at += _LINK.size
    invoke_id, command, length = _COMMAND.unpack_from(payload, at)
    at += _COMMAND.size
    if ro_type == _ERROR:
        return Failure(invoke_id, command)
    if at + length != len(payload):
        raise _ContentError
    read = _READERS.get((_RESULT if link else ro_type, command))
    return read(payload, at, invoke_id, link) if read else Other(ro_type, command)


_Link: TypeAlias = "tuple[int, int] | None"


def attributes_at(data: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Read an attribute list; give it and the place after it.

    Raises struct.error or ValueError where it does not fit.
    """
    count, length = _PAIR.unpack_from(data, at)
    at += 4
    stop = at + length
    found = {}
    for _ in range(count):
        key, size = _PAIR.unpack_from(data, at)
        at += 4
        found[key] = data[at : at + size]
        at += size
    if at != stop or stop > len(data):
        raise _ContentError
    return found, stop


def attribute_list(attributes: Mapping[int, bytes]) -> bytes:
    """Write an attribute list."""
    body = b"".join(_PAIR.pack(key, len(value)) + value for key, value in attributes.items())
    return _PAIR.pack(len(attributes), len(body)) + body


def _event_report(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    (command,) = _U16.unpack_from(data, _RO.size + 2)
    time, event, length = _EVENT_HEAD.unpack_from(data, at + _OBJECT.size)
    at += _OBJECT.size + _EVENT_HEAD.size
    if at + length != len(data):
        raise _ContentError
    if event == codes.MDS_CREATE:
        at += _OBJECT.size
    attributes, _ = attributes_at(data, at)
    return EventReport(invoke_id, command == _CONFIRMED_EVENT, time, event, attributes)


def _event_reply(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    time, event, _ = _EVENT_HEAD.unpack_from(data, at + _OBJECT.size)
    return EventReply(invoke_id, time, event)


def _set_request(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    at += _OBJECT.size + 4  # scope
    count, _ = _PAIR.unpack_from(data, at)
    at += _PAIR.size
    attributes = {}
    for _ in range(count):
        _, key, size = _MODIFIER.unpack_from(data, at)
        at += _MODIFIER.size
        attributes[key] = data[at : at + size]
        at += size
    if at != len(data):
        raise _ContentError
    return SetRequest(invoke_id, attributes)


def _set_result(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    return SetResult(invoke_id, attributes_at(data, at + _OBJECT.size)[0])


def _poll_request(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    at += _OBJECT.size + 4  # scope
    action, _ = _ACTION.unpack_from(data, at)
    at += _ACTION.size
    if action not in (codes.POLL, codes.EXTENDED_POLL):
        return Other(_INVOKE, _CONFIRMED_ACTION)
    number, _, object_class, group = _POLL.unpack_from(data, at)
    duration = None
    if action == codes.EXTENDED_POLL:
        attributes, _ = attributes_at(data, at + _POLL.size)
        if value := attributes.get(codes.POLL_DURATION):
            (duration,) = _U32.unpack(value)
    return PollRequest(invoke_id, number, object_class, group, action == codes.EXTENDED_POLL, duration)


def _poll_result(data: bytes, at: int, invoke_id: int, link: _Link) -> Pdu:
    action, _ = _ACTION.unpack_from(data, at + _OBJECT.size)
    at += _OBJECT.size + _ACTION.size
    if action == codes.EXTENDED_POLL:
        number, sequence, time, _, object_class, group = _POLLED_HEAD.unpack_from(data, at)
        at += _POLLED_HEAD.size
    elif action == codes.POLL:
        number, time, _, object_class, group = _POLLED_ONCE_HEAD.unpack_from(data, at)
        sequence, at = None, at + _POLLED_ONCE_HEAD.size
    else:
        return Other(_RESULT, _CONFIRMED_ACTION)
    observations = _observations(data, at)
    return PollResult(invoke_id, number, sequence, time, object_class, group, observations, link)


def _observations(data: bytes, at: int) -> tuple[Observation, ...]:
    contexts, length = _PAIR.unpack_from(data, at)
    at += _PAIR.size
    stop = at + length
    found = []
    for _ in range(contexts):
        context, count, _ = _CONTEXT.unpack_from(data, at)
        at += _CONTEXT.size
        for _ in range(count):
            (handle,) = _U16.unpack_from(data, at)
            attributes, at = attributes_at(data, at + 2)
            found.append(Observation(context, handle, attributes))
    if at != stop or stop != len(data):
        raise _ContentError
    return tuple(found)


_READERS: Final[dict[tuple[int, int], Callable[[bytes, int, int, _Link], Pdu]]] = {
    (_INVOKE, _EVENT): _event_report,
    (_INVOKE, _CONFIRMED_EVENT): _event_report,
    (_RESULT, _CONFIRMED_EVENT): _event_reply,
    (_INVOKE, _CONFIRMED_SET): _set_request,
    (_RESULT, _CONFIRMED_SET): _set_result,
    (_INVOKE, _CONFIRMED_ACTION): _poll_request,
    (_RESULT, _CONFIRMED_ACTION): _poll_result,
}


def build(pdu: Pdu) -> bytes:
    """Write one payload. `parse(build(pdu)) == pdu` for every kind but Other and Unreadable.

    Raises TypeError for these two.
    """
    if isinstance(pdu, Association):
        return build_association(pdu)
    if type(pdu) not in _WRITERS:
        raise TypeError(f"no layout for {type(pdu).__name__}")
    ro_type, body = _WRITERS[type(pdu)](pdu)
    return _RO.pack(_DATA, ro_type, len(body)) + body


def _command(invoke_id: int, command: int, argument: bytes) -> bytes:
    body = _OBJECT.pack(*THE_MDS) + argument
    return _COMMAND.pack(invoke_id, command, len(body)) + body


def _write_event(pdu: EventReport) -> tuple[int, bytes]:
    info = attribute_list(pdu.attributes)
    if pdu.event == codes.MDS_CREATE:
        info = _OBJECT.pack(*THE_MDS) + info
    argument = _EVENT_HEAD.pack(pdu.time_ticks, pdu.event, len(info)) + info
    return _INVOKE, _command(pdu.invoke_id, _CONFIRMED_EVENT if pdu.confirmed else _EVENT, argument)


def _write_reply(pdu: EventReply) -> tuple[int, bytes]:
    return _RESULT, _command(pdu.invoke_id, _CONFIRMED_EVENT, _EVENT_HEAD.pack(pdu.time_ticks, pdu.event, 0))


def _write_set(pdu: SetRequest) -> tuple[int, bytes]:
    items = (_MODIFIER.pack(_REPLACE, key, len(value)) + value for key, value in pdu.attributes.items())
    body = b"".join(items)
    argument = _U32.pack(0) + _PAIR.pack(len(pdu.attributes), len(body)) + body
    return _INVOKE, _command(pdu.invoke_id, _CONFIRMED_SET, argument)


def _write_set_result(pdu: SetResult) -> tuple[int, bytes]:
    return _RESULT, _command(pdu.invoke_id, _CONFIRMED_SET, attribute_list(pdu.attributes))


def _write_poll(pdu: PollRequest) -> tuple[int, bytes]:
    body = _POLL.pack(pdu.number, _PARTITION, pdu.object_class, pdu.group)
    if pdu.extended:
        duration = {} if pdu.duration_ticks is None else {codes.POLL_DURATION: _U32.pack(pdu.duration_ticks)}
        body += attribute_list(duration)
    action = codes.EXTENDED_POLL if pdu.extended else codes.POLL
    argument = _U32.pack(0) + _ACTION.pack(action, len(body)) + body
    return _INVOKE, _command(pdu.invoke_id, _CONFIRMED_ACTION, argument)


def _write_polled(pdu: PollResult) -> tuple[int, bytes]:
    head = _U16.pack(pdu.number) if pdu.sequence is None else _PAIR.pack(pdu.number, pdu.sequence)
    head += _U32.pack(pdu.time_ticks) + _NO_ABSOLUTE_TIME
    head += _MODIFIER.pack(_PARTITION, pdu.object_class, pdu.group)
    body = head + _contexts(pdu.observations)
    action = codes.POLL if pdu.sequence is None else codes.EXTENDED_POLL
    command = _command(pdu.invoke_id, _CONFIRMED_ACTION, _ACTION.pack(action, len(body)) + body)
    return (_LINKED, _LINK.pack(*pdu.link) + command) if pdu.link else (_RESULT, command)


def _contexts(observations: tuple[Observation, ...]) -> bytes:
    groups: dict[int, list[bytes]] = {}
    for seen in observations:
        item = _U16.pack(seen.handle) + attribute_list(seen.attributes)
        groups.setdefault(seen.context, []).append(item)
    parts = []
    for context, items in groups.items():
        body = b"".join(items)
        parts.append(_CONTEXT.pack(context, len(items), len(body)) + body)
    body = b"".join(parts)
    return _PAIR.pack(len(parts), len(body)) + body


def _write_failure(pdu: Failure) -> tuple[int, bytes]:
    return _ERROR, _COMMAND.pack(pdu.invoke_id, pdu.error, 0)


_WRITERS: Final[dict[type, Callable[[Any], tuple[int, bytes]]]] = {
    EventReport: _write_event,
    EventReply: _write_reply,
    SetRequest: _write_set,
    SetResult: _write_set_result,
    PollRequest: _write_poll,
    PollResult: _write_polled,
    Failure: _write_failure,
}
