"""The service: ready when its beds are, pinged for while every loop moves, one bed apart from another."""

from __future__ import annotations

import socket
import threading
import time
from types import SimpleNamespace

import pytest

from barocast.plugin.clock import Clock
from barocast.plugin.serve import Line
from barocast.plugin.service.bed_loop import BedLoop, Fitted
from barocast.plugin.service.model import refused_model
from barocast.plugin.service.notify import Notifier, notifier
from barocast.plugin.service.progress import Progress
from barocast.plugin.service.service import Service
from barocast.runtime.errors import BundleError, Refused, SettingsError

LONG_S = 10.0


class Manual:
    """A clock that is moved by hand; sleeping moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Sink:
    def __init__(self) -> None:
        self.heard, self.closed = [], False

    def apply(self, snapshot):
        self.heard.append(snapshot)

    def close(self):
        self.closed = True


class Bed:
    """A bed that counts its turns, and does at turn `at` what `does` says."""

    def __init__(self, at=10**9, does=lambda: None) -> None:
        self.turns, self.at, self.does = 0, at, does
        self.sinks, self.closed = [Sink()], threading.Event()
        self.session = SimpleNamespace(release=lambda: b"")

    def receive(self, data, now_s):
        return [], b""

    def process(self, received, now_s):
        self.turns += 1
        if self.turns >= self.at:
            self.does()
        return b""

    def report(self, part, trouble):
        pass

    def close(self):
        self.closed.set()


class Port:
    connected = True

    def read(self, timeout_s):
        time.sleep(0.001)
        return b""

    def write(self, data):
        pass

    def close(self):
        pass


def raising(error):
    def act():
        raise error

    return act


def loop_of(*beds, progress=None):
    """A loop whose bed is the first one, and after each failure the next."""
    waiting = list(beds)
    clock = Clock()

    def fit():
        bed = waiting.pop(0)
        if isinstance(bed, Exception):
            raise bed
        return Fitted(bed, Line(Port))

    return BedLoop("or-1", fit, clock, progress or Progress(clock))


def soon(true):
    until = time.monotonic() + LONG_S
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    return true()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("barocast.plugin.service.bed_loop.BACK_OFF_S", (0.05,))


@pytest.mark.req("P11")
def test_a_bed_that_fails_is_told_to_its_sinks_and_built_again(capsys):
    first, second = Bed(3, raising(ValueError("no such wave"))), Bed()
    loop = loop_of(first, second)
    loop.start()

    assert soon(lambda: second.turns > 3)
    assert (loop.restarts, loop.trouble) == (1, "")
    loop.stop()
    assert loop.join(LONG_S)
    (condition,) = first.sinks[0].heard[0].conditions
    assert "bed stopped: ValueError: no such wave; starting again" in condition.text
    assert (condition.technical, str(condition.priority)) == (True, "medium")
    assert (first.sinks[0].closed, second.closed.is_set()) == (True, True)
    assert "ValueError: no such wave" in capsys.readouterr().err


def test_a_bed_that_cannot_be_built_is_tried_again_for_ever():
    bed = Bed()
    loop = loop_of(SettingsError("x.toml: [bed] patient: gone"), SettingsError("still gone"), bed)
    loop.start()

    assert soon(lambda: bed.turns > 0)
    assert loop.restarts == 2
    loop.stop()
    assert loop.join(LONG_S)


@pytest.mark.req("RUN-02")
def test_a_loop_that_stands_still_is_found_and_one_that_moves_is_not():
    clock = Manual()
    progress = Progress(clock)
    progress.expect("alarm", 5.0)
    progress.expect("acquisition", 5.0)
    clock.now_s = 4.0
    progress.moved("alarm")
    clock.now_s = 6.0

    assert progress.late() == {"acquisition": 6.0}
    progress.excuse()
    assert progress.late() == {}
    progress.forget("acquisition")
    clock.now_s = 60.0
    assert progress.late() == {"alarm": 54.0}


class Told:
    """A notifier that keeps what it was told."""

    def __init__(self) -> None:
        self.watchdog_s, self.words = 10.0, []

    def tell(self, *words):
        self.words += words


def served(clock, model=None, **more):
    model = model or SimpleNamespace(prove=lambda: True, close=lambda: None, trouble=lambda: "")
    return Service(model, clock, Told(), Progress(clock), **more)


@pytest.mark.req("RUN-02")
def test_a_wedged_bed_ends_the_process_and_is_no_longer_pinged_for(monkeypatch):
    monkeypatch.setattr("barocast.plugin.service.bed_loop.WITHIN_S", 0.3)
    monkeypatch.setattr("barocast.plugin.service.service.TURN_S", 0.05)
    clock, held, ended = Clock(), threading.Event(), []
    service = served(clock, wedged=ended.append)
    service.add("or-1", lambda: Fitted(Bed(5, lambda: held.wait(LONG_S)), Line(Port)))
    service.add("or-2", lambda: Fitted(Bed(), Line(Port)))
    service.run(lambda: bool(ended))
    held.set()

    words = service.notifier.words
    assert ended[0].startswith("or-1 a")
    assert "or-2" not in ended[0]
    assert "WATCHDOG=trigger" in words
    assert words.index("READY=1") < words.index("WATCHDOG=1") < words.index("WATCHDOG=trigger")


@pytest.mark.req("RUN-02")
def test_an_engine_that_does_not_come_back_is_no_longer_pinged_for(monkeypatch):
    clock, ended = Manual(), []
    model = SimpleNamespace(prove=lambda: clock.sleep(20.0), close=lambda: None, trouble=lambda: "")
    service = served(clock, model, wedged=ended.append)
    monkeypatch.setattr(service.progress, "moved", lambda _: None)
    service.run(lambda: bool(ended) or clock() > 100)

    assert ended[0].startswith("inference for ")


def test_a_process_that_stood_still_as_a_whole_blames_nobody():
    clock, ended, turns = Manual(), [], []
    service = served(clock, wedged=ended.append)
    service.progress.expect("or-1 alarm", 5.0)

    def until():
        turns.append(1)
        clock.now_s += 100.0 if len(turns) == 4 else 0.0  # SIGSTOP, SIGCONT
        service.progress.moved("or-1 alarm") if len(turns) != 4 else None
        return len(turns) > 8

    service.run(until)

    assert ended == []


@pytest.mark.req("RUN-01")
def test_stopping_ends_every_bed_and_the_engine(monkeypatch):
    monkeypatch.setattr("barocast.plugin.service.service.TURN_S", 0.01)
    clock, beds, closed = Clock(), [Bed(), Bed()], []
    model = SimpleNamespace(prove=lambda: True, close=lambda: closed.append(1), trouble=lambda: "")
    service = served(clock, model)
    for number, bed in enumerate(beds):
        service.add(f"or-{number}", lambda bed=bed: Fitted(bed, Line(Port)))
    service.run(lambda: all(bed.turns > 2 for bed in beds))

    assert [bed.closed.is_set() for bed in beds] == [True, True]
    assert closed == [1]
    assert service.notifier.words[-1] == "STOPPING=1"


def test_the_manager_hears_datagrams_and_a_deaf_one_is_no_trouble(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        Notifier(path).tell("READY=1", "STATUS=2 of 2 beds served")
        assert manager.recv(4096) == b"READY=1\nSTATUS=2 of 2 beds served"
    Notifier(path).tell("READY=1")
    Notifier("").tell("READY=1")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Notifier("", None)),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "10000000"}, Notifier("@x", 10.0)),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}, Notifier("@x", None)),
        ({"WATCHDOG_USEC": "soon"}, Notifier("", None)),
    ],
)
def test_the_watchdog_is_the_one_that_systemd_set_for_this_process(environment, expected):
    assert notifier(environment) == expected


@pytest.mark.req("P9")
def test_a_refused_model_leaves_faults_that_say_why_and_what_is_good():
    model = refused_model(BundleError("/b/model.onnx: its SHA-256 is not the signed one", Refused.HASH))
    fault = model.engine.run(None, 30.0)

    assert fault.t_s == 30.0
    assert "its SHA-256 is not the signed one; the embedded barocast-map-1 is good" in fault.reason
    assert model.bundle.manifest.id == "none"
    assert model.trouble() != ""
