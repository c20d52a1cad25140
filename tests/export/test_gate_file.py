"""The gate as a file, and a change-control record in which nothing can be altered unseen."""

from __future__ import annotations

import hashlib
import json

import pytest

from barocast.calibration.gate import Finding, Floor
from barocast.export.validation.gate_file import read_floors, read_record, record
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
        newest = record(path, f"2026-01-0{day}", "report", REPORT, FINDINGS)
    lines = path.read_text().splitlines()

    assert [json.loads(line)["passed"] for line in lines] == [True] * 3
    assert newest == hashlib.sha256(lines[2].encode()).hexdigest()
    assert read_record(path).splitlines() == lines
    for spoiled in ([lines[0], lines[2]], [lines[0].replace("b-1", "b-2"), *lines[1:]], [*lines, "{}"]):
        path.write_text("\n".join(spoiled) + "\n")
        with pytest.raises(InputError, match=r"changes.jsonl:\d"):
            read_record(path)


def test_a_last_line_that_lost_its_end_is_kept_whole(tmp_path):
    path = tmp_path / "changes.jsonl"
    record(path, "2026-01-01", "report", REPORT, FINDINGS)
    path.write_text(path.read_text().removesuffix("\n"))
    record(path, "2026-01-02", "report", REPORT, FINDINGS)

    days = [json.loads(line)["when"] for line in read_record(path).splitlines()]
    assert days == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none/changes.jsonl", None, "cannot be written .there is no folder .*none"),
        ("changes.jsonl", b'{"when": "J\xe4nner"}', "byte 11 is no UTF-8; restore"),
        ("", None, "cannot be read .Is a directory.; name a file"),
    ],
)
def test_a_record_that_cannot_be_kept_is_refused_with_its_mend(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises((InputError, SettingsError), match=said):
        read_record(tmp_path / name)


def test_a_folder_without_leave_to_write_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)

    with pytest.raises(SettingsError, match="no permission"):
        read_record(tmp_path / "changes.jsonl")
    assert not (tmp_path / "changes.jsonl").exists()


def test_a_spoiled_record_takes_no_further_line(tmp_path):
    path = tmp_path / "changes.jsonl"
    path.write_text('{"previous": "elsewhere"}\n')

    with pytest.raises(InputError, match=":1:"):
        record(path, "now", "report", REPORT, FINDINGS)
    assert path.read_text().count("\n") == 1
