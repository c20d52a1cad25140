"""The installer's questions: what is found is offered, what cannot be meant is asked again."""

from __future__ import annotations

import pytest

from barocast.plugin.discover import Found
from barocast.plugin.setup import questions
from barocast.plugin.setup.answers import Answers
from barocast.plugin.setup.questions import Terminal, ask_for
from barocast.runtime.errors import SettingsError

PORT = "serial:///dev/serial/by-id/usb-FTDI"
MONITOR = "udp://10.0.0.7:24105?hear=24005&group=224.0.23.63"


class Script:
    """An installer who types these lines."""

    def __init__(self, *lines: str) -> None:
        self.lines, self.asked, self.said = list(lines), [], []

    def read(self, question: str) -> str:
        self.asked.append(question)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    def terminal(self) -> Terminal:
        return Terminal(self.read, self.said.append)


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """A serial adapter, an address for a gateway, a monitor that calls, and no loudspeaker."""
    monkeypatch.setattr(
        questions, "serial_ports", lambda by_id: [Found("serial", f"{PORT}?baud=115200", "x")]
    )
    monkeypatch.setattr(questions, "ways_in", lambda: [Found("hl7", "tcp-listen://10.0.0.5:6661", "eth0")])
    monkeypatch.setattr(
        questions, "monitors", lambda port, s: iter([Found("intellivue-udp", MONITOR, "MX800")])
    )
    monkeypatch.setattr(questions.sound_command, "run", lambda args: 1)


def test_a_serial_port_chosen_by_number_gets_the_line_of_its_feed():
    script = Script("OR 3", "n", "1", "dri", "", "none", "none", "none")

    assert ask_for(Answers(), script.terminal()) == Answers(
        "dri", f"{PORT}?baud=19200&parity=E&rtscts=1", "OR 3"
    )


def test_a_monitor_that_was_heard_needs_no_more_than_its_number():
    answers = ask_for(Answers(), Script("OR 3", "y", "3", "none", "none", "none").terminal())

    assert (answers.feed, answers.address) == ("intellivue-udp", MONITOR)


def test_enter_takes_what_is_offered():
    given = Answers("hl7", "tcp-listen://10.0.0.5:6661", "OR 7")
    answers = ask_for(given, Script(*[""] * 9).terminal())

    assert answers == Answers(
        "hl7", given.address, "OR 7", screen="127.0.0.1:8520", token=True, storage="/var/lib/barocast"
    )


def test_what_cannot_be_meant_is_said_and_asked_again():
    script = Script("OR 3", "n", "/dev/ttyS0", "hl8", "hl7", "nowhere", "tcp://10.0.0.5:6661", *["none"] * 3)
    answers = ask_for(Answers(), script.terminal())

    assert (answers.feed, answers.address) == ("hl7", "tcp://10.0.0.5:6661")
    assert any("there is none of that name" in said for said in script.said)
    assert any("must begin with one of" in said for said in script.said)


def test_a_loudspeaker_that_was_not_heard_is_asked_for_again(monkeypatch):
    heard = iter([1, 0])
    played = []

    def run(args):
        if args.act == "list":
            return 0
        played.append(args.device)
        return next(heard)

    monkeypatch.setattr(questions.sound_command, "run", run)
    script = Script("OR 3", "n", "2", "hw:9", "y", "hw:1", "none", "none")

    assert ask_for(Answers(), script.terminal()).sound == "hw:1"
    assert played == ["hw:9", "hw:1"]


def test_an_end_of_input_names_the_way_without_questions():
    with pytest.raises(SettingsError, match="nobody answers; use --non-interactive"):
        ask_for(Answers(), Script("OR 3").terminal())
