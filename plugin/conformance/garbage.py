"""Garbage: whatever a line does to the bytes, no exception, back in step at once, counted, memory bounded."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.conformance.reading import at_random, by_size, guarded, read, told
from barocast.plugin.conformance.verdict import Check, NotShown, failed, passed
from barocast.runtime.domain import Corrupt, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.plugin.conformance.reading import Reading
    from barocast.plugin.conformance.subject import Stretch, Subject
    from barocast.plugin.conformance.verdict import Verdict
    from barocast.runtime.domain import Event

RUNS: Final = 100
"""Of random or damaged bytes, each with a seed of its own."""
RUN_BYTES: Final = 2048
HIT: Final = 0.01
"""Share of damaged bytes, in which a bit is turned."""
ROUNDS: Final = 6
"""Seeds of garbage around and inside frames."""
ALLOWED: Final = {"before": 1, "inside": 2, "after": 1}
"""Frames that garbage may cost: the one that it meets, and one to get back in step."""
NOISE_BYTES: Final = 1_000_000
MAX_KINDS: Final = 32
"""Words for corruption: a fixed few, so that the counts stay readable and small."""
ENDLESS_BYTES: Final = 7 << 18
"""More than the largest frame of any feed (HL7: 1 MiB), so that holding it all shows."""
MAX_HELD: Final = 5 << 18
"""Bytes that a decoder may hold: one largest frame, and the slack of a growing buffer."""
MAX_PEAK: Final = 32 << 20
"""Bytes that it may need for a moment on the way."""
PIECE: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class _Trial:
    """A stretch with something in it that does not belong."""

    name: str
    kind: str
    place: str
    at: int
    """Offset of the damage."""
    stream: bytes
    seed: int


def _any_bytes(subject: Subject) -> Verdict:
    for seed in range(subject.seed, subject.seed + RUNS):
        data = _damaged(subject, seed)
        read(subject.feed, at_random(data, seed), f"seed {seed}")
    return passed(
        f"{RUNS} runs of random bytes and damaged recording, seeds from {subject.seed}: no exception"
    )


def _damaged(subject: Subject, seed: int) -> bytes:
    """Give random bytes or, where there is a recording, a piece of it with turned bits."""
    random = np.random.default_rng(seed)
    if seed % 2 or not subject.recording:
        return random.bytes(RUN_BYTES)
    begin = int(random.integers(0, max(1, len(subject.recording) - RUN_BYTES)))
    return turned(subject.recording[begin : begin + RUN_BYTES], random)


def turned(data: bytes, random: np.random.Generator) -> bytes:
    """Give bytes with a bit turned in HIT of them."""
    octets = np.frombuffer(data, np.uint8).copy()
    hit = random.random(len(octets)) < HIT
    octets[hit] ^= np.uint8(1) << random.integers(0, 8, hit.sum()).astype(np.uint8)
    return octets.tobytes()


def _trials(subject: Subject, stretch: Stretch) -> Iterator[_Trial]:
    for seed in range(subject.seed, subject.seed + ROUNDS):
        random = np.random.default_rng(seed)
        middle = stretch.middle(
            int(random.integers(1, len(stretch.frames))) if len(stretch.frames) > 1 else 0
        )
        size = int(random.integers(16, 400))
        junk = {
            "random bytes": random.bytes(size),
            "zeros": bytes(size),
            "0xFF": b"\xff" * size,
            "half a frame": stretch.data[: stretch.middle(0)],
        }
        for place, at in (("before", 0), ("inside", middle), ("after", len(stretch.data))):
            for kind, bytes_ in junk.items():
                stream = stretch.data[:at] + bytes_ + stretch.data[at:]
                where = f"{len(bytes_)} bytes ({kind}) at byte {at}, seed {seed}"
                yield _Trial(where, kind, place, at, stream, seed)


def _in_step(subject: Subject) -> Verdict:
    stretch = subject.stretch()
    if subject.feed.session is None:
        return _kept(subject, stretch)
    clean = read(subject.feed, [stretch.data]).counts.frames
    most = 0
    for trial in _trials(subject, stretch):
        lost = clean - read(subject.feed, at_random(trial.stream, trial.seed), trial.name).counts.frames
        most = max(most, lost)
        if lost > ALLOWED[trial.place]:
            return failed(f"garbage {trial.place} the frames cost {lost} of {clean} frames", trial.name)
    return passed(f"garbage before, inside and after {clean} frames cost at most {most}")


def _kept(subject: Subject, stretch: Stretch) -> Verdict:
    """Judge a file: nobody speaks on after the damage, but what stands before it is safe."""
    for trial in _trials(subject, stretch):
        before = read(subject.feed, [stretch.data[: trial.at]], trial.name, close=False)
        damaged = read(subject.feed, at_random(trial.stream, trial.seed), trial.name)
        if list(map(told, damaged.events[: len(before.events)])) != list(map(told, before.events)):
            return failed("damage in a file costs events that stand before it", trial.name)
    return passed("damage in a file costs nothing that stands before it")


def _counted(subject: Subject) -> Verdict:
    """Judge what is told of random bytes: always before the first frame, and wherever a frame is lost.

    Inside a frame without a checksum damage may pass for content.
    """
    stretch = subject.stretch()
    clean = read(subject.feed, [stretch.data], "clean")
    for trial in _trials(subject, stretch):
        if trial.kind != "random bytes":
            continue
        damaged = read(subject.feed, at_random(trial.stream, trial.seed), trial.name)
        lost = trial.place == "before" or damaged.counts.frames < clean.counts.frames
        if lost and _corrupt(damaged) == _corrupt(clean):
            return failed("garbage was passed over without a Corrupt", trial.name)
    return passed("garbage before frames, and frames lost to it, are told as Corrupt and counted")


def _corrupt(reading: Reading) -> list[Event]:
    return [event for event in reading.events if isinstance(event, Corrupt)]


def _kinds(subject: Subject) -> Verdict:
    kinds: set[str] = set()
    for seed in range(subject.seed, subject.seed + RUNS):
        kinds |= read(subject.feed, [_damaged(subject, seed)], f"seed {seed}").counts.corrupt_by_reason.keys()
    said = ", ".join(f"`{kind}`" for kind in sorted(kinds)[:8]) or "none"
    if len(kinds) > MAX_KINDS:
        return failed(f"{len(kinds)} different reasons of Corrupt, such as {said}", f"{RUNS} damaged runs")
    return passed(f"{len(kinds)} reasons of Corrupt: {said}")


def _noise(subject: Subject) -> Verdict:
    random = np.random.default_rng(subject.seed).bytes(NOISE_BYTES)
    streams = {
        f"random bytes, seed {subject.seed}": random,
        "zeros": bytes(NOISE_BYTES),
        "0xFF": b"\xff" * NOISE_BYTES,
    }
    for name, stream in streams.items():
        reading = read(subject.feed, by_size(stream, PIECE), name)
        invented = [
            event for event in reading.events if isinstance(event, Sample) and event.valid and event.channel
        ]
        if invented:
            return failed(f"{len(invented)} valid values out of noise, first {invented[0].code}", name)
        if reading.counts.bytes != NOISE_BYTES:
            return failed(f"counts.bytes says {reading.counts.bytes} of {NOISE_BYTES}", name)
    return passed(f"{NOISE_BYTES:,} random bytes, zeros and 0xFF: no exception, no value out of nothing")


def _memory(subject: Subject) -> Verdict:
    most, worst = 0, "anything"
    fed = f"{ENDLESS_BYTES / 2**20:g} MiB without a frame's end"
    for name, head, filler in _endless(subject):
        held, peak = _traced(subject, name, head, filler)
        most, worst = max((most, worst), (held, name))
        if held > MAX_HELD or peak > MAX_PEAK:
            limits = f"limits are {MAX_HELD / 2**20:g} and {MAX_PEAK / 2**20:g} MiB"
            said = f"{held / 2**20:.1f} MiB held after {fed}, {peak / 2**20:.1f} MiB on the way; {limits}"
            return failed(said, name)
    return passed(f"at most {most:,} bytes held after {fed} ({worst})")


def _endless(subject: Subject) -> Iterator[tuple[str, bytes, bytes]]:
    """Give the starts of frames whose end never comes.

    A file has no line that goes on for ever, and half a packed file makes a thousand bytes of each filler's
    one: there, only random bytes come after half a frame.
    """
    random = np.random.default_rng(subject.seed).bytes(PIECE)
    half = b""
    if subject.recording:
        stretch = subject.stretch()
        half = stretch.data[: stretch.middle(-1)]
        yield "a frame's start, again and again", b"", (half[:64] * PIECE)[:PIECE]
    head = half if subject.feed.session is not None else b""
    yield f"half a frame, then random bytes, seed {subject.seed}", half, random
    yield "half a frame, then zeros", head, bytes(PIECE)
    yield "half a frame, then 0xFF", head, b"\xff" * PIECE
    yield "half a frame, then letters", head, b"A" * PIECE


def _traced(subject: Subject, name: str, head: bytes, filler: bytes) -> tuple[int, int]:
    """Give the bytes that a decoder holds after an endless frame, and the most that it held on the way."""
    decoder = subject.feed.decoder()
    guarded(lambda: decoder.feed(head), "the head", name)
    if tracemalloc.is_tracing():
        raise NotShown("memory is being traced already, by whoever runs this check")
    tracemalloc.start()
    try:
        for at in range(0, ENDLESS_BYTES, PIECE):
            guarded(lambda: decoder.feed(filler) and None, f"byte {len(head) + at}", name)
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


CHECKS: Final = (
    Check(
        "garbage",
        "any bytes",
        _any_bytes,
        "cap every length that is read, and turn what cannot be into Corrupt",
    ),
    Check("garbage", "in step", _in_step, "after a bad frame go on searching right behind its start mark"),
    Check("garbage", "counted", _counted, "give a Corrupt for each stretch that is passed over"),
    Check(
        "garbage",
        "kinds",
        _kinds,
        "name corruptions by a few fixed words; put figures into offset and length",
    ),
    Check("garbage", "noise", _noise, "check sums and plausibility before giving a value"),
    Check(
        "garbage",
        "memory",
        _memory,
        "cap an unfinished frame by a named constant, and give it up beyond that",
    ),
)
