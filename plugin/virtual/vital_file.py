"""A Vital Recorder file of a virtual patient, in the layout that runtime.decoders.vital_layout reads."""

from __future__ import annotations

import gzip
from struct import pack
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.decoders.vital_layout import DEVICE, NUMERIC, RECORD, TRACK, WAVE

if TYPE_CHECKING:
    from barocast.plugin.virtual.source import Source

STARTED_S: Final = 1_772_436_600.0
"""Seconds since 1970: 2 March 2026, 07:30 UTC."""
RATE_HZ: Final = 125.0
GAIN, OFFSET = 0.0625, -50.0
"""mmHg of a raw count, and of 0."""
NUMERICS: Final = ("ABP_MEAN", "ABP_SYS", "ABP_DIA", "HR")
_UNITS: Final = {"HR": "/min"}
_FLOAT, _UNSIGNED = 1, 6
_DEVICE_ID: Final = 5


def vital_file(source: Source, seconds: int) -> bytes:
    """Give a file of the arterial wave and some numerics, a record of each a second."""
    names = dict(enumerate(NUMERICS, 1))
    head = b"VITA" + pack("<IH", 3, 10) + bytes(10)
    device = _packet(DEVICE, pack("<I", _DEVICE_ID) + _text("Monitor") + _text("Virtual") + _text(""))
    tracks = [_track(number, name, NUMERIC, _FLOAT) for number, name in names.items()]
    tracks.append(_track(0, "ABP", WAVE, _UNSIGNED))
    records = [_wave(source, second) for second in range(seconds)]
    for second in range(seconds):
        shown = source.numerics(second)
        records[second] += b"".join(
            _record(number, second, pack("<f", shown[name])) for number, name in names.items()
        )
    return gzip.compress(head + device + b"".join(tracks) + b"".join(records), mtime=0)


def _wave(source: Source, second: int) -> bytes:
    n = round(RATE_HZ)
    raw = np.round((source.wave("ABP_WAVE", second, n, RATE_HZ) - OFFSET) / GAIN).astype("<u2")
    return _record(0, second, pack("<I", n) + raw.tobytes())


def _track(number: int, name: str, kind: int, form: int) -> bytes:
    rate, gain, offset = (RATE_HZ, GAIN, OFFSET) if kind == WAVE else (0.0, 1.0, 0.0)
    named = pack("<HBB", number, kind, form) + _text(name) + _text(_UNITS.get(name, "mmHg"))
    return _packet(TRACK, named + pack("<ffIfddBI", 0, 200, 0, rate, gain, offset, 0, _DEVICE_ID))


def _record(number: int, second: int, body: bytes) -> bytes:
    return _packet(RECORD, pack("<HdH", 10, STARTED_S + second, number) + body)


def _packet(kind: int, body: bytes) -> bytes:
    return pack("<BI", kind, len(body)) + body


def _text(text: str) -> bytes:
    return pack("<I", len(text)) + text.encode("ascii")
