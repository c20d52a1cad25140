"""The bed's rows reach the disk or are told not to; a bad disk costs the bed nothing but its log."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from audited import ORIGIN, RAISED, Clocks, MemoryBook, entry, moment, wall

from barocast.plugin.audit import ledger as ledger_module
from barocast.plugin.audit import log as log_module
from barocast.plugin.audit.ledger import Ledger
from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.reading import opened, rows, said
from barocast.plugin.audit.scribe import Scribe
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify
from barocast.plugin.feeds import find_feed
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.events import FeedLost, Log
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.engines import OrtEngine
from barocast.runtime.trust import trusted_keys

DAY_S = 86_400.0
ROOT = Path(__file__).resolve().parents[2]
FULL = sqlite3.OperationalError("database or disk is full")
GONE = OSError(5, "Input/output error")
CANARIES = ("Zanahoria", "Quetzalcoatl", "MRN-77-1234567", "19480229")


def told(folder):
    with opened(folder) as db:
        return [said(row) for row in rows(db)]


@contextmanager
def logging_to(book, folder=Path("folder"), *, wait_s=5.0, **more):
    with closing(AuditLog(folder, ORIGIN, opened=book.open, retry_s=0.02, wait_s=wait_s, **more)) as log:
        yield log


def until(true, seconds=5.0):
    """Wait until something is true; tell whether it came to be."""
    ends = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < ends:
        time.sleep(0.005)
    return done


@pytest.mark.req("ALM-11")
def test_a_row_whose_receipt_is_ok_is_on_the_disk_already(tmp_path):
    with closing(AuditLog(tmp_path, ORIGIN, wait_s=5.0)) as log:
        receipt = log.write(RAISED, wall(60.0))
        kinds = [record["kind"] for record in told(tmp_path)]
        body = told(tmp_path)[-1]["body"]

    assert (receipt.ok, kinds) == (True, ["opened", "alarm"])
    assert (body["transition"], body["score"], body["threshold"], body["now_s"]) == ("raised", 0.9, 0.4, 60.0)


def test_a_log_that_was_closed_is_signed_to_its_end(tmp_path):
    with closing(AuditLog(tmp_path, ORIGIN, wait_s=5.0)) as log:
        log.note("start", {"version": "0.1.0"}, wall(0.0))
        log.write(RAISED, wall(60.0))
        log.note("stop", {}, wall(61.0))
    verdict = verify(tmp_path, public_key(tmp_path))

    assert (verdict.finding, verdict.last, verdict.signed_to) == (None, 4, 4)


@pytest.mark.parametrize(
    ("fails", "said"), [(None, "audit log: folder"), (GONE, f"audit log: folder: {GONE}")]
)
def test_the_self_test_opens_the_log(fails, said):
    book = MemoryBook(fails=fails)
    with logging_to(book) as log:
        test = log.self_test()

    assert (test.ok, test.text) == (fails is None, said)
    assert book.opened > 0


@pytest.mark.req("RUN-06")
@pytest.mark.parametrize("failure", [FULL, GONE, sqlite3.OperationalError("disk I/O error")])
def test_rows_wait_out_a_bad_disk_in_order_and_a_row_behind_them_says_so(failure):
    book = MemoryBook(fails=failure)
    with logging_to(book) as log:
        receipts = [log.note("counted", {"number": n}, wall(n)) for n in range(5)]
        trouble = log.trouble
        book.fails = None
        well = until(lambda: log.trouble == "")
        later = log.note("counted", {"number": 5}, wall(5.0))
    restored = book.bodies[5]

    assert [receipt.ok for receipt in receipts] == [False] * 5
    assert trouble == f"audit log: folder: {failure}" == receipts[-1].text
    assert (well, later.ok) == (True, True)
    assert book.kinds == ["counted"] * 5 + ["log restored", "counted", "closed"]
    assert [body["number"] for body in book.bodies if "number" in body] == [0, 1, 2, 3, 4, 5]
    assert (restored["waited"], restored["lost"], restored["why"]) == (5, 0, str(failure))


@pytest.mark.req("RUN-06", "ALM-06")
def test_a_disk_that_hangs_holds_up_one_turn_of_the_loop_and_no_other():
    book = MemoryBook()
    with logging_to(book, wait_s=0.3) as log:
        book.answers.clear()
        began = time.monotonic()
        receipts = [log.note("counted", {"number": n}, wall(n)) for n in range(50)]
        spent_s = time.monotonic() - began
        trouble = log.trouble
        book.answers.set()
        well = until(lambda: "log restored" in book.kinds)

    assert not any(receipt.ok for receipt in receipts)
    assert spent_s < 50 * 0.3 / 2, "each row waited for the disk"
    assert trouble == f"audit log: folder: {log_module.NO_ANSWER}"
    assert well
    assert [body["number"] for body in book.bodies if "number" in body] == list(range(50))


def test_memory_is_bounded_and_what_was_lost_is_counted(monkeypatch):
    monkeypatch.setattr(log_module, "MOST_WAITING", 10)
    book = MemoryBook(fails=GONE)
    with logging_to(book) as log:
        receipts = [log.note("counted", {"number": n}, wall(n)) for n in range(14)]
        trouble = log.trouble
        book.fails = None
        until(lambda: log.trouble == "")

    assert not any(receipt.ok for receipt in receipts)
    assert trouble.endswith(log_module.NO_ROOM)
    assert book.kinds == ["counted"] * 10 + ["log restored", "closed"]
    assert book.bodies[-1]["lost"] == 4


def test_a_full_disk_is_tried_on_the_same_book_and_a_failing_one_opened_anew():
    opened_by = []
    for failure in (FULL, GONE):
        book = MemoryBook()
        with logging_to(book) as log:
            log.note("counted", {}, wall(0.0))
            book.fails = failure
            log.note("counted", {}, wall(0.0))
            book.fails = None
            until(lambda watched=log: watched.trouble == "")
        opened_by.append(book.opened)

    assert opened_by == [1, 2]


def test_closing_does_not_wait_for_a_disk_that_hangs(monkeypatch):
    monkeypatch.setattr(log_module, "CLOSE_S", 0.05)
    book = MemoryBook()
    book.answers.clear()
    log = AuditLog(Path("folder"), ORIGIN, opened=book.open, wait_s=0.01)
    receipt = log.write(RAISED, wall(0.0))
    log.close()

    assert (receipt.ok, book.kinds) == (False, [])
    book.answers.set()


@pytest.mark.req("SEC-04")
def test_rows_are_signed_within_a_minute_though_no_others_come(tmp_path):
    scribe = Scribe(lambda now: Ledger(tmp_path, ORIGIN, now), log_days=90.0)
    scribe.write([entry(1.0)], moment(1.0))
    signed = []
    for t_s in (20.0, 40.0):
        scribe.tend(moment(t_s))
        signed.append(verify(tmp_path, public_key(tmp_path)).signed_to)
    scribe.close()

    assert signed == [1, 2]


@pytest.mark.req("ALM-11")
def test_rows_older_than_the_days_they_are_kept_for_are_pruned_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_module, "ALWAYS_KEPT", 2)
    scribe = Scribe(lambda now: Ledger(tmp_path, ORIGIN, now), log_days=1.0)
    scribe.write([entry(t_s) for t_s in range(10)], moment(0.0))
    for t_s in (DAY_S - 70.0, DAY_S + 5.0):
        scribe.tend(moment(t_s))
        sequences = [record["sequence"] for record in told(tmp_path)]
        scribe.write([entry(t_s)], moment(t_s))
    scribe.close()

    assert sequences == [7, 8, 9, 10, 11, 12, 13]
    assert verify(tmp_path, public_key(tmp_path)).finding is None


@pytest.mark.req("RUN-04")
def test_a_row_tells_that_the_wall_clock_was_set_before_the_rows_that_follow():
    clocks, book = Clocks(is_synced=False), MemoryBook()
    with logging_to(book, sources=clocks.sources) as log:
        log.note("counted", {"number": 1}, "")
        clocks.set_by_s = -3600.0
        log.note("counted", {"number": 2}, "")
        log.note("counted", {"number": 3}, "")

    assert book.bodies == [{"number": 1}, {"by_s": -3600.0}, {"number": 2}, {"number": 3}]
    assert book.kinds[1] == "clock stepped"


WRITER = """
import sys
from pathlib import Path
from audited import ORIGIN
from barocast.plugin.audit.log import AuditLog
log, number = AuditLog(Path(sys.argv[1]), ORIGIN, wait_s=30.0), int(sys.argv[2])
while log.note("counted", {"number": number}, "").ok:
    print(number, flush=True)
    number += 1
"""
"""Says which row was acknowledged before it writes the next."""


@pytest.mark.req("ALM-11", "P10")
def test_no_acknowledged_row_is_lost_to_kills(tmp_path):
    acknowledged = []
    for kill in range(10):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(len(acknowledged))]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
            acknowledged += [int(writer.stdout.readline()) for _ in range(3 + 5 * kill % 17)]
            writer.kill()
            acknowledged += [int(line) for line in writer.stdout]

    with opened(tmp_path) as db:
        kept = [said(row)["body"].get("number") for row in rows(db)]
    assert set(acknowledged) <= set(kept)
    assert verify(tmp_path, public_key(tmp_path)).finding is None


def named_message(second):
    """What a gateway sends that has not heard of data protection."""
    stamp = f"2026030108{second // 60:02}{second % 60:02}+0000"
    name = "Zanahoria^Quetzalcoatl"
    rows_ = [
        rf"MSH|^~\&|GW|{CANARIES[2]}|||{stamp}||ORU^R01^ORU_R01|{second}|P|2.6",
        f"PID|1||{CANARIES[2]}||{name}||{CANARIES[3]}|F",
        f"PV1|1|I|OR^{CANARIES[2]}||||{name}",
        f"OBR|1|||69965^{CANARIES[0]}^MDC|||{stamp}",
        f"OBX|1|NM|150039^{CANARIES[1]}^MDC|1.1.1.1|70|266016^MDC_DIM_MMHG^MDC|||||R|||{stamp}||{name}",
    ]
    return wrap("\r".join(rows_).encode() + b"\r")


@pytest.mark.req("SEC-06")
def test_nothing_that_names_a_patient_reaches_the_log(tmp_path):
    """Every transition of a bed whose feed names the patient in every field that could hold a name."""
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    watch, session = Watch(bundle, OrtEngine(bundle)), find_feed("hl7").session()
    written = 0
    with closing(AuditLog(tmp_path, ORIGIN, wait_s=5.0)) as log:
        for second in range(0, 600, 10):
            events, _ = session.receive(named_message(second), float(second))
            outcomes = watch.feed(events, float(second))
            effects = [each for outcome in outcomes for each in outcome.effects]
            effects += watch.tell(FeedLost("bed", 10.0, session.status), float(second))
            for effect in effects:
                if isinstance(effect, Log):
                    written += log.write(effect.row, wall(second)).ok
    found = [path for path in tmp_path.rglob("*") if path.is_file() and named_in(path.read_bytes())]

    assert session.counts.samples > 0
    assert (written > 0, found) == (True, [])


def named_in(data):
    return [canary for canary in CANARIES if canary.encode() in data]
