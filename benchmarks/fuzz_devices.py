"""Seeds of BIS, MEDIBUS, Masimo and SDC devices: one of every kind of message that they send."""

from __future__ import annotations

import json
from binascii import crc32
from struct import pack, pack_into
from typing import Final

from barocast.runtime.decoders import bis_packet
from barocast.runtime.decoders.medibus_message import ANSWER, COMMAND, checksum
from benchmarks.captures import captured
from benchmarks.fuzz_seed import Seed, sealed


def bis() -> list[Seed]:
    """Give every message of a BIS monitor, and its answers."""
    real = captured("bis/mdrepo_bis_frames.bin")
    found = [each.payload for each in bis_packet.Deframer().feed(real) if isinstance(each, bis_packet.Packet)]
    bodies = [(kind, _trend(length, sensor)) for kind, length in _TRENDS for sensor in (21, 50, 82)]
    bodies += [
        (0x32, pack("<HH", 2, 32) + bytes(128)),
        (0x6F, b"\0" * 4),
        (0x70, b""),
    ]  # raw EEG and its requests
    bodies += [
        (0x73, b"\0"),
        (0x74, b""),
        (0x38, bytes(72)),
        (0x39, bytes(1024)),
    ]  # an event, a page of history
    payloads = [bis_packet.message(255, kind, body, seq=at) for at, (kind, body) in enumerate(bodies)]
    answers = [bis_packet.packet(kind, 7) for kind in (bis_packet.ACK, bis_packet.NAK)]
    return sealed([*payloads, *found], _packet) + sealed(answers)


_TRENDS: Final = ((0x34, 120), (0x34, 156), (0x35, 364), (0x35, 400))
"""Processed values without and with spectra, each without and with extras: (message id, bytes)."""


def _trend(length: int, sensor: int) -> bytes:
    body = bytearray(length)
    body[:4] = (10, 1, sensor, 1)
    for at in range(48, 120, 24):
        pack_into("<hhhhhh", body, at, 120, 1250, 0, 452, -32768, 451)
        pack_into("<hi", body, at + 14, 3660, 974)
    return bytes(body)


def _packet(payload: bytes) -> bytes:
    return bis_packet.packet(bis_packet.DATA, 7, payload[: bis_packet.MAX_PAYLOAD])


def medibus() -> list[Seed]:
    """Give every message of a MEDIBUS device, and its realtime bytes alone and woven into one."""
    said = [bytes((start, code)) + data for start, code, data in _MEDIBUS]
    groups = b"".join(bytes((0xD3, 0x80 | at & 0x3F, 0x81, 0xB0, 0xA3)) for at in range(64))
    many = bytes((0xD1, 0x85, 0x81, 0xC4, 0xC3, 0x86, 0x81, 0x87, 0x81, 0xC5, 0xC1, 0x88, 0x82, 0xCF, 0xC1))
    answered = bytes((ANSWER,)) + b"$E6 38 D6 12 78 5.0"
    woven = answered[:5] + groups[:5] + answered[5:] + checksum(answered) + groups[5:10] + b"\r"
    return sealed(said, _summed) + sealed([groups, many, woven])


_TRACES: Final = b"06   16000-  20  100460" + b"00   16000-  10  100370" + b"02   10000    0    1FFF"
_MEDIBUS: Final = (
    *((COMMAND, code, b"") for code in (0x30, 0x51, 0x52, 0x55, 0x56, 0x28, 0x24, 0x53)),
    (COMMAND, 0x49, b"07:30:0002-MAI-26"),
    *((ANSWER, code, b"") for code in (0x15, 0x30, 0x51, 0x54, 0x55, 0x56)),
    (ANSWER, 0x52, b"0161'Evita 4'02.10:06.00"),
    (ANSWER, 0x28, b"07:30:0002-OKT-26"),
    (ANSWER, 0x24, b"E6 38 D6 12 78 5.0CD  71D2 118C8  55EB  98E1  70DC  7105----73 9.9C336.6"),
    (ANSWER, 0x2B, b"13  4514  3615  9516   017  12"),
    *((ANSWER, code, b"78 3.0E6  30CD  60") for code in (0x25, 0x26, 0x2C)),  # limits
    *((ANSWER, code, b"\x3b\x45\x36AIRWAY PRES ?\x4d\x30APNEA VENT. ") for code in (0x27, 0x2E)),  # alarms
    (ANSWER, 0x29, b"0121.0 04  500"),  # settings
    (ANSWER, 0x2A, b"02\x33MMV\x04\x31D"),  # text
    (ANSWER, 0x53, _TRACES),
)
"""(start, code, data) of every kind of message that the definition names."""


def _summed(body: bytes) -> bytes:
    return body + checksum(body) + b"\r"


def masimo() -> list[Seed]:
    """Give the lines of three oximeters, with and without a patient."""
    stamp = b"03/19/16 13:37:12 SN=0000093112 "
    lines = (
        stamp + b"SPO2=098% BPM=064 DESAT=-- PIDELTA=+-- ALARM=0000 EXC=000000",
        stamp + b"SPO2=---% BPM=--- DESAT=-- # PIDELTA=+-- ALARM=0000 EXC=000001",
        stamp + b"SPO2=091% BPM=131 PI=11.82% SPCO=02.0% SPMET=01.1% DESAT=01 PIDELTA=-02 PVI=027 "
        b"ALARM=0004 EXC=600C2F",
        b"SPO2=098 HR=064",
        b"SPO2=--- HR=---",
    )
    return sealed([*lines, captured("masimo/rad8_ascii1_sensor_off.txt")], lambda line: line + b"\r\n")


def sdc() -> list[Seed]:
    """Give a description, reports of every kind of state, and a loss."""
    lines = [json.dumps(fields, separators=(",", ":")).encode() for fields in _SDC]
    return sealed(lines, lambda line: b"%08x %b\n" % (crc32(line), line))


_METRICS: Final = (
    ("150039", "line", "266016", {}),
    ("150023", "cuff", "265987", {}),
    ("147842", "ecg", "264928", {}),
    ("150036", "line", "266016", {"period_s": 0.008}),
    ("150452", "probe", "262656", {"period_s": 0.01}),
)
_KIND: Final = {"device": "mds", "category": "Msrmt", "derivation": ""}
_LOW: Final = {"device": "mds", "code": "196670", "text": "ABP low", "kind": "Phy"}
_STATE: Final = {"t": 1_790_000_000.25, "validity": "Vld", "mode": "Real", "activation": "On"}
_STATES: Final = (
    {"value": 71.5},
    {"value": 12, "validity": "Calib"},
    {"activation": "Off"},
    {"value": 90, "mode": "Demo"},
)
_WAVE: Final = {"values": [80.0 + at % 40 for at in range(32)], "marks": [{"at": 3, "code": "196660"}]}
_SDC: Final = (
    {
        "is": "mdib",
        "devices": [{"handle": "mds", "mode": "Nml"}],
        "metrics": [
            _KIND | {"handle": code, "place": place, "code": code, "unit": unit} | wave
            for code, place, unit, wave in _METRICS
        ],
        "conditions": [_LOW | {"handle": "low", "priority": "Hi"}],
        "signals": [{"handle": "low.lamp", "condition": "low"}],
    },
    *(
        {"is": "report", "metrics": [_STATE | state | {"handle": code} for code in ("150039", "150023")]}
        for state in _STATES
    ),
    {"is": "report", "waves": [_STATE | _WAVE | {"handle": "150036"}]},
    {"is": "report", "alerts": [_STATE | {"handle": "low", "present": True, "priority": "Hi"}]},
    {"is": "report", "alerts": [{"handle": "low.lamp", "presence": "Latch"}]},
    {"is": "report", "devices": [{"handle": "mds", "mode": "Dmo"}]},
    {"is": "lost", "why": "overrun", "count": 3},
)
