"""`barocast audit`: the verdict on a log, its rows for people, its rows for other programs."""

from __future__ import annotations

import csv
import io
import json

import pytest
from audited import damaged_by, wall, write_rows

from barocast.plugin.audit.seal import public_key
from barocast.plugin.cli import main


@pytest.fixture
def log(tmp_path):
    write_rows(tmp_path / "audit", 5)
    return tmp_path / "audit"


def said(capsys, *arguments):
    """What a command printed, line by line, and its status."""
    status = main(["audit", *map(str, arguments)])
    return status, capsys.readouterr()


def test_a_sound_log_is_said_to_be_so_with_what_to_note_elsewhere(log, capsys):
    status, printed = said(capsys, "verify", log.parent)

    assert status == 0
    assert f"{log}: sound: rows 1 to 6, signed to 6" in printed.out
    assert f"key {public_key(log).hex()}" in printed.out


@pytest.mark.req("SEC-04")
def test_a_broken_log_is_told_by_its_first_row_and_the_status(log, capsys):
    damaged_by(log, "DELETE FROM rows WHERE sequence=4")
    status, printed = said(capsys, "verify", log)

    assert (status, printed.out) == (1, "")
    assert printed.err == f"{log}: BROKEN at row 4: deleted: rows 4 to 4 are gone\n"


def test_every_log_below_a_folder_is_verified_and_one_broken_is_enough(log, capsys):
    write_rows(log.parent / "other", 3)
    damaged_by(log, "DELETE FROM rows WHERE sequence=4")
    status, printed = said(capsys, "verify", log.parent)

    assert (status, "other: sound" in printed.out, "BROKEN" in printed.err) == (1, True, True)


@pytest.mark.parametrize("from_file", [False, True])
def test_the_key_that_was_noted_decides(log, tmp_path, capsys, from_file):
    write_rows(tmp_path / "stranger", 1)
    noted = public_key(tmp_path / "stranger").hex()
    file = tmp_path / "noted.pub"
    file.write_text(noted + "\n")
    status, printed = said(capsys, "verify", log, "--key", file if from_file else noted)

    assert status == 1
    assert "BROKEN at row 6: foreign signature" in printed.err


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (("verify", "{log}", "--key", "zz"), "name one with --key"),
        (("verify", "{log}", "--key", "abcd"), "a public key has 32"),
        (("verify", "{log}/nowhere"), "name the [storage] folder"),
        (("show", "{log}/keys"), "name the [storage] folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_mend(log, capsys, arguments, mend):
    status, printed = said(capsys, *(each.format(log=log) for each in arguments))

    assert (status, mend in printed.err) == (2, True)


def test_a_log_whose_key_was_taken_away_says_how_to_go_on(log, capsys):
    (log / "keys" / "device.pub").unlink()
    status, printed = said(capsys, "verify", log)

    assert (status, "no public key" in printed.err) == (2, True)


def test_rows_are_shown_since_a_time_and_of_a_kind(log, capsys):
    _, all_of_them = said(capsys, "show", log)
    _, later = said(capsys, "show", log, "--since", wall(3.0))
    _, notes = said(capsys, "show", log, "--kind", "opened")

    assert len(all_of_them.out.splitlines()) == 6
    assert len(later.out.splitlines()) == 2
    assert notes.out.split() == ["1", wall(0.0), "opened", '{"unsigned":0}']


def test_json_and_jsonl_are_the_records_themselves(log, tmp_path, capsys):
    _, shown = said(capsys, "show", log, "--json")
    main(["audit", "export", str(log), "--out", str(tmp_path / "log.jsonl")])
    records = [json.loads(line) for line in shown.out.splitlines()]

    assert (tmp_path / "log.jsonl").read_text() == shown.out
    assert [record["sequence"] for record in records] == [1, 2, 3, 4, 5, 6]


def test_a_table_has_a_column_for_each_field_of_an_alarm(log, capsys):
    _, printed = said(capsys, "export", log, "--format", "csv")
    table = list(csv.DictReader(io.StringIO(printed.out)))

    assert [row["transition"] for row in table] == [""] + ["raised"] * 5
    assert (table[0]["note"], table[1]["note"]) == ('{"unsigned":0}', "")
    assert json.loads(table[1]["limits"])["risk on"] == 0.31


def test_a_damaged_file_is_one_line(log, capsys):
    (log / "audit.db").write_bytes(b"not a database" * 1000)
    status, printed = said(capsys, "show", log)
    verdict, verified = said(capsys, "verify", log)

    assert (status, "damaged (file is not a database)" in printed.err) == (2, True)
    assert (verdict, "BROKEN at row 1: damaged" in verified.err) == (1, True)
