"""The demo, headless, over a real pty: a whole case in a few seconds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from toy_bundle import toy_bundle

from barocast.plugin.cli import main
from barocast.runtime.trust import write_keys


@pytest.fixture
def bundle_args(tmp_path):
    toy = toy_bundle(tmp_path / "bundle")
    write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
    return ["--bundle", str(toy.directory), "--trust", str(tmp_path / "keys.json")]


def demo(tmp_path, *arguments: str) -> tuple[int, list[dict]]:
    out = tmp_path / "demo.jsonl"
    status = main(["demo", "--headless", "--json", str(out), *arguments])
    return status, [json.loads(line) for line in out.read_text().splitlines()]


def test_the_virtual_monitor_is_heard_and_every_decision_is_written(tmp_path, bundle_args, capsys):
    status, lines = demo(tmp_path, "--speed", "120", "--seconds", "1000", *bundle_args)
    times = [line["t_s"] for line in lines]

    assert status == 0  # neither alarm nor event within 1,000 s
    assert times == [30.0 * k for k in range(int(times[0] / 30), int(times[0] / 30) + len(times))]
    assert [line["state"] for line in lines][-3:] == ["forecast"] * 3
    assert "simulated case: no forecast alarm; no hypotension" in capsys.readouterr().out


def test_a_monitor_that_was_ordered_to_reboot_begins_its_time_anew(tmp_path, bundle_args):
    order = ["--speed", "120", "--seconds", "250", "--fault", "reboot@100+20"]
    _, lines = demo(tmp_path, *order, *bundle_args)
    times = [line["t_s"] for line in lines]

    assert times.count(60.0) == 2
    assert times == [t_s for t_s in times if t_s <= 250.0]


def test_a_machine_that_stops_for_a_while_is_no_silent_monitor(tmp_path, bundle_args):
    """Both ends stand still with it, so no decision is lost and none is late."""
    out = tmp_path / "demo.jsonl"
    play = ["demo", "--headless", "--speed", "120", "--seconds", "400", "--json", str(out), "--screen", "off"]
    command = [sys.executable, "-u", "-m", "barocast.plugin", *play, *bundle_args]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.read_text().splitlines()]

    assert process.returncode == 0
    assert [line["t_s"] for line in lines] == [30.0 * k for k in range(1, len(lines) + 1)]
    assert {line["reason"].split(":")[0] for line in lines} == {"short history"}


@pytest.mark.parametrize("arguments", [["--fault", "flood@5+5"], ["--feed", "dri", "--fault", "demo@5+5"]])
def test_a_fault_that_cannot_be_had_is_refused(capsys, bundle_args, arguments):
    assert main(["demo", "--headless", *arguments, *bundle_args]) == 2
    assert capsys.readouterr().err.startswith("barocast: fault ")


@pytest.mark.parametrize(
    "arguments", [["--feed", "telex"], ["--speed", "0"], ["--speed", "1e9"], ["--seconds", "-1"]]
)
def test_what_the_demo_cannot_play_is_refused(capsys, arguments):
    assert main(["demo", "--headless", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"barocast: {arguments[0]} {arguments[1]}"[:16])
