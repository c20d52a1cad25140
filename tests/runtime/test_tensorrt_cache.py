"""Plans on disk: found by everything they depend on, whole or absent, and nobody else's."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import pytest

from barocast.runtime.errors import EngineUnavailable, SettingsError
from barocast.runtime.tensorrt.cache import MOST_ENTRIES, Key, PlanCache

KEY = Key("ab" * 32, "TensorRT 10.3.0", "Orin", "8.7", "as-typed")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "engines"


@pytest.fixture
def cache(folder):
    return PlanCache(folder)


def entry(folder):
    (found,) = folder.iterdir()
    return found


def test_what_is_kept_is_found_again(cache):
    cache.put(KEY, b"plan\n\0bytes")

    assert cache.get(KEY) == b"plan\n\0bytes"


@pytest.mark.parametrize("part", [field.name for field in fields(Key)])
def test_a_plan_is_found_only_by_the_whole_of_its_key(cache, part):
    cache.put(KEY, b"plan")

    with pytest.raises(EngineUnavailable, match=r"no plan of .* for this bundle and "):
        cache.get(replace(KEY, **{part: "another"}))


def test_looking_makes_no_folder(cache, folder):
    with pytest.raises(EngineUnavailable):
        cache.get(KEY)

    assert not folder.exists()


def test_folder_and_entries_are_the_owners_alone(cache, folder):
    cache.put(KEY, b"plan")

    assert (folder.stat().st_mode & 0o777, entry(folder).stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda kept: kept[:-1], "damaged"),
        (lambda kept: kept + b"x", "damaged"),
        (lambda kept: kept[:-1] + b"N", "damaged"),
        (lambda kept: b"", "damaged"),
        (lambda kept: b"{" * 100_000, "damaged"),
        (lambda kept: b"\xff\xfe\n" + kept, "damaged"),
        (lambda kept: b"[]\n" + kept, "another key"),
        (lambda kept: kept.replace(b"10.3.0", b"11.4.0"), "another key"),
    ],
)
def test_a_damaged_or_foreign_entry_is_not_used_and_the_file_named(cache, folder, damage, reason):
    cache.put(KEY, b"plan")
    path = entry(folder)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(EngineUnavailable, match=f"{path.name}: not used, .*{reason}"):
        cache.get(KEY)

    cache.put(KEY, b"built again")
    assert cache.get(KEY) == b"built again"


def test_an_entry_that_others_may_write_is_not_used(cache, folder):
    cache.put(KEY, b"plan")
    entry(folder).chmod(0o620)

    with pytest.raises(EngineUnavailable, match="you alone"):
        cache.get(KEY)


def test_a_link_and_a_pipe_are_not_used(cache, folder, tmp_path):
    cache.put(KEY, b"plan")
    path = entry(folder)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineUnavailable, match="not used"):
        cache.get(KEY)

    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(EngineUnavailable, match="no plain file"):
        cache.get(KEY)


def test_a_folder_that_others_may_write_is_neither_read_nor_written(cache, folder):
    cache.put(KEY, b"plan")
    folder.chmod(0o770)

    with pytest.raises(EngineUnavailable, match="the folder is not one that you own"):
        cache.get(KEY)
    with pytest.raises(SettingsError, match="the folder is not one that you own"):
        cache.put(KEY, b"plan")


def test_a_disk_that_is_full_leaves_the_old_entry_and_no_half_one(cache, folder, monkeypatch):
    cache.put(KEY, b"plan")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match=r"No space left on device.*name a folder"):
        cache.put(KEY, b"newer")

    assert cache.get(KEY) == b"plan"
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match=r"keeps no plan .*Not a directory"):
        PlanCache(tmp_path / "file" / "engines").put(KEY, b"plan")


def test_the_oldest_go_when_there_are_too_many(cache, folder):
    keys = [replace(KEY, content=f"{at:064x}") for at in range(MOST_ENTRIES + 3)]
    for at, key in enumerate(keys):
        cache.put(key, b"plan")
        os.utime(folder / f"{key.digest}.plan", (at, at))
    (folder / "half.part").write_bytes(b"of a build that was cut off")
    os.utime(folder / "half.part", (0, 0))

    cache.put(keys[-1], b"plan")

    assert len(list(folder.iterdir())) == MOST_ENTRIES
    assert cache.get(keys[-1]) == b"plan"
    with pytest.raises(EngineUnavailable):
        cache.get(keys[0])
