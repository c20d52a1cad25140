"""A silent trial: everything runs and is logged, nothing sounds, and nobody sees a forecast."""

from __future__ import annotations

import io
import json

import pytest
from builders import series
from rich.console import Console
from toy_bundle import toy_bundle
from toy_model import in_process

from barocast.plugin.cli import main
from barocast.plugin.screen import view_of
from barocast.plugin.service.bed import build, terminal_screen
from barocast.plugin.service.station import station
from barocast.plugin.settings import parse_settings
from barocast.plugin.sinks.screen_layout import render
from barocast.plugin.sinks.terminal import TerminalSink
from barocast.plugin.sinks.view import SILENT_TRIAL
from barocast.runtime.domain import FeedCounts, Risk
from barocast.runtime.errors import SettingsError
from barocast.runtime.trust import write_keys


class Feed:
    """A session that hands out a list of events at each step, then nothing."""

    counts = FeedCounts()
    status = "silent"

    def __init__(self, events) -> None:
        self.steps = [[event] for event in events]

    def receive(self, data, now_s):
        return (self.steps.pop(0) if self.steps else []), b""

    def due(self, now_s):
        return b""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    toy = toy_bundle(folder / "toy")
    write_keys(folder / "trust.json", {"toy": toy.public_key})
    return f'[model]\nbundle = "{toy.directory}"\ntrust = "{folder / "trust.json"}"\n'


def configured(folder, model, *, silent, more=""):
    folder.mkdir(exist_ok=True)
    return (
        '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:0"\n'
        f"[alarm]\nsilent = {str(silent).lower()}\n{model}{more}"
        f'[sinks]\nsound_device = "wav:{folder / "wav"}"\nlog = "{folder / "log.jsonl"}"\n'
    )


def played(folder, model, *, silent, minutes=20, lost_s=0):
    """Let a bed hear a pressure that falls to 66 mmHg, and then nothing for a while."""
    settings = parse_settings(configured(folder, model, silent=silent), "or3.toml")
    model = in_process(settings.model)
    bed = build(station("or-3", settings, model.bundle), model)
    bed.session = Feed(series(90 - 0.2 * i for i in range(minutes * 6 + 1)))
    bed._wall = lambda: "then"
    out = io.StringIO()
    terminal = TerminalSink(Console(file=out, force_terminal=False))
    bed.sinks.append(terminal)
    show = terminal_screen(terminal, bed, silent=silent)
    for step in range(minutes * 6 + 1 + lost_s // 10):
        bed.step(b"", 10.0 * step)
        show(10.0 * step)
    bed.close()
    return bed, out.getvalue()


def drawn(bed, now_s, *, silent):
    return "\n".join(
        line.plain for line in render(view_of(bed, "bed", now_s, silent=silent), 100, 30).renderables
    )


def test_the_logs_are_those_of_the_same_bed_not_silent(tmp_path, model):
    for name, silent in (("loud", False), ("quiet", True)):
        played(tmp_path / name, model, silent=silent, lost_s=120)
    loud, quiet = (
        [(tmp_path / n / f).read_text() for f in ("log.jsonl", "log.alarms.jsonl")] for n in ("loud", "quiet")
    )

    assert quiet == loud
    assert '"alarm": "advisory"' in loud[0]
    assert '"forecast hypotension"' in loud[1]


def test_nothing_sounds(tmp_path, model):
    for name, silent in (("loud", False), ("quiet", True)):
        played(tmp_path / name, model, silent=silent)

    assert list((tmp_path / "loud" / "wav").iterdir())
    assert not (tmp_path / "quiet" / "wav").exists()


def test_no_forecast_and_no_alarm_of_one_is_shown(tmp_path, model):
    bed, lines = played(tmp_path / "bed", model, silent=True)
    shown, loud = (drawn(bed, 1200.0, silent=silent) for silent in (True, False))

    assert isinstance(bed.decision, Risk)
    assert ("hypotension" in loud.lower(), "in 15 min" in loud) == (True, True)
    assert SILENT_TRIAL in shown
    assert not any(word in (shown + lines).lower() for word in ("hypotension", "in 15 min"))
    assert {line.split(" | ")[0] for line in lines.splitlines()} == {SILENT_TRIAL}
    assert lines.splitlines()[-1] == f"{SILENT_TRIAL} | no alarm condition"


def test_trouble_of_the_box_itself_is_shown(tmp_path, model):
    bed, _ = played(tmp_path / "bed", model, silent=True, lost_s=120)
    bed.report("log", "No space left on device")
    shown = drawn(bed, 1310.0, silent=True)

    assert [c.technical for c in bed.watch.snapshot(1310.0).conditions]
    assert all(c.text in shown for c in bed.watch.snapshot(1310.0).conditions[:1])
    assert "log: No space left on device" in shown


def test_a_trial_that_keeps_nothing_is_refused(tmp_path, model):
    text = configured(tmp_path, model, silent=True)

    with pytest.raises(SettingsError, match=r"\[alarm\] silent: .*name a file in \[sinks\] log"):
        parse_settings(text[: text.rindex("log =")], "or3.toml")


def test_doctor_and_the_service_say_so_loudly(tmp_path, model, capsys):
    (tmp_path / "or3.toml").write_text(configured(tmp_path, model, silent=True))
    toy = parse_settings(configured(tmp_path, model, silent=True), "x").model
    trusted = ["--bundle", toy.bundle, "--trust", toy.trust]

    assert main(["doctor", "--config", str(tmp_path / "or3.toml"), *trusted]) == 0
    assert "SILENT TRIAL: forecasts are logged and not shown; NOTHING SOUNDS" in capsys.readouterr().out
    assert main(["run", "--check", "--config", str(tmp_path / "or3.toml")]) == 0
    assert SILENT_TRIAL in capsys.readouterr().err


def test_a_bed_says_that_its_forecasts_have_become_worse(tmp_path, model):
    status = {"status": "degraded", "since": "2026-11-20", "bundle": "toy-1", "reasons": ["slope: 0.5"]}
    (tmp_path / "status.json").write_text(json.dumps(status | {"judged_at": "2026-11-20T08:00:00+00:00"}))
    named = model + f'status = "{tmp_path / "status.json"}"\n'
    bed, _ = played(tmp_path / "bed", named, silent=False, minutes=1)

    assert "forecast quality: degraded since 2026-11-20: slope: 0.5" in drawn(bed, 60.0, silent=False)
