"""How an IntelliVue payload is laid out: what its parser and its builder share. All big-endian.

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

Source: Philips IntelliVue Data Export Interface Programming Guide, "Protocol Commands".
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from barocast.runtime.decoders.intellivue_codes import MDS

DATA: Final = bytes.fromhex("e1000002")
HEADS: Final = (DATA, bytes.fromhex("00000100"))
"""Of an association's data, and of a connect indication, which needs none."""
# Remote operation types
INVOKE: Final = 1
RESULT: Final = 2
ERROR: Final = 3
LINKED: Final = 5

# Commands
EVENT: Final = 0
CONFIRMED_EVENT: Final = 1
CONFIRMED_SET: Final = 5
CONFIRMED_ACTION: Final = 7

LAST_LINK: Final = 3
PARTITION: Final = 1
REPLACE: Final = 0

RO: Final = Struct(">4sHH")
LINK: Final = Struct(">BB")
COMMAND: Final = Struct(">HHH")
OBJECT_ID: Final = Struct(">HHH")
EVENT_HEAD: Final = Struct(">IHH")
ACTION: Final = Struct(">HH")
POLL_HEAD: Final = Struct(">HHHH")
RESULT_HEAD: Final = Struct(">6xHH")
"""Of an action's result: object, then action and length."""
POLLED_HEAD: Final = Struct(">HHI8xHHH")
POLLED_ONCE_HEAD: Final = Struct(">HI8xHHH")
CONTEXT: Final = Struct(">HHH")
OBSERVATION: Final = Struct(">HHH")
"""Handle, then count and length of its attributes."""
U16: Final = Struct(">H")
U32: Final = Struct(">I")
PAIR: Final = Struct(">HH")
MODIFIER: Final = Struct(">HHH")
NO_ABSOLUTE_TIME: Final = b"\xff" * 8
THE_MDS: Final = OBJECT_ID.pack(MDS, 0, 0)
"""The object that every request and event is about: class, context, handle."""
