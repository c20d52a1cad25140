"""Association control of the IntelliVue Data Export interface: session messages to values and back.

    first byte   0D request, 0E response, 0C refuse, 09 release, 0A released, 19 abort
    then         length indicator: one byte, or FF and u16 | that many bytes

Requests and responses nest BER constructs of indefinite length (tag 80 ... 00 00) around one block
of fixed layout, the user information, which holds the terms:

    protocol version, nomenclature, functional units, system type, startup mode   5 x u32
    options, supported profiles                                                   2 attribute lists
    profile 0001: revision, minimum poll period, MTU rx, MTU tx, bandwidth, options  6 x u32, list

Source: Philips IntelliVue Data Export Interface Programming Guide, "Association Control Protocol";
ITU-T X.225, X.226 and X.227 for the constructs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from barocast.runtime.decoders.intellivue_codes import TICKS_PER_S


class Act(IntEnum):
    """What an association message does; the value is its first byte."""

    REQUEST = 0x0D
    RESPONSE = 0x0E
    REFUSE = 0x0C
    RELEASE = 0x09
    RELEASED = 0x0A
    ABORT = 0x19


ACTS: Final = frozenset(int(act) for act in Act)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client asks for and a monitor grants."""

    min_poll_ticks: int = TICKS_PER_S // 2
    """Shortest time between polls, 1/8000 s: it sets the association time-out too."""
    mtu: int = 1000
    """Largest payload either way, bytes. A serial line carries at most 1000."""
    extensions: int = 0x8E000000
    """Numerics each second, waves, enumerations, numeric priority list."""

    @property
    def timeout_s(self) -> float:
        """Seconds of silence after which the monitor aborts."""
        period_s = self.min_poll_ticks / TICKS_PER_S
        if period_s < 3.3:  # noqa: PLR2004 - the guide's own three ranges
            return 10.0
        return 3 * period_s if period_s <= 43 else 130.0  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Association:
    """One association message."""

    act: Act
    terms: Terms | None = None
    """Of requests and responses; None where the others carry none."""


_WORDS: Final = Struct(">5I")
_PROFILE: Final = Struct(">6I")
_U16: Final = Struct(">H")
_LIST: Final = Struct(">HH")
_POLL_PROFILE: Final = 0x0001
_OBJECT_SUPPORT: Final = 0x0102
_POLL_EXTENSIONS: Final = 0xF001
_VERSION: Final = 0x80000000
_NOMENCLATURE: Final = 0x40000000
_PROFILE_OPTIONS: Final = 0x60000000
_NO_BANDWIDTH_LIMIT: Final = 0xFFFFFFFF
_MARK: Final = bytes.fromhex("be80 2880")
"""The construct around the user information."""
_INTRODUCERS: Final = (0x06, 0x02)  # object identifier, integer
_CONTENT: Final = 0x81

_OBJECTS: Final = ((0x21, 1), (6, 201), (9, 60), (5, 16), (0x2A, 1), (0x36, 1))
"""Object class and how many of it the client can take."""


def parse_association(payload: bytes) -> Association:
    """Read a session message.

    Raises struct.error, IndexError or ValueError on bytes that are none.
    """
    act = Act(payload[0])
    if act not in (Act.REQUEST, Act.RESPONSE):
        return Association(act)
    return Association(act, _terms(_user_information(payload)))


def _user_information(payload: bytes) -> bytes:
    at = payload.index(_MARK) + len(_MARK)
    while payload[at] in _INTRODUCERS:
        at += 2 + payload[at + 1]
    if payload[at] != _CONTENT:
        raise ValueError("no user information where it must stand")
    length, at = _ber_length(payload, at + 1)
    return payload[at : at + length]


def _ber_length(data: bytes, at: int) -> tuple[int, int]:
    """Read a BER length; give it and the place after it."""
    first = data[at]
    if first < 0x80:  # noqa: PLR2004 - the short form
        return first, at + 1
    stop = at + 1 + (first & 0x7F)
    return int.from_bytes(data[at + 1 : stop], "big"), stop


def _terms(info: bytes) -> Terms:
    at = _WORDS.size
    at += _LIST.size + _LIST.unpack_from(info, at)[1]  # options
    count, _ = _LIST.unpack_from(info, at)
    at += _LIST.size
    for _ in range(count):
        profile, length = _LIST.unpack_from(info, at)
        at += _LIST.size
        if profile == _POLL_PROFILE:
            return _poll_profile(info[at : at + length])
        at += length
    raise ValueError("no poll profile among the terms")


def _poll_profile(data: bytes) -> Terms:
    _, period, mtu_in, mtu_out, _, _ = _PROFILE.unpack_from(data)
    packages = data[_PROFILE.size + _LIST.size :]
    extensions = 0
    if len(packages) >= 8 and _LIST.unpack_from(packages)[0] == _POLL_EXTENSIONS:  # noqa: PLR2004 - head and one u32
        extensions = int.from_bytes(packages[4:8], "big")
    return Terms(period, min(mtu_in, mtu_out), extensions)


def build_association(message: Association) -> bytes:
    """Write a session message."""
    return _BUILDERS[message.act](message.terms or Terms())


def _attributes(*entries: tuple[int, bytes]) -> bytes:
    body = b"".join(_LIST.pack(key, len(value)) + value for key, value in entries)
    return _LIST.pack(len(entries), len(body)) + body


def _profile(terms: Terms) -> bytes:
    extensions = (_POLL_EXTENSIONS, terms.extensions.to_bytes(4, "big") + _attributes())
    words = (_VERSION, terms.min_poll_ticks, terms.mtu, terms.mtu, _NO_BANDWIDTH_LIMIT, _PROFILE_OPTIONS)
    return _PROFILE.pack(*words) + _attributes(extensions)


def _objects() -> bytes:
    body = b"".join(_LIST.pack(1, code) + number.to_bytes(4, "big") for code, number in _OBJECTS)
    return _LIST.pack(len(_OBJECTS), len(body)) + body


def _nested(tag: int, *content: bytes) -> bytes:
    """Write a BER construct of indefinite length."""
    return bytes((tag, 0x80)) + b"".join(content) + b"\0\0"


def _sized(tag: int, content: bytes) -> bytes:
    """Write a BER element with its length."""
    size = len(content)
    head = bytes((size,)) if size < 0x80 else b"\x82" + _U16.pack(size)  # noqa: PLR2004 - the short form
    return bytes((tag,)) + head + content


def _oid(last: int) -> bytes:
    """Give one of the interface's object identifiers, under 1.2.840.10004.1.0.0.0."""
    return bytes.fromhex("2a8648ce14 0201 000000") + bytes((last, 1))


_BASIC_ENCODING: Final = bytes.fromhex("5101")  # 2.1.1
_ACSE: Final = bytes.fromhex("52010001")  # 2.2.1.0.1
_ONE: Final = _sized(2, b"\1")
_TWO: Final = _sized(2, b"\2")
_NONE: Final = b"\0\0"
_SESSION: Final = bytes.fromhex("0508 130100 160102 8000 14020002")


def _indicated(act: Act, body: bytes) -> bytes:
    size = len(body)
    return bytes((act,)) + (bytes((size,)) if size < 0xFF else b"\xff" + _U16.pack(size)) + body  # noqa: PLR2004 - marks the long form


def _connecting(act: Act, content: bytes) -> bytes:
    user = _indicated(act, content)[1:]
    return _indicated(act, _SESSION + b"\xc1" + user)


def _request(terms: Terms) -> bytes:
    words = (_VERSION, _NOMENCLATURE, 0, 0x80000000, 0x20000000)
    profiles = _attributes((_POLL_PROFILE, _profile(terms)), (_OBJECT_SUPPORT, _objects()))
    info = _WORDS.pack(*words) + _attributes() + profiles
    syntaxes = _nested(
        0xA4,
        _nested(0x30, _ONE, _sized(6, _ACSE), _nested(0x30, _sized(6, _BASIC_ENCODING))),
        _nested(0x30, _TWO, _sized(6, _oid(1)), _nested(0x30, _sized(6, _oid(2)))),
    )
    external = _nested(0x28, _sized(6, _oid(1)), _TWO, _sized(_CONTENT, info))
    apdu = _nested(0x60, _nested(0xA1, _sized(6, _oid(3))), _nested(0xBE, external))
    return _connecting(Act.REQUEST, _presented(syntaxes, apdu))


def _response(terms: Terms) -> bytes:
    words = (_VERSION, _NOMENCLATURE, 0, 0x00800000, 0x80000000)
    info = _WORDS.pack(*words) + _attributes() + _attributes((_POLL_PROFILE, _profile(terms)))
    accepted = _sized(0x80, b"\0")
    results = _nested(
        0xA5,
        _nested(0x30, accepted, _sized(0x81, _BASIC_ENCODING)),
        _nested(0x30, accepted, _sized(0x81, _oid(2))),
    )
    verdict = _sized(0xA2, _sized(2, b"\0")) + _sized(0xA3, _sized(0xA1, _sized(2, b"\0")))
    external = _nested(0x28, _TWO, _sized(_CONTENT, info))
    apdu = _nested(0x61, _nested(0xA1, _sized(6, _oid(3))), verdict, _nested(0xBE, external))
    return _connecting(Act.RESPONSE, _presented(results, apdu))


def _presented(contexts: bytes, apdu: bytes) -> bytes:
    """Wrap an association control APDU for the presentation layer."""
    mode = _nested(0xA0, _sized(0x80, b"\1"))
    inner = _nested(0xA2, _sized(0xA0, b"\0\0\1"), contexts, _carried(apdu))
    return _nested(0x31, mode, inner)


def _carried(apdu: bytes) -> bytes:
    return _nested(0x61, _nested(0x30, _ONE, _nested(0xA0, apdu)))


def _refuse(_: Terms) -> bytes:
    return _indicated(Act.REFUSE, bytes.fromhex("320100"))


def _releasing(act: Act, tag: int) -> bytes:
    apdu = _nested(tag, _sized(0x80, b"\0"))
    return _indicated(act, b"\xc1" + _indicated(act, _carried(apdu))[1:])


def _release(_: Terms) -> bytes:
    return _releasing(Act.RELEASE, 0x62)


def _released(_: Terms) -> bytes:
    return _releasing(Act.RELEASED, 0x63)


def _abort(_: Terms) -> bytes:
    syntax = _nested(0xA0, _nested(0x30, _ONE, _sized(6, _BASIC_ENCODING)))
    user = _nested(0xA0, syntax, _carried(_nested(0x64, _sized(0x80, b"\1"))))
    return _indicated(Act.ABORT, bytes.fromhex("110103 c1") + _indicated(Act.ABORT, user)[1:])


_BUILDERS: Final = {
    Act.REQUEST: _request,
    Act.RESPONSE: _response,
    Act.REFUSE: _refuse,
    Act.RELEASE: _release,
    Act.RELEASED: _released,
    Act.ABORT: _abort,
}
