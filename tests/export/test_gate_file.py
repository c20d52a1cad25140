"""The gate as a file, and a change-control record in which nothing can be altered unseen."""

from __future__ import annotations

import json

import pytest

from barocast.calibration.gate import Finding, Floor
from barocast.export.validation.gate_file import check_record, read_floors, record
from barocast.runtime.errors import InputError, SettingsError

REPORT = {"about": {"bundle": "b-1", "model_sha256": "ab"}}
FINDINGS = [Finding(Floor("x", at_least=1), 2.0, passed=True, reason="x: 2 is at least 1")]


def test_floors_are_read(tmp_path):
    (tmp_path / "g.toml").write_text(
        '[[floor]]\nfigure = "a.b"\nat_least = 1\n[[floor]]\nfigure = "c"\nat_most = 2.5\n'
    )

    assert read_floors(tmp_path / "g.toml") == [Floor("a.b", at_least=1), Floor("c", at_most=2.5)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds nothing"),
        ("floor = 3", "holds nothing"),
        ('[[flor]]\nfigure = "a"', "flor"),
        ("[[floor]]\nat_least = 1", "floor 1: write figure"),
        ('[[floor]]\nfigure = "a"\nleast = 1', "floor 1: write figure"),
        ('[[floor]]\nfigure = "a"', "floor 1: a: give at_least"),
        ('[[floor]]\nfigure = "a"\nat_most = "x"', "floor 1"),
        ("[[floor", "cannot be read"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(tmp_path, text, said):
    (tmp_path / "g.toml").write_text(text)

    with pytest.raises(SettingsError, match=said):
        read_floors(tmp_path / "g.toml")


def test_the_record_is_a_chain(tmp_path):
    path = tmp_path / "changes.jsonl"
    for day in (1, 2, 3):
        record(path, f"2026-01-0{day}", "report", REPORT, FINDINGS)
    lines = path.read_text().splitlines()

    assert [json.loads(line)["passed"] for line in lines] == [True] * 3
    check_record(path, lines)
    for spoiled in ([lines[0], lines[2]], [lines[0].replace("b-1", "b-2"), *lines[1:]], [*lines, "{}"]):
        with pytest.raises(InputError, match=r"changes.jsonl:\d"):
            check_record(path, spoiled)


def test_a_spoiled_record_takes_no_further_line(tmp_path):
    path = tmp_path / "changes.jsonl"
    path.write_text('{"previous": "elsewhere"}\n')

    with pytest.raises(InputError, match=":1:"):
        record(path, "now", "report", REPORT, FINDINGS)
    assert path.read_text().count("\n") == 1
