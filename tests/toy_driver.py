"""A sound driver: lines such as `00012 082*XX`, seconds and mean pressure, after `go`."""

from __future__ import annotations

import math
from functools import reduce

from barocast.plugin.feeds import Feed
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, Sample

MAX_LINE = 32
SILENCE_S = 4.0


def checksum(text: bytes) -> bytes:
    return b"%02X" % reduce(int.__xor__, text, 0)


class Decoder:
    def __init__(self):
        self.tally, self.held, self.at = Tally(), b"", 0

    @property
    def counts(self):
        return self.tally.counts

    def feed(self, data):
        self.tally.took(data)
        self.held += data
        events = []
        while length := self.ended():
            events += self.line(self.held[:length])
            self.held, self.at = self.held[length:], self.at + length
        return self.tally.gave(events)

    def ended(self):
        end = self.held.find(b"\n", 0, MAX_LINE) + 1
        return end or (MAX_LINE if len(self.held) >= MAX_LINE else 0)

    def close(self):
        left, self.held = len(self.held), b""
        return self.tally.gave([Corrupt(self.at, left, "cut short")] if left else [])

    def line(self, raw):
        text, _, told = raw[:-1].partition(b"*")
        if checksum(text) != told or raw[-1:] != b"\n" or len(text) != len(b"00012 082"):
            return [Corrupt(self.at, len(raw), "line")]
        self.tally.framed()
        second, _, mean = text.partition(b" ")
        return self.sample(float(second), float(mean))

    def sample(self, t_s, mean):
        return [Sample("ABP_MEAN", "MEAN", t_s, mean, "mmHg")]


class Session:
    decoder_class = Decoder

    def __init__(self):
        self.decoder, self.status, self.ask_at_s = self.decoder_class(), "connecting", -math.inf

    @property
    def counts(self):
        return self.decoder.counts

    def receive(self, data, now_s):
        sound = self.counts.frames
        events = self.decoder.feed(data)
        if self.counts.frames > sound and self.status != "released":
            self.status, self.ask_at_s = "receiving", now_s + SILENCE_S
        return events, b""

    def due(self, now_s):
        if self.status == "released" or now_s < self.ask_at_s:
            return b""
        if self.status == "receiving":
            self.status = "silent"
        self.ask_at_s = now_s + SILENCE_S
        return b"go\n"

    def release(self):
        self.status = "released"
        return b"stop\n"


class Monitor:
    """Prints a line a second once it is told to."""

    patience_s = math.inf
    """Of a host that says nothing."""

    def __init__(self):
        self.running, self.second, self.heard_s = False, 0, 0.0

    def receive(self, data, now_s):
        self.running, self.heard_s = data == b"go\n", now_s
        return b""

    def due(self, now_s):
        said = b""
        self.running &= now_s - self.heard_s < self.patience_s
        while self.second + 1 <= now_s:
            self.second += 1
            said += self.line() if self.running else b""
        return said

    def line(self):
        text = b"%05d %03d" % (self.second, 80 + self.second % 5)
        return text + b"*" + checksum(text) + b"\n"


class Forgetful(Monitor):
    """Stops unless it is asked again now and then."""

    patience_s = 20.0


class Datagrams(Monitor):
    """Sends each line as a datagram."""

    def due(self, now_s):
        return super().due(now_s).splitlines(keepends=True)


def feed_of(decoder=Decoder, session=Session, schemes=("serial",)) -> Feed:
    return Feed("toy", decoder, session, schemes, stale_s=5.0)
