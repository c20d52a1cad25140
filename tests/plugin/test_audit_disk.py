"""The log on a real small disk that fills up, or cannot be written: tmpfs, where this test may mount one."""

from __future__ import annotations

import contextlib
import subprocess
import time
from contextlib import closing

import pytest
from audited import ORIGIN, RAISED, wall

from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.reading import opened, rows, said
from barocast.plugin.audit.reserve import Reserve
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify


@pytest.fixture
def disk(tmp_path):
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    told = mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", folder)
    if told:
        pytest.skip(f"no small disk here: {told}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def mount(*arguments) -> str:
    """Mount; give why that could not be done."""
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip()


def fill(disk):
    """Leave no byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 512):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return filler


def told(folder):
    with opened(folder) as db:
        return [said(row) for row in rows(db)]


def until_well(log, seconds=5.0):
    ends = time.monotonic() + seconds
    while log.trouble and time.monotonic() < ends:
        time.sleep(0.01)
    return log.trouble == ""


@pytest.mark.req("RUN-06")
def test_a_full_disk_has_room_for_the_log_and_when_that_is_used_up_rows_wait(disk):
    reserve = Reserve(disk)
    held = reserve.hold()
    with closing(AuditLog(disk / "audit", ORIGIN, reserve=reserve, retry_s=0.02, wait_s=5.0)) as log:
        log.note("start", {}, wall(0.0))
        filler = fill(disk)
        first = log.write(RAISED, wall(1.0))
        given_up = not reserve.held
        while (receipt := log.write(RAISED, wall(2.0))).ok:
            pass
        waiting = log.write(RAISED, wall(3.0))
        filler.unlink()
        well = until_well(log)
        back = log.write(RAISED, wall(4.0))
    walls = [record["wall"] for record in told(disk / "audit") if record["kind"] == "alarm"]
    kinds = [record["kind"] for record in told(disk / "audit")]

    assert (held, first.ok, given_up) == (True, True, True)
    assert receipt.text == f"audit log: {disk / 'audit'}: database or disk is full"
    assert (waiting.ok, well, back.ok) == (False, True, True)
    assert (walls[0], walls[-2:], walls) == (wall(1.0), [wall(3.0), wall(4.0)], sorted(walls))
    assert kinds[-2:] == ["log restored", "alarm"]
    assert verify(disk / "audit", public_key(disk / "audit")).finding is None


@pytest.mark.req("RUN-06")
def test_a_disk_that_cannot_be_written_is_told_and_its_rows_come_when_it_can(disk):
    mount("-o", "remount,ro", disk)
    with closing(AuditLog(disk / "audit", ORIGIN, retry_s=0.02, wait_s=5.0)) as log:
        receipt = log.write(RAISED, wall(1.0))
        mount("-o", "remount,rw", disk)
        well = until_well(log)

    assert (receipt.ok, "Read-only file system" in receipt.text) == (False, True)
    assert well
    assert [record["kind"] for record in told(disk / "audit")] == ["opened", "alarm", "log restored"]


def test_a_log_on_a_read_only_disk_can_be_verified_as_a_power_cut_left_it(disk):
    log = AuditLog(disk, ORIGIN, wait_s=5.0)
    log.write(RAISED, wall(1.0))
    cut = disk / "cut"
    cut.mkdir()
    for name in ("audit.db", "audit.db-wal", "head.json", "keys"):
        subprocess.run(["cp", "-r", disk / name, cut], check=True)
    log.close()
    mount("-o", "remount,ro", disk)
    verdict = verify(cut, public_key(cut))

    assert (verdict.finding, verdict.last) == (None, 2)


def test_a_reserve_is_no_larger_than_its_share_of_a_small_disk(disk):
    reserve = Reserve(disk)

    assert (reserve.hold(), (disk / "reserve").stat().st_size) == (True, (2 << 20) // 20)
