"""A folder is there whole or not at all, whatever fails and whenever."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from full_disk import FullDisk

from barocast.export.whole_folder import beside, whole_folder
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b")


def write(place: Path, content: bytes) -> None:
    with whole_folder(place, NAMES) as draft:
        for name in NAMES:
            (draft / name).write_bytes(content)


def write_half(place: Path) -> None:
    with whole_folder(place, NAMES) as draft:
        (draft / "a").write_bytes(b"half")
        raise ValueError("mine")


def held(place: Path) -> dict[str, bytes] | None:
    return {path.name: path.read_bytes() for path in place.iterdir()} if place.exists() else None


OLD, NEW = (dict.fromkeys(NAMES, content) for content in (b"old", b"new"))


def fails_at(place: Path, monkeypatch, number: int, *, lasting: bool) -> bool:
    """Write with that operation failing; say whether it failed."""
    with monkeypatch.context() as patch:
        disk = FullDisk(patch, number, lasting=lasting)
        try:
            write(place, b"new")
        except SettingsError as error:
            said = str(error)
        else:
            said = ""
    assert bool(said) == (disk.done >= number)
    assert not said or "cannot be written (No space left on device); what stood there" in said
    return bool(said)


@pytest.mark.parametrize("before", [None, OLD])
def test_a_disk_that_refuses_once_at_any_moment_leaves_what_stood_there(tmp_path, monkeypatch, before):
    place = tmp_path / "bundle"
    if before:
        write(place, b"old")

    number = 1
    while fails_at(place, monkeypatch, number, lasting=False):
        assert held(place) == before
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"] * bool(before)
        number += 1
    assert number > len(NAMES) + 3
    assert held(place) == NEW


@pytest.mark.parametrize("before", [None, OLD])
def test_a_disk_that_stays_full_never_leaves_half_a_folder_nor_loses_the_old_one(
    tmp_path, monkeypatch, before
):
    place = tmp_path / "bundle"
    number = 1
    while True:
        if before:
            write(place, b"old")
        if not fails_at(place, monkeypatch, number, lasting=True):
            break
        assert held(place) in (before, NEW, None)
        assert held(place) or held(beside(place, "old")) == before
        for path in tmp_path.iterdir():
            assert held(path) in (OLD, NEW) or path == beside(place, "draft")
            shutil.rmtree(path)
        number += 1
    assert held(place) == NEW


def test_an_error_inside_leaves_what_stood_there(tmp_path):
    place = tmp_path / "bundle"
    write(place, b"old")

    with pytest.raises(ValueError, match="mine"):
        write_half(place)
    assert held(place) == OLD
    assert not beside(place, "draft").exists()


def test_what_a_kill_left_set_aside_is_taken_back(tmp_path):
    place = tmp_path / "bundle"
    write(place, b"old")
    place.rename(beside(place, "old"))

    with pytest.raises(ValueError, match="mine"):
        write_half(place)
    assert held(place) == OLD


def test_a_file_in_its_place_is_named(tmp_path):
    (tmp_path / "bundle").write_text("")

    with pytest.raises(SettingsError, match="bundle: is a file; name a folder"):
        write(tmp_path / "bundle", b"new")
