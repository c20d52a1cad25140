"""Seeds of recorded files (.vital, .brec, CSV, WFDB): every packet, sample format and line end."""

from __future__ import annotations

import gzip
from struct import pack
from typing import Final

import numpy as np

from barocast.plugin.segment_file import Chunk, pack_chunk
from benchmarks.captures import captured
from benchmarks.fuzz_seed import Seed, sealed

REAL_BYTES: Final = 4000
"""Of a real file: its tracks and the first seconds of each."""


def vital() -> list[Seed]:
    """Give a file of every packet and sample format, packed and plain."""
    plain = _vital_file()
    real = captured("vital/parsevital_test_intellivue_demo1.vital")
    opened = [gzip.decompress(real)[:REAL_BYTES]] if real else []
    return [Seed(file, seal) for file in (plain, *opened) for seal in (_gzipped, bytes)]


def _gzipped(plain: bytes) -> bytes:
    return gzip.compress(plain, 1)


def _vital_file() -> bytes:
    """Give one packet of each kind and every sample format, with records of all."""
    parts = [_vital_packet(9, pack("<I", 5) + _text("Monitor") + _text("Bed") + _text("COM1"))]
    for number, (name, kind, form, dtype) in enumerate(_VITAL_TRACKS):
        head = pack("<HBB", number, kind, form) + _text(name) + _text("mmHg")
        parts.append(_vital_packet(0, head + pack("<ffIfddBI", 0, 200, 0, 125.0, 0.0625, -40.0, 0, 5)))
        samples = np.arange(90, 122).astype(dtype).tobytes() if dtype else _text("text")
        body = (
            pack("<I", 125) + samples if kind == 1 else samples[: np.dtype(dtype).itemsize if dtype else None]
        )
        parts += [_vital_packet(1, pack("<HdH", 10, 1.7e9 + t_s, number) + body) for t_s in range(3)]
    return b"VITA" + pack("<IH", 3, 10) + bytes(10) + b"".join([*parts, _vital_packet(6, b"\x05\x01")])


_FORMATS: Final = ("<f4", "<f8", "i1", "u1", "<i2", "<u2", "<i4", "<u4")
_VITAL_TRACKS: Final = (
    *(("ABP" if dtype == "<u2" else dtype, 1, form, dtype) for form, dtype in enumerate(_FORMATS, 1)),
    *((name, 2, 1, "<f4") for name in ("ABP_MEAN", "ART_MBP", "ABP_SYS", "HR", "BIS")),
    ("EVENT", 5, 1, ""),
)


def _vital_packet(kind: int, body: bytes) -> bytes:
    return pack("<BI", kind, len(body)) + body


def _text(value: str) -> bytes:
    return pack("<I", len(value)) + value.encode()


def brec() -> list[Seed]:
    """Give chunks of a recording, short, long and empty."""
    data = [b"\xc0\x11\x01", bytes(range(256)) * 8, pack_chunk(Chunk(0.5, 1.7e9, b"a chunk within a chunk"))]
    return sealed([b" ", *data], lambda piece: pack_chunk(Chunk(12.5, 1.7e9, piece)))


def csv() -> list[Seed]:
    """Give tables of numbers, of a wave, and with quotes."""
    rows = [f"{at},{70 + at % 9}.5,{'' if at % 4 else 64}" for at in range(60)]
    fast = [f"{at / 125:.3f},{90 + at % 30}" for at in range(300)]
    tables = [
        ["t_s,ABP_MEAN,HR", *rows],
        ["t_s,ABP_WAVE", *fast],
        ['"t_s","ABP_MEAN"', '"0","71"', "", "2,70"],
    ]
    return sealed([end.join([*table, ""]).encode() for table in tables for end in ("\n", "\r\n")])


def wfdb() -> list[Seed]:
    """Give a header and its signal file, a zero between them, in every sample format."""
    return sealed([_wfdb_case(form) for form in (16, 24, 32, 80, 212)])


def _wfdb_case(form: int) -> bytes:
    lines = ["# a case", "case 2 125.5/1(0) 1000 10:00:00 01/02/2003"]
    lines += [
        f"case.dat {form}x2:3+24 16(800)/mmHg 12 0 -7 0 0 ABP",
        f"case.dat {form}:3+24 1/% 8 5 0 0 0 SpO2",
    ]
    return "\n".join([*lines, "\0"]).encode() + bytes(range(256)) * 12
