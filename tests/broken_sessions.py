"""Sessions that break one rule each, the check that is there for it, and the monitor that shows it."""

from __future__ import annotations

import math
from dataclasses import replace

from toy_driver import Datagrams, Forgetful, Monitor, Session

from barocast.runtime.domain import Sample


class NeverAgain(Session):
    def due(self, now_s):
        return b"" if self.ask_at_s > -math.inf else super().due(now_s)


class Storming(Session):
    def due(self, now_s):
        return b"go\n" if self.status != "released" else b""


class Unmoved(Session):
    def due(self, now_s):
        status, asked = self.status, super().due(now_s)
        self.status = "receiving" if status == "receiving" else self.status
        return asked


class Wordy(Session):
    def due(self, now_s):
        asked = super().due(now_s)
        self.status = "no answer yet" if self.status == "silent" else self.status
        return asked


class LateToAsk(Session):
    def due(self, now_s):
        self.first_s = getattr(self, "first_s", now_s)
        return super().due(now_s) if now_s > self.first_s + 25 else b""


class Despairing(Session):
    """Waits longer each time, without end."""

    tries = 0

    def due(self, now_s):
        asked = super().due(now_s)
        self.tries += bool(asked)
        self.ask_at_s += 4.0**self.tries if asked else 0.0
        return asked


class Offended(Session):
    """Gives a line up for good once it was noisy."""

    def receive(self, data, now_s):
        events, answer = super().receive(data, now_s)
        return ([], b"") if self.counts.corrupt > 3 else (events, answer)


class CountingCalls(Session):
    calls = 0

    def due(self, now_s):
        self.calls += 1
        return b"go\n" if self.status != "released" and self.calls % 3 == 0 else b""


class AfraidOfJumps(Session):
    last_s = math.inf

    def receive(self, data, now_s):
        jumped, self.last_s = now_s - self.last_s > 60, now_s
        self.decoder = None if jumped else self.decoder
        return super().receive(data, now_s)


class Staying(Session):
    def release(self):
        self.status = "released"
        return b""


class Babbling(Session):
    def due(self, now_s):
        return b"go\n" if self.status == "released" else super().due(now_s)


class DatingByArrival(Session):
    def receive(self, data, now_s):
        events, answer = super().receive(data, now_s)
        return [replace(one, t_s=now_s) if isinstance(one, Sample) else one for one in events], answer


class NeverBack(Session):
    """Lets no time be earlier than the last one."""

    last_s = -math.inf

    def receive(self, data, now_s):
        events, answer = super().receive(data, now_s)
        return [self.later(one) if isinstance(one, Sample) else one for one in events], answer

    def later(self, sample):
        self.last_s = max(self.last_s + 0.001, sample.t_s)
        return replace(sample, t_s=self.last_s)


class CountingDatagrams(Session):
    """Takes the n-th datagram for the n-th second."""

    def receive(self, data, now_s):
        events, answer = super().receive(data, now_s)
        second = float(self.counts.frames)
        return [replace(one, t_s=second) if isinstance(one, Sample) else one for one in events], answer


class Raiser(Session):
    def due(self, now_s):
        raise TimeoutError


SESSIONS = [
    ("silence/asks again", NeverAgain, Monitor),
    ("silence/no storm", Storming, Monitor),
    ("silence/says so", Unmoved, Monitor),
    ("silence/status", Wordy, Monitor),
    ("silence/repeated", CountingCalls, Monitor),
    ("reconnect/connects", LateToAsk, Monitor),
    ("reconnect/connects", Raiser, Monitor),
    ("reconnect/restarts", NeverAgain, Monitor),
    ("reconnect/restarts", Despairing, Monitor),
    ("reconnect/one way", NeverAgain, Forgetful),
    ("reconnect/noise", Offended, Monitor),
    ("reconnect/clock jump", AfraidOfJumps, Monitor),
    ("reconnect/release", Staying, Monitor),
    ("reconnect/release", Babbling, Monitor),
    ("drift/slow clock", DatingByArrival, Monitor),
    ("drift/arrival", DatingByArrival, Monitor),
    ("drift/restart", NeverBack, Monitor),
    ("drift/datagrams", CountingDatagrams, Datagrams),
]
