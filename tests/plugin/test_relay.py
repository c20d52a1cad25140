"""The dead-man relay: when it is energised, when it falls, and what each kind of board says and proves."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from itertools import pairwise
from time import sleep
from types import SimpleNamespace

import pytest

from barocast.plugin.sinks import relay_gpio
from barocast.plugin.sinks.relay import RELAY, RelaySettings, RelaySink
from barocast.plugin.sinks.relay_contacts import Rack, RelayLost, contact_of, open_board
from barocast.plugin.sinks.relay_gpio import GpioBoard
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError

USB = "numato:///dev/x?contact=0"


def told(priority: Priority | None = None, inactivation=Inactivation.ENABLED) -> AlarmSnapshot:
    if priority is None:
        return AlarmSnapshot(0.0)
    condition = Condition("c", priority, technical=True, text="", inactivation=inactivation)
    return AlarmSnapshot(0.0, (condition,))


class Coil:
    """A board of one relay."""

    def __init__(self) -> None:
        self.on, self.gone, self.stuck, self.told = False, False, None, []

    def set(self, contact, *, on):
        if self.gone:
            raise RelayLost("no such device")
        self.told.append(on)
        self.on = on if self.stuck is None else self.stuck

    def read(self, contact):
        return self.on

    def close(self):
        self.on = False


class Bench:
    """A relay whose turns a test makes."""

    def __init__(self, **settings) -> None:
        self.now_s, self.coil = 0.0, Coil()
        self.sink = RelaySink(
            RelaySettings(USB, **settings), lambda path, contacts: self.coil, lambda: self.now_s
        )
        self.sink._beat.wake = lambda: None

    def run(self, seconds: float, snapshot: AlarmSnapshot | None) -> list[tuple[float, bool]]:
        """Tell it every 5 s (None: say nothing) and make the turns; give (s, energised) after each."""
        seen, end_s, due_s = [], self.now_s + seconds, self.now_s
        while self.now_s < end_s:
            if snapshot is not None and self.now_s >= due_s:
                self.sink.apply(snapshot)
                due_s += 5
            pause_s = self.sink.turn(self.now_s)
            seen.append((self.now_s, self.coil.on))
            self.now_s += pause_s
        return seen


@pytest.mark.req("ALM-13")
def test_it_is_energised_while_all_is_well_and_falls_at_an_alarm():
    bench = Bench()

    assert all(on for _, on in bench.run(30, told()))
    assert all(on for _, on in bench.run(10, told(Priority.LOW)))
    assert not any(on for _, on in bench.run(10, told(Priority.MEDIUM)))
    assert all(on for _, on in bench.run(10, told(Priority.MEDIUM, Inactivation.ACKNOWLEDGED)))


@pytest.mark.parametrize(
    ("opens_at", "falls"),
    [("low", {"low", "medium", "high"}), ("high", {"high"}), ("never", set())],
)
def test_the_site_says_from_which_priority_on_it_falls(opens_at: str, falls: set[str]):
    bench = Bench(opens_at=opens_at)

    assert {str(p) for p in Priority if not bench.run(1, told(p))[-1][1]} == falls


@pytest.mark.req("ALM-13")
def test_a_bed_that_says_nothing_lets_it_fall_within_10_s():
    bench = Bench()
    bench.run(6, told())
    fell = next(t_s for t_s, on in bench.run(20, None) if not on)

    assert fell - 5.0 <= 10.0  # the last word came at 5 s


@pytest.mark.req("ALM-13")
def test_pulsed_it_is_toggled_within_2_s_and_stands_still_when_all_is_not_well():
    bench = Bench(pulsed=True)
    seen = bench.run(30, told())
    changes = [a[0] for a, b in pairwise(seen) if a[1] != b[1]]
    alarmed = bench.run(10, told(Priority.MEDIUM))

    assert max(b - a for a, b in pairwise(changes)) <= 2.0
    assert not any(on for _, on in alarmed)


@pytest.mark.req("P13")
def test_a_relay_that_is_stuck_is_told_by_its_own_board():
    bench = Bench()
    bench.run(3, told())
    bench.coil.stuck = True
    bench.run(3, told(Priority.HIGH))
    bench.coil.on = True
    bench.run(1, told(Priority.HIGH))

    assert bench.sink.apply(told(Priority.HIGH)).text == (
        "relay: /dev/x: contact 0 is energised, and should be fallen"
    )


@pytest.mark.req("P13")
def test_a_board_that_is_pulled_out_is_told_and_found_again():
    bench = Bench()
    bench.run(2, told())
    bench.coil.gone = True
    bench.run(2, told(Priority.HIGH))
    lost = bench.sink.apply(told(Priority.HIGH))
    bench.coil.gone = False
    bench.run(2, told(Priority.HIGH))

    assert (lost.ok, lost.text) == (False, "relay: /dev/x: no such device")
    assert bench.sink.apply(told(Priority.HIGH)).ok


def test_its_own_thread_energises_it_and_closing_lets_it_fall():
    coil, energised = Coil(), threading.Event()
    kept = coil.set
    coil.set = lambda contact, *, on: (kept(contact, on=on), on and energised.set())
    sink = RelaySink(RelaySettings(USB), lambda path, contacts: coil)
    tested = sink.self_test()
    sink.apply(told())
    came = energised.wait(10)
    sink.close()

    assert tested.text == (
        f"relay: {USB}; the contact stays as it was when the process dies: "
        "use pulsed = true with a time relay, or the failure buzzer (docs/ways-out.md)"
    )
    assert (came, coil.on, sink.guarantee) == (True, False, "best_effort")


def test_a_board_that_holds_us_up_is_told_and_holds_nobody_else_up():
    held, began = threading.Event(), threading.Event()
    coil, clock = Coil(), SimpleNamespace(now_s=0.0)
    coil.set = lambda contact, *, on: began.set() or held.wait(10)
    sink = RelaySink(RelaySettings(USB), lambda path, contacts: coil, lambda: clock.now_s)
    sink.apply(told())
    began.wait(10)
    clock.now_s = 4.0
    receipt = sink.apply(told())
    held.set()
    sink.close()

    assert receipt.text == "relay: the device does not come back"


def test_the_table_makes_it_and_pulses_are_a_guarantee():
    sink = RELAY.open(RelaySettings(USB, pulsed=True), Origin("OR 3", "b"))

    assert (way_out("relay"), sink.guarantee) == (RELAY, "primary")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "is no contact"),
        ("/dev/ttyUSB0", "is no contact"),
        ("gpio:///dev/gpiochip0", "is no contact"),
        ("lcus://dev/ttyUSB0?contact=1", "is no contact"),
        ("lcus:///dev/ttyUSB0?contact=1&active=low", "active is unknown; lcus takes"),
        ("gpio:///dev/gpiochip0?line=PA.03", "line: must be a number up to 1023, not 'PA.03'"),
        ("gpio:///dev/gpiochip0?line=3&active=no", "active: must be high or low"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(address: str, said: str):
    with pytest.raises(SettingsError, match=said):
        RelaySettings(address)


def test_one_device_is_not_two_kinds_of_board():
    with pytest.raises(SettingsError, match="two kinds of board"):
        Rack({"a": "lcus:///dev/x?contact=1", "b": "numato:///dev/x?contact=1"})


# --- serial boards, played by a pty ---------------------------------------------------------------


class SerialBoard:
    """The other end of a pty: keeps what it is told, and answers as `answer` says."""

    def __init__(self, answer=lambda line: b"") -> None:
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.path, self.heard, self._answer = os.ttyname(slave), b"", answer
        self._slave, self._ended = slave, threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        pending = b""
        while not self._ended.is_set():
            if not select.select([self._master], [], [], 0.02)[0]:
                continue
            data = os.read(self._master, 256)
            self.heard += data
            pending += data
            *lines, pending = pending.split(b"\r")
            for line in lines:
                os.write(self._master, self._answer(line))

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)


class Numato:
    """What a Numato board does with a line."""

    def __init__(self) -> None:
        self.on = {}

    def __call__(self, line: bytes) -> bytes:
        words = line.decode().split()
        said = ""
        if len(words) == 3 and words[1] == "read":
            said = ("on" if self.on.get(words[2]) else "off") + "\n\r"
        elif len(words) == 3:
            self.on[words[2]] = words[1] == "on"
        return line + b"\n\r" + said.encode() + b">"


@pytest.fixture
def numato():
    relays = Numato()
    board = SerialBoard(relays)
    board.on = relays.on
    yield board
    board.stop()


def test_lcus_frames_are_those_of_the_sheet():
    board = SerialBoard()
    rack = Rack({"one": f"lcus://{board.path}?contact=1", "two": f"lcus://{board.path}?contact=2"})
    troubles = [rack.set({"one": True}), rack.set({"two": True}), rack.set({"one": True}), rack.check()]
    rack.close()
    for _ in range(500):
        if len(board.heard) >= 24:
            break
        sleep(0.01)
    board.stop()

    assert troubles == [""] * 4
    assert board.heard == bytes.fromhex("A00100A1 A00200A2 A00101A2 A00201A3 A00100A1 A00200A2")


def test_a_numato_board_is_told_and_read_back(numato):
    rack = Rack({"one": f"numato://{numato.path}?contact=10"})
    troubles = [rack.set({"one": True}), rack.check()]
    energised = dict(numato.on)
    numato.on["A"] = False
    told_fallen = rack.check()
    rack.close()

    assert (troubles, energised) == (["", ""], {"A": True})
    assert told_fallen == f"{numato.path}: contact 10 is fallen, and should be energised"


def test_what_does_not_answer_as_numato_is_said_with_a_guess():
    board = SerialBoard()
    trouble = Rack({"one": f"numato://{board.path}?contact=0"}).set({"one": True})
    board.stop()

    assert "does not answer as a Numato board (b''); is it an lcus one?" in trouble


def test_a_device_that_babbles_is_not_listened_to_for_ever():
    board = SerialBoard(lambda line: b"x" * 4096)
    trouble = Rack({"one": f"numato://{board.path}?contact=0"}).set({"one": True})
    board.stop()

    assert "does not answer as a Numato board" in trouble


@pytest.mark.parametrize(
    ("address", "said"),
    [("lcus:///dev/none?contact=0", "count from 1"), ("numato:///dev/none?contact=32", "0 to 31")],
)
def test_a_contact_that_the_board_has_not_is_told(address: str, said: str):
    assert said in Rack({"one": address}).set({"one": True})


def test_a_port_that_is_not_there_is_told_with_the_mend():
    assert "/dev/serial/by-id" in Rack({"one": "lcus:///dev/none?contact=1"}).set({"one": True})


# --- GPIO, with a library that plays a chip -------------------------------------------------------


class FakeGpiod:
    """A chip whose line 17 drives a relay that is wired back to line 27."""

    def __init__(self, *, keeps: bool = False, wired: bool = True) -> None:
        self.line = SimpleNamespace(
            Value=SimpleNamespace(ACTIVE=1, INACTIVE=0), Direction=SimpleNamespace(OUTPUT="out", INPUT="in")
        )
        self.LineSettings = SimpleNamespace
        self.values, self.requested, self.consumer = {17: 0}, {}, ""
        self._keeps, self._wired = keeps, wired

    def request_lines(self, path, consumer, config):
        if set(config) & set(self.requested):
            raise OSError(16, "Device or resource busy")
        if path != "/dev/gpiochip0":
            raise OSError(2, "No such file or directory")
        self.requested, self.consumer = config, consumer
        self.values |= {n: s.output_value for n, s in config.items() if s.direction == "out"}
        return self

    def set_value(self, line, value):
        self.values[line] = value

    def get_value(self, line):
        return self.values[17] if self._wired else 0

    def release(self):
        self.requested = {}
        if not self._keeps:
            self.values[17] = 0


@pytest.fixture(autouse=True)
def _armatures_move_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay_gpio, "SETTLE_S", 0.0)


def on_gpio(
    chip: FakeGpiod, address: str = "gpio:///dev/gpiochip0?line=17&read_back=27&active=low"
) -> RelaySink:
    return RelaySink(RelaySettings(address), lambda path, contacts: GpioBoard(path, contacts, chip))


@pytest.mark.req("ALM-13")
def test_a_line_that_is_seen_to_fall_when_released_is_a_guarantee():
    chip = FakeGpiod()
    sink = on_gpio(chip)
    test = sink.self_test()

    assert (test.ok, sink.guarantee) == (True, "primary")
    assert test.text.endswith("; seen to fall when its line is released")
    assert chip.requested[17].active_low
    assert chip.consumer == "barocast"


def test_a_line_that_keeps_its_value_is_no_guarantee():
    sink = on_gpio(FakeGpiod(keeps=True))
    test = sink.self_test()

    assert (test.ok, sink.guarantee) == (True, "best_effort")
    assert "whether it falls then is the chip's matter: use pulsed = true" in test.text


def test_a_read_back_that_does_not_follow_is_told():
    test = on_gpio(FakeGpiod(wired=False)).self_test()

    assert (test.ok, "line 27 does not follow the relay" in test.text) == (False, True)


def test_without_a_read_back_nothing_is_tried_and_nothing_claimed():
    chip = FakeGpiod()
    sink = on_gpio(chip, "gpio:///dev/gpiochip0?line=17")
    test = sink.self_test()
    sink.turn(0.0)

    assert (test.ok, sink.guarantee, sink._trouble, chip.values[17]) == (True, "best_effort", "", 0)


def test_a_chip_that_is_not_there_is_told_with_the_mend():
    test = on_gpio(FakeGpiod(), "gpio:///dev/gpiochip9?line=17").self_test()

    assert test.text.startswith("relay: /dev/gpiochip9: No such file or directory; check with `gpioinfo`")


def test_the_real_library_refuses_a_chip_that_is_not_there():
    pytest.importorskip("gpiod", reason="needs the extra `relay`: pip install 'barocast[relay]'")
    contact = contact_of("gpio:///dev/no-such-chip?line=17&read_back=27")

    with pytest.raises(RelayLost, match="No such file"):
        open_board(contact.path, [contact])
