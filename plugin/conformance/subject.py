"""What is examined: a feed, its bench, a recording of it, and the seed that every trial comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from barocast.plugin.conformance.bench import GROUP
from barocast.plugin.conformance.cable import Cable
from barocast.plugin.conformance.reading import READ_BYTES, by_size, guarded, read
from barocast.plugin.conformance.recording import MAX_RECORDING, read_recording
from barocast.plugin.conformance.verdict import DriverRaised, NotShown

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.plugin.conformance.bench import Bench, Monitor
    from barocast.plugin.conformance.reading import Reading
    from barocast.plugin.feeds import Feed

RECORD_S: Final = 60.0
"""Seconds of the virtual monitor that stand for a recording."""
STRETCH: Final = 24 << 10
"""Bytes for checks that decode them many times."""
MIN_FRAMES: Final = 4
"""A stretch with fewer is made longer: there must be frames before and after the damage."""
MAX_STRETCH: Final = 10 * STRETCH


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece from the start of the recording that ends with a frame."""

    data: bytes
    frames: tuple[int, ...]
    """Byte offsets at which a frame was known to be complete, in order."""

    def middle(self, at: int) -> int:
        """Give an offset inside a frame: half way to boundary number `at` from the one before."""
        at %= len(self.frames)
        begin = self.frames[at - 1] if at else 0
        return begin + (self.frames[at] - begin) // 2


@dataclass(frozen=True, slots=True)
class Subject:
    """One examination."""

    feed: Feed
    bench: Bench
    recording: bytes
    """Empty when there is none."""
    source: str
    """Where the recording comes from, or why there is none."""
    seed: int

    def recorded(self) -> bytes:
        """Give the recording. Raises NotShown without one."""
        if not self.recording:
            raise NotShown(self.source)
        return self.recording

    def stretch(self) -> Stretch:
        """Give whole frames from the start of the recording. Raises NotShown when it has none."""
        data = self.recorded()
        frames = _frames(self.feed, data[:STRETCH])
        if len(frames) < MIN_FRAMES:
            frames = _frames(self.feed, data[:MAX_STRETCH])
        if not frames:
            raise NotShown("fed one by one, the recording's bytes give no sound frame; see `byte by byte`")
        return Stretch(data[: frames[-1]], frames)

    def monitor(self) -> Monitor:
        """Give a virtual monitor that was just switched on. Raises NotShown without one."""
        if self.bench.monitor is None:
            raise NotShown(f"no virtual monitor; offer one as an entry point of the group {GROUP}")
        return self.bench.monitor()

    def cable(self) -> Cable:
        """Give a fresh session on a line to a fresh monitor. Raises NotShown without both."""
        if self.feed.session is None:
            raise NotShown("the feed has no session")
        monitor = self.monitor()
        return Cable(guarded(self.feed.session, "making the session"), monitor)

    def settled(self) -> Cable:
        """Give a line on which values have come for a while. Raises NotShown when none do."""
        cable = self.cable()
        cable.run(self.settle_s)
        if not cable.usable():
            raise NotShown(f"no usable value within {self.settle_s:g} s; see `connects`")
        return cable

    @property
    def settle_s(self) -> float:
        """Seconds that a feed needs to show how it runs."""
        return max(30.0, 2 * self.feed.stale_s)

    @property
    def datagrams(self) -> bool:
        """Whether the session hears datagrams, one at a time."""
        return "udp" in self.feed.schemes


def _frames(feed: Feed, data: bytes) -> tuple[int, ...]:
    """Give the offsets, byte by byte, at which the decoder counts another frame; of a lone one the end."""
    decoder = feed.decoder()
    ends: list[int] = []
    frames = 0
    for at in range(len(data)):
        guarded(partial(decoder.feed, data[at : at + 1]), f"byte {at}", "byte by byte")
        if decoder.counts.frames > frames:
            frames = decoder.counts.frames
            ends.append(at + 1)
    if not ends and guarded(decoder.close, "close()") and decoder.counts.frames:
        return (len(data),)
    return tuple(ends)


@lru_cache(maxsize=1)
def whole(subject: Subject) -> Reading:
    """Read the recording as a whole; the checks that ask look at one and the same reading."""
    return read(subject.feed, by_size(subject.recorded(), READ_BYTES), "whole")


def make_subject(feed: Feed, bench: Bench, seed: int, path: Path | None = None) -> Subject:
    """Gather what there is; a recording of a person's goes before one made on the spot. Raises InputError."""
    if path is not None:
        data = read_recording(path, feed)
        whole = "" if len(data) < MAX_RECORDING else f", the first {MAX_RECORDING >> 20} MiB"
        return Subject(feed, bench, data, f"{path}{whole}", seed)
    try:
        data, source = _made(feed, bench)
    except DriverRaised as raised:
        data, source = b"", f"no recording: {raised}, {raised.place}"
    return Subject(feed, bench, data[:MAX_RECORDING], source, seed)


def _made(feed: Feed, bench: Bench) -> tuple[bytes, str]:
    """Give a recording made on the spot, and what it is; without one, why."""
    if bench.recording is not None:
        return guarded(bench.recording, "making the recording"), "written on the spot"
    if bench.monitor is None or feed.session is None:
        return b"", f"no recording; give one with --recording, or a virtual monitor in the group {GROUP}"
    cable = Cable(guarded(feed.session, "making the session"), bench.monitor())
    cable.run(RECORD_S)
    return b"".join(piece for _, piece in cable.said), f"{RECORD_S:g} s of its virtual monitor"
