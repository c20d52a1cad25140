"""Configurations of earlier versions: migrated in memory, written anew with a copy, or refused."""

from __future__ import annotations

import sys
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin import backup
from barocast.plugin.cli import main
from barocast.plugin.migrate import migrate, migrate_path, numbered
from barocast.plugin.settings import load_tables
from barocast.plugin.toml_text import toml_text
from barocast.runtime.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def to_sound_table(tables):
    """What a second schema could be: the loudspeaker gets a table of its own."""
    device = tables.get("sinks", {}).pop("sound_device", "")
    if not device:
        return []
    tables["sinks"]["sound"] = {"device": device}
    return ["[sinks] sound_device is [sinks.sound] device now"]


def shorter(tables):
    """And a third."""
    tables["bed"] = {"name": tables.get("bed", {}).get("name", "bed")}
    return []


STEPS = (to_sound_table, shorter)
OLD = {"sinks": {"sound_device": "hw:1"}, "bed": {"name": "OR 3", "every_s": 30.0}}
NEW = {"sinks": {"sound": {"device": "hw:1"}}, "bed": {"name": "OR 3"}}
NOTES = ["[sinks] sound_device is [sinks.sound] device now"]


@pytest.mark.req("RUN-08")
def test_an_old_configuration_goes_through_every_step_and_stays_as_it_was():
    before = {**OLD, "sinks": {**OLD["sinks"]}}

    assert migrate(before, "or3.toml", STEPS) == (NEW, NOTES)
    assert before == OLD


def test_one_that_says_its_schema_begins_there():
    assert migrate({"schema": 3, **NEW}, "or3.toml", STEPS) == (NEW, [])
    assert migrate({"schema": 2, **NEW}, "or3.toml", STEPS) == (NEW, [])


@pytest.mark.req("RUN-08")
def test_one_of_a_newer_version_is_refused_with_the_mend():
    with pytest.raises(
        SettingsError, match=r"or3.toml: schema = 4: .*knows 3 and older; install .*or3.toml.bak-N"
    ):
        migrate({"schema": 4}, "or3.toml", STEPS)


@pytest.mark.parametrize("schema", [0, -1, 1.0, "1", True, [1]])
def test_a_schema_that_is_no_number_is_refused(schema):
    with pytest.raises(SettingsError, match="schema: must be a whole number from 1"):
        migrate({"schema": schema}, "or3.toml")


@pytest.mark.req("RUN-08")
def test_a_folder_is_written_anew_and_every_former_file_is_kept(tmp_path):
    (tmp_path / "box.toml").write_text("schema = 3\n")
    old = f"# by hand\n{toml_text(OLD)}"
    (tmp_path / "or3.toml").write_text(old)
    (tmp_path / "or3.toml.bak-1").write_text("earlier")
    said = migrate_path(tmp_path, load_tables, STEPS)

    assert said == [
        f"{tmp_path / 'box.toml'}: is of schema 3 already",
        f"{tmp_path}/or3.toml: from schema 1 to 3, the former is {tmp_path}/or3.toml.bak-2; {NOTES[0]}",
    ]
    assert (tmp_path / "or3.toml.bak-2").read_text() == old
    assert (tmp_path / "or3.toml.bak-1").read_text() == "earlier"
    assert load_tables(tmp_path / "or3.toml") == numbered(NEW, STEPS) == {"schema": 3, **NEW}


def test_one_file_that_cannot_be_migrated_leaves_the_others_as_they_are(tmp_path):
    (tmp_path / "a.toml").write_text(toml_text(OLD))
    (tmp_path / "b.toml").write_text("schema = 9\n")

    with pytest.raises(SettingsError, match=r"b\.toml"):
        migrate_path(tmp_path, load_tables, STEPS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.toml", "b.toml"]


def test_the_command_says_what_it_did(tmp_path, capsys):
    (tmp_path / "or3.toml").write_text(toml_text(OLD))

    assert main(["setup", "--migrate", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'or3.toml'}: is of schema 1 already\n"
    assert main(["setup", "--migrate", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err


KEYS = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=6)
VALUES = st.one_of(
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=8),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False),
    st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=4), max_size=3),
)
TABLES = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=3),
    lambda t: st.dictionaries(KEYS, t | VALUES, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(TABLES)
def test_tables_written_are_tables_read(tables):
    assert tomllib.loads(toml_text(tables)) == tables


@pytest.mark.parametrize("value", [None, [{"a": 1}], b"x"])
def test_what_no_configuration_holds_is_refused_with_its_place(value):
    with pytest.raises(SettingsError, match=r"feed\.kind: a configuration holds no"):
        toml_text({"feed": {"kind": value}})


def test_a_file_that_is_replaced_keeps_its_mode_and_its_former_self(tmp_path):
    path = tmp_path / "or3.toml"
    path.write_text("one")
    path.chmod(0o604)
    kept = backup.put(path, "two")

    assert (path.read_text(), kept.read_text(), kept.name) == ("two", "one", "or3.toml.bak-1")
    assert oct(path.stat().st_mode & 0o777) == "0o604"
    assert backup.put(tmp_path / "new.toml", "x") is None
    assert oct((tmp_path / "new.toml").stat().st_mode & 0o777) == "0o640"


def test_a_disk_that_is_full_leaves_the_former_file_in_place(tmp_path):
    path = tmp_path / "or3.toml"
    path.write_text("one")
    full = OSError(28, "No space left on device", str(path))

    with (
        patch.object(backup.os, "fsync", side_effect=full),
        pytest.raises(SettingsError, match="No space left"),
    ):
        backup.put(path, "two")
    assert (path.read_text(), list(tmp_path.glob("*.bak-*"))) == ("one", [])
