"""Payloads of the IntelliVue Data Export interface to messages.

In: one payload, serial or UDP alike. Out: one value of intellivue_pdu; `Unreadable` when lengths
contradict each other, never an exception. No length needs a cap of its own: each must end inside the
payload, and that is at most mib.MAX_PAYLOAD (or a datagram) long. Layout: intellivue_layout.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, TypeAlias

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_association import ACTS, parse_association
from barocast.runtime.decoders.intellivue_layout import (
    ACTION,
    COMMAND,
    CONFIRMED_ACTION,
    CONFIRMED_EVENT,
    CONFIRMED_SET,
    CONTEXT,
    ERROR,
    EVENT,
    EVENT_HEAD,
    HEADS,
    INVOKE,
    LINK,
    LINKED,
    MODIFIER,
    OBJECT_ID,
    OBSERVATION,
    PAIR,
    POLL_HEAD,
    POLLED_HEAD,
    POLLED_ONCE_HEAD,
    RESULT,
    RESULT_HEAD,
    RO,
    U16,
    U32,
)
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    Failure,
    Observation,
    Other,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
    Unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.decoders.intellivue_pdu import Pdu


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
    head, ro_type, length = RO.unpack_from(payload)
    if head not in HEADS or length != len(payload) - RO.size:
        raise _ContentError
    at = RO.size
    link = None
    if ro_type == LINKED:
        link = LINK.unpack_from(payload, at)
        at += LINK.size
    invoke_id, command, length = COMMAND.unpack_from(payload, at)
    at += COMMAND.size
    if ro_type == ERROR:
        return Failure(invoke_id, command)
    if at + length != len(payload):
        raise _ContentError
    read = _READERS.get((RESULT if link else ro_type, command))
    return read(payload, at, invoke_id, link) if read else Other(ro_type, command)


_Link: TypeAlias = "tuple[int, int] | None"


def attributes_at(data: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Read an attribute list; give it and the place after it.

    Raises struct.error or ValueError where it does not fit.
    """
    count, length = PAIR.unpack_from(data, at)
    return _attributes(data, at + PAIR.size, count, length)


def _attributes(data: bytes, at: int, count: int, length: int) -> tuple[dict[int, bytes], int]:
    pair = PAIR.unpack_from
    stop = at + length
    found = {}
    for _ in range(count):
        key, size = pair(data, at)
        start = at + 4
        at = start + size
        found[key] = data[start:at]
    if at != stop or stop > len(data):
        raise _ContentError
    return found, stop


def _event_report(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    (command,) = U16.unpack_from(data, RO.size + 2)
    time, event, length = EVENT_HEAD.unpack_from(data, at + OBJECT_ID.size)
    at += OBJECT_ID.size + EVENT_HEAD.size
    if at + length != len(data):
        raise _ContentError
    if event == codes.MDS_CREATE:
        at += OBJECT_ID.size
    attributes, _ = attributes_at(data, at)
    return EventReport(invoke_id, command == CONFIRMED_EVENT, time, event, attributes)


def _event_reply(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    time, event, _ = EVENT_HEAD.unpack_from(data, at + OBJECT_ID.size)
    return EventReply(invoke_id, time, event)


def _set_request(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    at += OBJECT_ID.size + 4  # scope
    count, _ = PAIR.unpack_from(data, at)
    at += PAIR.size
    attributes = {}
    for _ in range(count):
        _, key, size = MODIFIER.unpack_from(data, at)
        at += MODIFIER.size
        attributes[key] = data[at : at + size]
        at += size
    if at != len(data):
        raise _ContentError
    return SetRequest(invoke_id, attributes)


def _set_result(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    return SetResult(invoke_id, attributes_at(data, at + OBJECT_ID.size)[0])


def _poll_request(data: bytes, at: int, invoke_id: int, _link: _Link) -> Pdu:
    at += OBJECT_ID.size + 4  # scope
    action, _ = ACTION.unpack_from(data, at)
    at += ACTION.size
    if action not in (codes.POLL, codes.EXTENDED_POLL):
        return Other(INVOKE, CONFIRMED_ACTION)
    number, _, object_class, group = POLL_HEAD.unpack_from(data, at)
    duration = None
    if action == codes.EXTENDED_POLL:
        attributes, _ = attributes_at(data, at + POLL_HEAD.size)
        if value := attributes.get(codes.POLL_DURATION):
            (duration,) = U32.unpack(value)
    return PollRequest(invoke_id, number, object_class, group, action == codes.EXTENDED_POLL, duration)


def _poll_result(data: bytes, at: int, invoke_id: int, link: _Link) -> Pdu:
    action, _ = RESULT_HEAD.unpack_from(data, at)
    at += RESULT_HEAD.size
    if action == codes.EXTENDED_POLL:
        number, sequence, time, _, object_class, group = POLLED_HEAD.unpack_from(data, at)
        at += POLLED_HEAD.size
    elif action == codes.POLL:
        number, time, _, object_class, group = POLLED_ONCE_HEAD.unpack_from(data, at)
        sequence, at = None, at + POLLED_ONCE_HEAD.size
    else:
        return Other(RESULT, CONFIRMED_ACTION)
    observations = _observations(data, at)
    return PollResult(invoke_id, number, sequence, time, object_class, group, observations, link)


def _observations(data: bytes, at: int) -> tuple[Observation, ...]:
    contexts, length = PAIR.unpack_from(data, at)
    at += PAIR.size
    stop = at + length
    found = []
    for _ in range(contexts):
        context, count, _ = CONTEXT.unpack_from(data, at)
        at += CONTEXT.size
        for _ in range(count):
            handle, size, length = OBSERVATION.unpack_from(data, at)
            attributes, at = _attributes(data, at + OBSERVATION.size, size, length)
            found.append(Observation(context, handle, attributes))
    if at != stop or stop != len(data):
        raise _ContentError
    return tuple(found)


_READERS: Final[dict[tuple[int, int], Callable[[bytes, int, int, _Link], Pdu]]] = {
    (INVOKE, EVENT): _event_report,
    (INVOKE, CONFIRMED_EVENT): _event_report,
    (RESULT, CONFIRMED_EVENT): _event_reply,
    (INVOKE, CONFIRMED_SET): _set_request,
    (RESULT, CONFIRMED_SET): _set_result,
    (INVOKE, CONFIRMED_ACTION): _poll_request,
    (RESULT, CONFIRMED_ACTION): _poll_result,
}
