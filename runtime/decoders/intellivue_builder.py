"""Messages of the IntelliVue Data Export interface to payloads. Layout: intellivue_layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_association import Association, build_association
from barocast.runtime.decoders.intellivue_layout import (
    ACTION,
    COMMAND,
    CONFIRMED_ACTION,
    CONFIRMED_EVENT,
    CONFIRMED_SET,
    CONTEXT,
    DATA,
    ERROR,
    EVENT,
    EVENT_HEAD,
    INVOKE,
    LINK,
    LINKED,
    MODIFIER,
    NO_ABSOLUTE_TIME,
    PAIR,
    PARTITION,
    POLL_HEAD,
    REPLACE,
    RESULT,
    RO,
    THE_MDS,
    U16,
    U32,
)
from barocast.runtime.decoders.intellivue_pdu import (
    EventReply,
    EventReport,
    Failure,
    Observation,
    PollRequest,
    PollResult,
    SetRequest,
    SetResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.runtime.decoders.intellivue_pdu import Pdu


def build(pdu: Pdu) -> bytes:
    """Write one payload. `parse(build(pdu)) == pdu` for every kind but Other and Unreadable.

    Raises TypeError for these two.
    """
    if isinstance(pdu, Association):
        return build_association(pdu)
    if type(pdu) not in _WRITERS:
        raise TypeError(f"no layout for {type(pdu).__name__}")
    ro_type, body = _WRITERS[type(pdu)](pdu)
    return RO.pack(DATA, ro_type, len(body)) + body


def attribute_list(attributes: Mapping[int, bytes]) -> bytes:
    """Write an attribute list."""
    body = b"".join(PAIR.pack(key, len(value)) + value for key, value in attributes.items())
    return PAIR.pack(len(attributes), len(body)) + body


def _command(invoke_id: int, command: int, argument: bytes) -> bytes:
    body = THE_MDS + argument
    return COMMAND.pack(invoke_id, command, len(body)) + body


def _write_event(pdu: EventReport) -> tuple[int, bytes]:
    info = attribute_list(pdu.attributes)
    if pdu.event == codes.MDS_CREATE:
        info = THE_MDS + info
    argument = EVENT_HEAD.pack(pdu.time_ticks, pdu.event, len(info)) + info
    return INVOKE, _command(pdu.invoke_id, CONFIRMED_EVENT if pdu.confirmed else EVENT, argument)


def _write_reply(pdu: EventReply) -> tuple[int, bytes]:
    return RESULT, _command(pdu.invoke_id, CONFIRMED_EVENT, EVENT_HEAD.pack(pdu.time_ticks, pdu.event, 0))


def _write_set(pdu: SetRequest) -> tuple[int, bytes]:
    items = (MODIFIER.pack(REPLACE, key, len(value)) + value for key, value in pdu.attributes.items())
    body = b"".join(items)
    argument = U32.pack(0) + PAIR.pack(len(pdu.attributes), len(body)) + body
    return INVOKE, _command(pdu.invoke_id, CONFIRMED_SET, argument)


def _write_set_result(pdu: SetResult) -> tuple[int, bytes]:
    return RESULT, _command(pdu.invoke_id, CONFIRMED_SET, attribute_list(pdu.attributes))


def _write_poll(pdu: PollRequest) -> tuple[int, bytes]:
    body = POLL_HEAD.pack(pdu.number, PARTITION, pdu.object_class, pdu.group)
    if pdu.extended:
        duration = {} if pdu.duration_ticks is None else {codes.POLL_DURATION: U32.pack(pdu.duration_ticks)}
        body += attribute_list(duration)
    action = codes.EXTENDED_POLL if pdu.extended else codes.POLL
    argument = U32.pack(0) + ACTION.pack(action, len(body)) + body
    return INVOKE, _command(pdu.invoke_id, CONFIRMED_ACTION, argument)


def _write_polled(pdu: PollResult) -> tuple[int, bytes]:
    head = U16.pack(pdu.number) if pdu.sequence is None else PAIR.pack(pdu.number, pdu.sequence)
    head += U32.pack(pdu.time_ticks) + NO_ABSOLUTE_TIME
    head += MODIFIER.pack(PARTITION, pdu.object_class, pdu.group)
    body = head + _contexts(pdu.observations)
    action = codes.POLL if pdu.sequence is None else codes.EXTENDED_POLL
    command = _command(pdu.invoke_id, CONFIRMED_ACTION, ACTION.pack(action, len(body)) + body)
    return (LINKED, LINK.pack(*pdu.link) + command) if pdu.link else (RESULT, command)


def _contexts(observations: tuple[Observation, ...]) -> bytes:
    groups: dict[int, list[bytes]] = {}
    for seen in observations:
        item = U16.pack(seen.handle) + attribute_list(seen.attributes)
        groups.setdefault(seen.context, []).append(item)
    parts = []
    for context, items in groups.items():
        body = b"".join(items)
        parts.append(CONTEXT.pack(context, len(items), len(body)) + body)
    body = b"".join(parts)
    return PAIR.pack(len(parts), len(body)) + body


def _write_failure(pdu: Failure) -> tuple[int, bytes]:
    return ERROR, COMMAND.pack(pdu.invoke_id, pdu.error, 0)


_WRITERS: Final[dict[type, Callable[[Any], tuple[int, bytes]]]] = {
    EventReport: _write_event,
    EventReply: _write_reply,
    SetRequest: _write_set,
    SetResult: _write_set_result,
    PollRequest: _write_poll,
    PollResult: _write_polled,
    Failure: _write_failure,
}
