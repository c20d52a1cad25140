"""A bed in memory: a session that hands out prepared events, and sinks that keep what they are told."""

from __future__ import annotations

from barocast.plugin.bedside import Bedside
from barocast.plugin.sinks.sink import Receipt, SelfTest
from barocast.plugin.watch import Watch
from barocast.runtime.domain import FeedCounts
from barocast.runtime.engines import OrtEngine


class Feed:
    """A session that hands out prepared events, a list for each step."""

    counts = FeedCounts()
    status = "associated"

    def __init__(self, *steps: list) -> None:
        self.steps = list(steps)

    def receive(self, data, now_s):
        return (self.steps.pop(0) if self.steps else []), data[::-1]

    def due(self, now_s):
        return b"."

    def release(self):
        return b"bye"


class Sink:
    """Keeps every snapshot; fails when told to."""

    def __init__(self, guarantee: str = "primary", name: str = "Sink") -> None:
        self.guarantee, self.name = guarantee, name
        self.snapshots, self.receipt, self.test = [], Receipt(), SelfTest(ok=True, text="well")

    def self_test(self):
        return self.test

    def apply(self, snapshot):
        self.snapshots.append(snapshot)
        if isinstance(self.receipt, Exception):
            raise self.receipt
        return self.receipt

    def close(self):
        self.snapshots.append("closed")

    def shown(self) -> list[str]:
        """Give the texts of what was told last."""
        return [condition.text for condition in self.snapshots[-1].conditions]


def bed(bundle, *steps: list, sinks=(), **more) -> Bedside:
    """A bed whose feed gives `steps`, one a turn."""
    watch = Watch(bundle, OrtEngine(bundle))
    return Bedside(name="bed 1", session=Feed(*steps), watch=watch, sinks=list(sinks), **more)


def played(bedside: Bedside, arrivals) -> Bedside:
    """Let turns pass at these seconds."""
    for now_s in arrivals:
        bedside.step(b"", float(now_s))
    return bedside
