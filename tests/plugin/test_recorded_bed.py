"""A bed that was recorded decides again as it did: the same bytes at the same times, by the same path."""

from __future__ import annotations

import random
from contextlib import closing

import numpy as np
import pytest
from builders import sample
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.feeds import Feed
from barocast.plugin.recorder import RecordedSession, Recorder
from barocast.plugin.recordings import open_recording
from barocast.plugin.replay import outcomes
from barocast.plugin.sinks.sink import Receipt
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.watch import Watch
from barocast.runtime.decoders.masimo import MasimoDecoder
from barocast.runtime.domain import Risk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.sessions.intellivue import IntelliVueSession

STEP_S = 0.05


class Failing:
    """A patient whose pressure falls by 1.2 mmHg a minute."""

    def numerics(self, t_s):
        mean = 95 - t_s / 50 + 0.3 * np.sin(t_s)
        return {"ABP_SYS": mean + 35, "ABP_DIA": mean - 20, "ABP_MEAN": mean, "HR": 70.0}

    def wave(self, channel, t_s, n, rate_hz):
        return 95 - t_s / 50 + 25.0 * np.sin(2 * np.pi * (t_s + np.arange(n) / rate_hz))


class TwoDevices:
    """A line on which a monitor that knows the time stands beside an oximeter that knows none.

    Timed bytes: an 8-digit time and a MAP, in a line; the oximeter's own lines are read as they are.
    """

    status = "receiving"

    def __init__(self):
        self._oximeter = MasimoDecoder()

    @property
    def counts(self):
        return self._oximeter.counts

    def receive(self, data, now_s):
        events = []
        for line in data.splitlines(keepends=True):
            if line.startswith(b"@"):
                t_s, value = map(float, line[1:].split())
                events.append(sample(t_s, value))
            else:
                events += self._oximeter.feed(line)
        return events, b""

    def due(self, now_s):
        return b""


class Log:
    def __init__(self):
        self.lines = []

    def write_decision(self, decision, alarm, map_10s):
        self.lines.append((repr(decision), alarm))
        return Receipt()

    def write_log(self, row, wall):
        return Receipt()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


def watch(bundle):
    return Watch(bundle, OrtEngine(bundle))


def bed(bundle, session, recorder):
    recorded = RecordedSession(session, recorder)
    return Bedside(name="bed", session=recorded, watch=watch(bundle), sinks=[], log=Log(), stale_s=1e9)


def replayed(bundle, folder):
    """Decisions and alarms of the recording, with what the bed no longer waited for at its end."""
    recording = open_recording(min(folder.glob("*.brec")))
    return [(repr(each.decision), each.alarm) for each in outcomes(watch(bundle), recording)]


def jittered(pieces, seed):
    """Cut bytes up and deliver them late and in bursts, in order: (arrival, bytes)."""
    chance, arrival_s = random.Random(seed), 0.0
    for sent_s, data in pieces:
        cut = chance.randrange(len(data) + 1)
        for part in (data[:cut], data[cut:]):
            late_s = chance.choice([0.0, 0.0, 0.02, 0.3, 1.9, chance.uniform(0.0, 4.0)])
            arrival_s = max(arrival_s, sent_s + late_s)
            yield arrival_s, part


def test_a_bed_on_a_virtual_monitor_decides_again_as_it_did(tmp_path, bundle):
    """The monitor's bytes come late and in bursts; what waits is cut anywhere."""
    monitor, chance, waiting = VirtualIntelliVue(Failing()), random.Random(7), b""
    with closing(Recorder(tmp_path, "intellivue-serial", wall=lambda: 1.7e9)) as recorder:
        bedside, begun_s, reply = bed(bundle, IntelliVueSession(), recorder), 500.0, b""
        for now_s in np.arange(begun_s, begun_s + 1100.0, STEP_S):
            waiting += monitor.receive(reply, now_s) + monitor.due(now_s)
            length = chance.choice([0, 0, 7, 300, len(waiting), len(waiting)])
            data, waiting = waiting[:length], waiting[length:]
            reply = bedside.step(data, float(now_s))
    decided = bedside._log.lines
    again = replayed(bundle, tmp_path)

    assert again[: len(decided)] == decided
    assert len(again) - len(decided) <= 1
    assert sum(line.startswith(Risk.__name__) for line, _ in decided) > 5
    assert {alarm for _, alarm in decided} > {"none"}


@pytest.mark.parametrize("seed", range(3))
def test_timed_and_untimed_events_of_one_line_are_dated_as_at_the_bed(tmp_path, bundle, seed, monkeypatch):
    pieces = []
    for second in range(1200):
        mean = 95 - second / 50 + second % 3 / 10
        told = f"@{1.7e9 + 1.0003 * second:.4f} {mean:.1f}\n" if second % 2 else ""
        pieces.append((float(second), f"{told}SPO2=097 HR={60 + second % 9:03}\n".encode()))
    whole = [(arrival_s, data) for arrival_s, data in jittered(pieces, seed) if data]
    lines, held = [], b""  # the double of this test reads whole lines only
    for arrival_s, data in whole:
        done, end, rest = (held + data).rpartition(b"\n")
        lines += [(arrival_s, done + end)] if end else []
        held = rest
    monkeypatch.setattr(
        "barocast.plugin.playback.find_feed", lambda _: Feed("two", MasimoDecoder, TwoDevices, ("tcp",), 5.0)
    )
    with closing(Recorder(tmp_path, "masimo", wall=lambda: 1.7e9)) as recorder:
        bedside, at = bed(bundle, TwoDevices(), recorder), 0
        for tick in range(round((lines[-1][0] + 3.0) / STEP_S)):
            now_s = tick * STEP_S
            due = [line for line in lines[at:] if line[0] <= now_s]
            at += len(due)
            bedside.step(b"".join(data for _, data in due), now_s)
    decided = bedside._log.lines
    again = replayed(bundle, tmp_path)

    assert again[: len(decided)] == decided
    assert len(decided) > 35
    assert any("forecast=Forecast" in line for line, _ in decided), decided[-5:]
