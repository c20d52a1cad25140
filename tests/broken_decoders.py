"""Decoders that break one rule each, and the check that is there for it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from toy_driver import Decoder

from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, Reason, WaveChunk


class Raising(Decoder):
    def line(self, raw):
        raw.decode("ascii")
        return super().line(raw)


class LosingTheTail(Decoder):
    def feed(self, data):
        events = super().feed(data)
        self.at, self.held = self.at + len(self.held), b""
        return events


class TellingByPieces(Decoder):
    def feed(self, data):
        extra = [] if b"\n" in data else self.tally.gave([Corrupt(self.at, len(data), "no line yet")])
        return extra + super().feed(data)


class Impatient(Decoder):
    """Gives up a line that comes in more than 40 pieces, as one does who counts calls."""

    calls = 0

    def feed(self, data):
        self.calls = 0 if b"\n" in data else self.calls + 1
        self.held = b"" if self.calls > 10 else self.held
        return super().feed(data)


class Skipping(Decoder):
    def line(self, raw):
        return [event for event in super().line(raw) if not isinstance(event, Corrupt)]


class Sulking(Decoder):
    """After a bad line it waits for a blank one."""

    sulks = False

    def line(self, raw):
        events = super().line(raw)
        self.sulks = (self.sulks or isinstance(events[0], Corrupt)) and raw != b"\n"
        return [Corrupt(self.at, len(raw), "out of step")] if self.sulks else events

    @property
    def counts(self):
        counts = super().counts
        return replace(counts, frames=counts.samples)


class Believing(Decoder):
    def line(self, raw):
        self.tally.framed()
        return self.sample(float(self.counts.frames), 80.0)


class Hoarding(Decoder):
    def ended(self):
        return self.held.find(b"\n") + 1


class Chatty(Decoder):
    def line(self, raw):
        events = super().line(raw)
        return [replace(one, reason=repr(raw)) if isinstance(one, Corrupt) else one for one in events]


class Silent(Decoder):
    def close(self):
        return []


class Sharing(Decoder):
    held = b""

    def __init__(self):
        self.tally, self.at = Tally(), 0

    def feed(self, data):
        Sharing.held += data
        lines = Sharing.held.split(b"\n")
        Sharing.held = lines.pop()
        self.tally.took(data)
        return self.tally.gave([event for line in lines for event in self.line(line + b"\n")])


class Miscounting(Decoder):
    @property
    def counts(self):
        return replace(super().counts, bytes=0)


class Forgetting(Decoder):
    """Counts the last piece only."""

    def feed(self, data):
        self.tally = Tally()
        return super().feed(data)


class OneLedger(Decoder):
    """Hands out the very dict that it counts in."""

    def __init__(self):
        super().__init__()
        self.by_reason = {}

    def feed(self, data):
        events = super().feed(data)
        self.by_reason.update(super().counts.corrupt_by_reason)
        return events

    @property
    def counts(self):
        return replace(super().counts, corrupt_by_reason=self.by_reason)


class Endless(Decoder):
    def feed(self, data):
        while True:
            pass


def doing(act):
    """A decoder that does something else beside."""

    class Busy(Decoder):
        def sample(self, t_s, mean):
            act()
            return super().sample(t_s, mean)

    return Busy


def giving(**changes):
    """A decoder whose samples are changed."""

    class Changed(Decoder):
        def sample(self, t_s, mean):
            return [replace(one, **changes) for one in super().sample(t_s, mean)]

    return Changed


class Backwards(Decoder):
    def sample(self, t_s, mean):
        return super().sample(1000 - t_s, mean)


class Listed(Decoder):
    def sample(self, t_s, mean):
        return [WaveChunk("ABP_WAVE", "ABP", t_s, 2.0, [mean, mean], "mmHg")]


class Wild(Decoder):
    def sample(self, t_s, mean):
        return [WaveChunk("ABP_WAVE", "ABP", t_s, 2.0, np.array([mean, math.inf]), "mmHg")]


class Renamed(Decoder):
    def sample(self, t_s, mean):
        return [("ABP_MEAN", mean)]


DECODERS = [
    ("garbage/any bytes", Raising),
    ("replay/trailing bytes", LosingTheTail),
    ("replay/byte by byte", TellingByPieces),
    ("replay/byte by byte", Impatient),
    ("replay/chunks", TellingByPieces),
    ("garbage/counted", Skipping),
    ("garbage/in step", Sulking),
    ("garbage/noise", Believing),
    ("garbage/memory", Hoarding),
    ("garbage/kinds", Chatty),
    ("replay/close", Silent),
    ("interface/independent", Sharing),
    ("replay/counts", Miscounting),
    ("interface/counts grow", Forgetting),
    ("events/reasons", giving(value=math.nan)),
    ("events/reasons", giving(valid=False)),
    ("events/reasons", giving(reason=Reason.RANGE)),
    ("events/reasons", Wild),
    ("events/plausible", giving(value=700.0)),
    ("events/nouns", giving(unit="kPa")),
    ("events/nouns", giving(channel="MAP")),
    ("events/nouns", giving(channel="ABP_WAVE")),
    ("events/nouns", Renamed),
    ("replay/decodes", giving(channel=None)),
    ("events/times", Backwards),
    ("events/times", giving(t_s=12.0)),
    ("events/times", giving(t_s=math.nan)),
    ("events/waves", Listed),
]
