"""A storage folder stays within its quota: the oldest goes first, the open case and the log never."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.audit import reserve as reserve_module
from barocast.plugin.audit.keeping import UNSET_BEFORE, Keeping, Kept, Limits, look, plan, size_of
from barocast.plugin.audit.reserve import Reserve
from barocast.plugin.recorder import Recorder

NOW_S = 1_800_000_000.0
HOUR_S = 3600.0
ROOMY = Limits(quota_bytes=10**9, waves_s=72 * HOUR_S)


def kept(name, size=100, age_h=1.0, *, is_open=False):
    return Kept(Path(name), size, NOW_S - age_h * HOUR_S, is_open)


def doomed(files, limits=ROOMY, fixed=0):
    return [(str(each.file.path), each.why) for each in plan(files, fixed, limits, NOW_S)]


def placed(folder, name, size, age_h):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (NOW_S - age_h * HOUR_S,) * 2)
    return path


def keeping(folder, quota, **more):
    return Keeping(folder, Limits(quota, 72 * HOUR_S), lambda: NOW_S, **more)


def test_what_is_older_than_it_may_be_goes():
    assert doomed([kept("new", age_h=71.9), kept("old", age_h=72.1)]) == [("old", "age")]


def test_over_the_quota_the_oldest_go_until_the_rest_fits():
    files = [kept(f"{age}", age_h=age) for age in (3, 1, 4, 2)]

    assert doomed(files, Limits(350, 72 * HOUR_S), fixed=100) == [("4", "quota"), ("3", "quota")]


def test_what_went_for_its_age_counts_towards_the_quota():
    files = [kept("old", size=300, age_h=80), kept("young", size=100)]

    assert doomed(files, Limits(150, 72 * HOUR_S)) == [("old", "age")]


def test_the_open_case_stays_however_old_and_large():
    files = [kept("open", size=10**6, age_h=100, is_open=True), kept("closed")]

    assert doomed(files, Limits(1000, 72 * HOUR_S)) == [("closed", "quota")]


def test_a_file_from_an_unset_clock_goes_for_the_quota_alone():
    file = Kept(Path("1970"), 100, 3600.0)

    assert doomed([file]) == []
    assert doomed([file], Limits(50, 72 * HOUR_S)) == [("1970", "quota")]
    assert NOW_S > UNSET_BEFORE


files_of_any_kind = st.lists(
    st.builds(
        Kept,
        st.integers(0, 999).map(lambda n: Path(str(n))),
        st.integers(0, 10_000),
        st.floats(0, NOW_S + 1e6),
        st.booleans(),
    ),
    unique_by=lambda file: file.path,
)


@pytest.mark.req("RUN-06")
@settings(max_examples=200, deadline=None)
@given(files=files_of_any_kind, fixed=st.integers(0, 20_000), quota=st.integers(0, 50_000))
def test_any_plan_ends_within_the_quota_or_with_nothing_left_and_spares_the_open(files, fixed, quota):
    limits = Limits(quota, 72 * HOUR_S)
    gone = [each.file for each in plan(files, fixed, limits, NOW_S)]
    left = [file for file in files if file not in gone]

    assert not any(file.is_open for file in gone)
    assert fixed + sum(file.size for file in left) <= quota or all(file.is_open for file in left)
    for_space = [each.file for each in plan(files, fixed, limits, NOW_S) if each.why == "quota"]
    younger = [file for file in left if not file.is_open]
    assert all(a.changed_s <= b.changed_s for a in for_space for b in younger)


@pytest.mark.req("RUN-06")
def test_a_folder_is_brought_within_its_quota_and_says_what_went(tmp_path):
    oldest = placed(tmp_path, "cases/a.brcase", 40_000, age_h=5)
    newer = placed(tmp_path, "recordings/or-3/b.brec", 40_000, age_h=4)
    log = placed(tmp_path, "audit/audit.db", 40_000, age_h=1000)
    told = []
    keeper = keeping(tmp_path, 90_000, tell=lambda *note: told.append(note))
    keeper.once()

    assert (oldest.exists(), newer.exists(), log.exists()) == (False, True, True)
    assert size_of(tmp_path) <= 90_000
    assert told == [("deleted", {"bytes": 40_960, "age": 0, "quota": 1})]
    assert keeper.trouble == ""


def test_what_is_being_written_is_spared(tmp_path):
    recorder = Recorder(tmp_path / "recordings", "masimo", wall=lambda: NOW_S)
    recorder.record(b"SPO2=097 HR=072\r\n", 0.0)
    old = placed(tmp_path, "recordings/old.brec", 8192, age_h=1)
    keeping(tmp_path, 0, open_files=lambda: [recorder.writing]).once()
    open_files = [file.path for file in look(tmp_path, frozenset([recorder.writing])) if file.is_open]
    recorder.close()

    assert not old.exists()
    assert [path.name[-9:] for path in open_files] == ["0001.brec"]
    assert recorder.writing is None


def test_a_quota_that_the_log_alone_exceeds_is_a_trouble(tmp_path):
    placed(tmp_path, "audit/audit.db", 40_000, age_h=0)
    keeper = keeping(tmp_path, 10_000)
    keeper.once()

    assert keeper.trouble == f"{tmp_path}: 30,960 bytes over its quota, and nothing left to delete"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    outside = placed(tmp_path, "outside/precious", 8192, age_h=1000)
    (tmp_path / "storage" / "cases").mkdir(parents=True)
    (tmp_path / "storage" / "cases" / "link").symlink_to(outside)
    (tmp_path / "storage" / "recordings").symlink_to(outside.parent)
    keeping(tmp_path / "storage", 0).once()

    assert outside.exists()


def test_the_reserve_is_given_up_once_and_taken_again_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(reserve_module, "RESERVE_BYTES", 1 << 20)
    reserve = Reserve(tmp_path)
    keeper = keeping(tmp_path, 10**7, reserve=reserve)
    keeper.once()
    took = size_of(tmp_path)
    freed = (reserve.free(), reserve.free(), reserve.held)
    keeper.once()

    assert took == 1 << 20
    assert freed == (True, False, False)
    assert reserve.held


def test_a_disk_without_room_for_the_reserve_is_a_trouble(tmp_path, monkeypatch):
    monkeypatch.setattr(reserve_module, "LARGEST_SHARE", 1)
    monkeypatch.setattr(reserve_module, "RESERVE_BYTES", 1 << 60)
    keeper = keeping(tmp_path, 10**7, reserve=Reserve(tmp_path))
    keeper.once()

    assert keeper.trouble == f"{tmp_path}: too full to hold space back for the log"


def test_a_thread_keeps_on_until_it_is_told_to_stop(tmp_path):
    stopping, seen = Event(), []
    keeper = keeping(tmp_path, 0, tell=lambda *note: seen.append(note))
    placed(tmp_path, "cases/a", 5000, age_h=1)
    thread = Thread(target=keeper.run, args=(stopping, 0.01))
    thread.start()
    stopping.set()
    thread.join(5.0)

    assert (thread.is_alive(), len(seen)) == (False, 1)
