"""HL7 side by side: the same messages through Barocast, `hl7` and `hl7apy`, in one run.

A part of `feeds`, which stays on one core meanwhile. The text says what each reader does; the libraries get
less to do.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import hl7
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from barocast.plugin.virtual.hl7 import WAVES, VirtualHl7
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.mllp import Block, MllpDeframer, wrap
from benchmarks.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    _Reader: TypeAlias = Callable[[Sequence[Any]], int]

SPOKEN_S: Final = 200.0
"""Seconds of a virtual gateway's day, a message each."""
ROUNDS: Final = 15
"""The best of these counts: what else runs on the machine only ever slows down."""
ROUND_S: Final = 0.2
"""Length of a round: a slow library gets fewer messages."""
UNIT: Final = 6
"""OBX-6."""
TIME: Final = 14
"""OBX-14."""
HOSTILE: Final = wrap(rb"MSH|^~\&|A|B|||20260101||ORU^R01|1|P|2.6" + b"\r" + b"OBX||NM|1^^MDC||7\r" * 58_000)
"""One message of almost 1 MiB that is all tiny rows."""

TEXT: Final = """## HL7 against two packages

The best of {rounds} rounds, on messages of the virtual gateway; hl7 {hl7}, hl7apy {hl7apy}. `barocast` takes
the bytes as they come over TCP: it unframes, decodes, parses and gives events (number in the channel's unit,
plausibility, epoch seconds, scaled samples). `hl7` and `hl7apy` (tolerant, groups not looked for) parse text
that was unframed and decoded before; of each OBX they take code, number or numbers, unit and time as they
stand.

| messages | OBX | bytes | reader | messages/s | MB/s | barocast is faster by |
|---|---|---|---|---|---|---|
{rows}

One message of {size:.2f} MiB that is all tiny rows: {hostile_ms:.0f} ms.
"""


def measure() -> str:
    """Measure, and give the text."""
    rows = [*_rows("numerics", _said(())), *_rows("numerics and waves", _said(WAVES))]
    return TEXT.format(
        rounds=ROUNDS,
        hl7=version("hl7"),
        hl7apy=version("hl7apy"),
        rows="\n".join(rows),
        size=len(HOSTILE) / 2**20,
        hostile_ms=1000 * min(_timed(_with_barocast, [HOSTILE]) for _ in range(ROUNDS)),
    )


def _said(waves: Collection[str]) -> list[bytes]:
    """Give what a virtual gateway says, the first message apart: it has no wave yet."""
    gateway = VirtualHl7(SimulatedPatient(SCENARIOS["stable"], 1), waves=waves)
    found = MllpDeframer().feed(spoken("hl7", gateway, SPOKEN_S))
    return [block.payload for block in found if isinstance(block, Block)][1:]


def _rows(title: str, payloads: list[bytes]) -> list[str]:
    blocks, texts = [wrap(payload) for payload in payloads], [payload.decode() for payload in payloads]
    best = _race([(_with_barocast, blocks), (_with_hl7, texts), (_with_hl7apy, texts)])
    size, obx = len(blocks[0]), texts[0].count("OBX|")
    return [
        f"| {title} | {obx} | {size:,} | {name} | {1 / seconds:,.0f} | {size / seconds / 1e6:.2f} "
        f"| {seconds / best[0]:,.0f} |"
        for name, seconds in zip(("barocast", "hl7", "hl7apy"), best, strict=True)
    ]


def _race(readers: list[tuple[_Reader, Sequence[Any]]]) -> list[float]:
    """Give seconds a message of each reader's best round; they take turns, as the machine varies."""
    shares = []
    for read, messages in readers:
        once_s = _timed(read, messages[:2]) / 2
        shares.append((read, messages[: max(2, min(len(messages), int(ROUND_S / once_s)))]))
    rounds = [[_timed(read, some) / len(some) for read, some in shares] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def _timed(read: _Reader, messages: Sequence[Any]) -> float:
    began = time.perf_counter()
    read(messages)
    return time.perf_counter() - began


def _with_barocast(blocks: Sequence[bytes]) -> int:
    decoder = Hl7Decoder()
    return sum(len(decoder.feed(block)) for block in blocks)


def _with_hl7(texts: Sequence[str]) -> int:
    taken = []
    for text in texts:
        for row in hl7.parse(text).segments("OBX"):
            numbers = [float(part) for part in str(row[5]).split("^") if part]
            unit, told = (str(row[at]) if len(row) > at else "" for at in (UNIT, TIME))
            taken.append((str(row[3][0][0]), numbers, unit, told))
    return len(taken)


def _with_hl7apy(texts: Sequence[str]) -> int:
    taken = []
    for text in texts:
        message = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
        for row in message.children:
            if row.name == "OBX":
                numbers = [float(part) for part in row.obx_5.value.split("^") if part]
                taken.append((row.obx_3.obx_3_1.value, numbers, row.obx_6.value, row.obx_14.value))
    return len(taken)
