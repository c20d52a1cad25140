"""`barocast feed` lists the feeds, checks one, and exits 0 only when nothing failed."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from barocast.plugin import feed_command
from barocast.plugin.conformance import check, interface
from barocast.plugin.feeds import feed_names, find_feed
from barocast.plugin.monitors import MASIMO
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _few_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit has tests of its own."""
    monkeypatch.setattr(check, "CHECKS", interface.CHECKS)


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    feed_command.add_arguments(parser)
    return feed_command.run(parser.parse_args([str(argument) for argument in arguments]))


def test_every_feed_is_listed_with_what_it_is_heard_on(capsys):
    status = run("list")
    lines = capsys.readouterr().out.splitlines()

    assert (status, [line.split()[0] for line in lines]) == (0, list(feed_names()))
    assert "masimo              serial, tcp; stale after 5 s; virtual monitor" in lines
    assert "vital               files only; no virtual monitor" in lines


def test_a_check_prints_every_finding_and_a_grade(capsys):
    status = run("check", "masimo")
    first, *findings, last = capsys.readouterr().out.splitlines()

    assert (status, len(findings), last) == (0, len(interface.CHECKS), "masimo conforms: 4 pass")
    assert first.startswith("masimo: recording: 6,136 bytes, 60 s of its virtual monitor; seed ")


def test_a_fault_is_printed_with_place_and_mend_and_exits_with_one(capsys, monkeypatch):
    broken = replace(MASIMO, stale_s=0.0)
    monkeypatch.setattr(feed_command, "find_feed", lambda name: broken)
    status = run("check", "masimo")
    said = capsys.readouterr().out

    assert (status, said.splitlines()[-1]) == (1, "masimo fails: 3 pass, 1 fail")
    assert "FAIL       interface  feed            stale_s is 0.0: 0 to 600 s\n" in said
    assert "at the Feed behind the entry point; see the docstrings of plugin.feeds.Feed" in said


def test_the_report_is_written_as_json_too(tmp_path: Path):
    run("check", "bis", "--json", tmp_path / "report.json", "--seed", "3")
    report = json.loads((tmp_path / "report.json").read_text())

    assert (report["feed"], report["grade"], report["seed"]) == ("bis", "conforms", 3)
    assert report["findings"][0] == {
        "part": "interface",
        "name": "feed",
        "grade": "pass",
        "evidence": "serial, tcp; stale after 5 s",
        "place": "",
        "mend": "",
    }


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("check",), SettingsError, "name one of bis,"),
        (("check", "bsi"), SettingsError, "the nearest is 'bis'"),
        (("check", "bis", "--seed", "-1"), SettingsError, "must be 0 or more"),
        (("check", "bis", "--recording", "nowhere.bin"), InputError, "nowhere.bin: cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, error, said):
    with pytest.raises(error, match=said):
        run(*arguments)


def test_a_feed_that_calls_itself_otherwise_is_refused(monkeypatch):
    monkeypatch.setattr(feed_command, "find_feed", lambda name: find_feed("bis"))

    with pytest.raises(SettingsError, match="'masimo': calls itself 'bis'"):
        run("check", "masimo")
