"""Whatever is changed in a log behind its back is found, and told by its first row."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from audited import ORIGIN, damaged_by, entry, moment, wall, write_rows
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.plugin.audit import ledger as ledger_module
from barocast.plugin.audit.ledger import Ledger
from barocast.plugin.audit.log_file import write_head
from barocast.plugin.audit.reading import opened, read_head, rows, said, seals
from barocast.plugin.audit.row import GENESIS, Provenance, chained, make_row
from barocast.plugin.audit.seal import DeviceKey, Purpose, device_key, public_key, write_whole
from barocast.plugin.audit.verify import verify

COUNT = 200
"""Rows of the log that is damaged; the first is `opened`, so the last is COUNT + 1."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    write_rows(folder, COUNT)
    return folder


@pytest.fixture
def log(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "log")


def found_in(folder):
    finding = verify(folder, public_key(folder)).finding
    return (finding.sequence, finding.kind) if finding else None


def told(folder):
    with opened(folder) as db:
        return [said(row) for row in rows(db)]


def rewritten(folder, sequence, **changed):
    """Change a row's body and every hash from there on, as somebody who knows how the chain is made."""
    with closing(sqlite3.connect(folder / "audit.db", isolation_level=None)) as db:
        before = GENESIS
        for row in list(rows(db)):
            record = row.record
            if row.sequence == sequence:
                record = json.dumps({**said(row), **changed}, sort_keys=True, separators=(",", ":"))
            before = chained(before, record)
            db.execute("UPDATE rows SET record=?, hash=? WHERE sequence=?", (record, before, row.sequence))


def test_a_log_is_sound_as_it_was_written(sound):
    verdict = verify(sound, public_key(sound))

    assert (verdict.finding, verdict.first, verdict.last, verdict.signed_to) == (None, 1, 201, 201)


@pytest.mark.req("ALM-11")
def test_a_row_says_what_happened_when_by_both_clocks_at_which_limits_and_by_which_bundle(tmp_path):
    with closing_ledger(tmp_path) as ledger:
        ledger.append([entry(5.0, score=0.9, threshold=0.4)], 5.0)
    record = told(tmp_path)[-1]

    assert record == {
        "bed": "or-3",
        "body": {"transition": "raised", "score": 0.9, "threshold": 0.4},
        "boot_id": "boot-1",
        "bundle": "barocast-map-1",
        "bundle_sha256": "ab" * 32,
        "clock": "synced",
        "kind": "alarm",
        "limits": {"risk on": 0.31, "risk off": 0.2, "map mmHg": 65.0},
        "sequence": 2,
        "t_s": 5.0,
        "wall": wall(5.0),
    }


class closing_ledger:  # noqa: N801 - reads as the context manager that it is
    def __init__(self, folder, start_s=0.0):
        self.ledger = Ledger(folder, ORIGIN, moment(start_s))

    def __enter__(self):
        return self.ledger

    def __exit__(self, *failure):
        self.ledger.close(sealed=not any(failure))


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["UPDATE rows SET record=replace(record, 'raised', 'cleared') WHERE sequence=7"], (7, "edited")),
        (["UPDATE rows SET hash=zeroblob(32) WHERE sequence=7"], (7, "edited")),
        (["UPDATE rows SET record='x' WHERE sequence=7"], (7, "edited")),
        (["DELETE FROM rows WHERE sequence=7"], (7, "deleted")),
        (["DELETE FROM rows WHERE sequence<=7"], (1, "deleted")),
        (["DELETE FROM rows WHERE sequence>190"], (191, "truncated")),
        (["DELETE FROM rows WHERE sequence>190", "DELETE FROM seals WHERE sequence>190"], (191, "truncated")),
        (["DELETE FROM rows", "DELETE FROM seals"], (1, "truncated")),
        (["DELETE FROM rows WHERE sequence=7", "UPDATE rows SET sequence=sequence-1 WHERE sequence>7"],
         (7, "reordered")),
        (["UPDATE rows SET sequence=1000 WHERE sequence=7", "UPDATE rows SET sequence=7 WHERE sequence=8",
          "UPDATE rows SET sequence=8 WHERE sequence=1000"], (7, "reordered")),
        (["UPDATE rows SET sequence=sequence+1000 WHERE sequence>6",
          "INSERT INTO rows SELECT 7, record, hash FROM rows WHERE sequence=6",
          "UPDATE rows SET sequence=sequence-999 WHERE sequence>1000"], (7, "reordered")),
        (["INSERT INTO rows SELECT 202, replace(record, '201', '202'), hash FROM rows WHERE sequence=201"],
         (202, "edited")),
        (["UPDATE rows SET record=CAST(record AS BLOB) WHERE sequence=7"], (7, "damaged")),
        (["UPDATE seals SET signature=zeroblob(64)"], (201, "foreign signature")),
    ],
)  # fmt: skip
def test_every_kind_of_damage_is_told_by_its_first_row(log, statements, expected):
    damaged_by(log, *statements)

    assert found_in(log) == expected


@pytest.mark.req("SEC-04")
def test_rows_rewritten_with_a_whole_new_chain_do_not_fit_what_was_signed(log):
    rewritten(log, 150, wall="1999")
    sequence, kind = found_in(log)

    assert (150 <= sequence <= 150 + 60, kind) == (True, "edited")


@pytest.mark.req("SEC-04")
def test_rows_added_behind_a_closed_log_are_found_though_they_fit_the_chain(log):
    with closing(sqlite3.connect(log / "audit.db", isolation_level=None)) as db:
        last = list(rows(db))[-1]
        forged = make_row(entry(201.0), ORIGIN, 202, last.hash)
        db.execute("INSERT INTO rows VALUES (?, ?, ?)", (forged.sequence, forged.record, forged.hash))

    assert found_in(log) == (202, "added")
    write_rows(log, 1, start_s=300.0)
    assert told(log)[202]["body"] == {"found": "1 rows were added after it was closed"}
    assert found_in(log) == (203, "damage")


@pytest.mark.req("SEC-04")
def test_a_truncated_log_stays_broken_when_the_service_goes_on_with_it(log):
    damaged_by(log, "DELETE FROM rows WHERE sequence>190", "DELETE FROM seals WHERE sequence>190")
    write_rows(log, 1, start_s=300.0)

    assert told(log)[190]["body"] == {"found": "it was signed up to row 201 and ends at row 190"}
    assert found_in(log) == (191, "damage")


@pytest.mark.req("SEC-04")
def test_the_file_keeps_no_older_signature_that_a_shorter_log_would_fit(log, sound):
    """With one, rows could be cut off together with what signed them, and nobody would need the key."""
    with opened(log) as db:
        kept = list(seals(db))
    written = (log / "audit.db").read_bytes()

    assert kept == [read_head(sound)]
    assert [hash_ for hash_ in signed_before(sound) if hash_ in written] == []


def signed_before(folder):
    """The signatures that this box's key made for every earlier row."""
    key = device_key(folder)
    with opened(folder) as db:
        return [key.seal(Purpose.RUNNING, row.sequence, row.hash).signature for row in rows(db)]


@pytest.mark.req("SEC-04")
def test_an_older_copy_of_the_file_does_not_reach_the_signed_head(sound, log):
    write_rows(log, 3, start_s=300.0)
    shutil.copy(sound / "audit.db", log / "audit.db")

    assert found_in(log) == (202, "truncated")


def test_a_signed_head_that_was_taken_away_is_missed(log):
    (log / "head.json").unlink()

    assert found_in(log) == (202, "truncated")


@pytest.mark.req("SEC-04")
def test_a_log_signed_anew_by_another_key_is_foreign_to_whoever_noted_the_key(log):
    noted = public_key(log)
    stranger = DeviceKey(Ed25519PrivateKey.generate().private_bytes_raw())
    rewritten(log, 7, wall="1999")
    with opened(log) as db:
        last = list(rows(db))[-1]
    seal = stranger.seal(Purpose.CLOSED, last.sequence, last.hash)
    with closing(sqlite3.connect(log / "audit.db", isolation_level=None)) as db:
        db.execute("DELETE FROM seals")
    write_head(log, seal)
    write_whole(log / "keys" / "device.pub", stranger.public.hex().encode())

    assert found_in(log) is None
    assert verify(log, noted).finding.kind == "foreign signature"


def test_rows_that_nobody_signed_for_more_than_a_minute_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_module, "SEAL_S", 1000.0)
    write_rows(tmp_path, 62, sealed=False)

    assert found_in(tmp_path) == (2, "unsigned")


@pytest.mark.req("SEC-04")
def test_of_a_killed_writer_no_more_than_a_minute_is_unsigned(tmp_path):
    write_rows(tmp_path, COUNT, sealed=False)
    verdict = verify(tmp_path, public_key(tmp_path))

    assert (verdict.finding, verdict.last) == (None, 201)
    assert 201 - 60 <= verdict.signed_to < 201
    damaged_by(tmp_path, f"DELETE FROM rows WHERE sequence>={verdict.signed_to}")  # noqa: S608 - a number
    assert found_in(tmp_path) == (verdict.signed_to, "truncated")


def test_the_next_writer_goes_on_where_a_killed_one_was_cut_off(tmp_path):
    write_rows(tmp_path, 5, sealed=False)
    write_rows(tmp_path, 5, start_s=100.0)

    assert [record["kind"] for record in told(tmp_path)].count("opened") == 2
    assert told(tmp_path)[6]["body"] == {"unsigned": 5}
    assert found_in(tmp_path) is None


@settings(max_examples=40, deadline=None)
@given(sequence=st.integers(1, 201), at=st.integers(0, 1 << 16), bit=st.integers(0, 7), hashed=st.booleans())
def test_any_flipped_bit_of_any_row_is_found_at_that_row(sound, tmp_path_factory, sequence, at, bit, hashed):
    folder = shutil.copytree(sound, tmp_path_factory.mktemp("flipped") / "log")
    column = "hash" if hashed else "record"
    with closing(sqlite3.connect(folder / "audit.db", isolation_level=None)) as db:
        (value,) = db.execute(f"SELECT {column} FROM rows WHERE sequence=?", (sequence,)).fetchone()  # noqa: S608 - of two words
        raw = bytearray(value if hashed else value.encode())
        raw[at % len(raw)] ^= 1 << bit
        changed = bytes(raw) if hashed else raw.decode("latin-1")
        db.execute(f"UPDATE rows SET {column}=? WHERE sequence=?", (changed, sequence))  # noqa: S608 - of two words

    assert found_in(folder)[0] == sequence


@settings(max_examples=50, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_the_file_is_found_or_changes_no_row(sound, tmp_path_factory, at, bit):
    folder = shutil.copytree(sound, tmp_path_factory.mktemp("flipped") / "log")
    path = folder / "audit.db"
    raw = bytearray(path.read_bytes())
    raw[int(at * len(raw))] ^= 1 << bit
    path.write_bytes(bytes(raw))

    assert found_in(folder) is not None or told(folder) == told(sound)


@pytest.mark.parametrize("cut", [0, 1, 100, 4095, 4096, 50_000])
def test_a_file_that_was_cut_short_is_found(log, cut):
    path = log / "audit.db"
    path.write_bytes(path.read_bytes()[:cut])

    assert found_in(log) is not None


@pytest.mark.req("ALM-11")
def test_a_file_that_cannot_be_read_is_set_aside_and_a_new_log_says_so(log):
    (log / "audit.db").write_bytes(b"not a database at all" * 1000)
    write_rows(log, 3, start_s=300.0)

    assert (log / "damaged-001.db").stat().st_size == 21_000
    assert told(log)[0]["body"]["found"].endswith("it is kept as damaged-001.db")
    assert found_in(log) == (1, "damage")


def test_a_page_that_turns_out_to_be_damaged_while_rows_are_written_ends_that_log(log, monkeypatch):
    monkeypatch.setattr(ledger_module, "ALWAYS_KEPT", 10)
    path = log / "audit.db"
    raw = path.read_bytes()
    at = raw.index(b'"sequence":2,') // 4096 * 4096
    path.write_bytes(raw[:at] + bytes(4096) + raw[at + 4096 :])
    ledger = Ledger(log, ORIGIN, moment(300.0))
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        ledger.prune(wall(1e9), moment(300.0))
    ledger.close(sealed=False)
    write_rows(log, 1, start_s=301.0)

    assert [record["kind"] for record in told(log)] == ["damage", "opened", "alarm"]
    assert (log / "damaged-001.db").exists()


@pytest.mark.parametrize("lost", [1, 100, 4000, 20_000])
def test_a_torn_write_ahead_log_costs_its_last_rows_and_breaks_nothing(tmp_path, lost):
    ledger = Ledger(tmp_path / "log", ORIGIN, moment(0.0))
    for number in range(25):
        ledger.append([entry(number, number=number)], number)
    crashed = shutil.copytree(tmp_path / "log", tmp_path / "crashed")
    ledger.close(sealed=True)
    wal = crashed / "audit.db-wal"
    wal.write_bytes(wal.read_bytes()[:-lost])
    (crashed / "audit.db-shm").unlink()
    write_rows(crashed, 1, start_s=100.0)
    numbers = [each["body"]["number"] for each in told(crashed) if each["kind"] == "alarm"][:-1]

    assert numbers == list(range(len(numbers)))
    assert 15 < len(numbers) < 25
    assert found_in(crashed) is None


def test_a_second_writer_is_kept_out(tmp_path):
    with closing_ledger(tmp_path), pytest.raises(OSError, match="another process writes this log"):
        Ledger(tmp_path, ORIGIN, moment(1.0))

    assert [record["kind"] for record in told(tmp_path)] == ["opened"]


def test_the_key_is_its_owners_only_and_stays(tmp_path):
    write_rows(tmp_path, 1)
    key = tmp_path / "keys" / "device.key"
    first = key.read_bytes()
    write_rows(tmp_path, 1, start_s=50.0)

    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert key.read_bytes() == first
    assert (tmp_path / "audit.db").stat().st_mode & 0o077 == 0


def test_a_key_file_that_holds_no_key_is_told_with_its_mend(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "device.key").write_text("nothing")

    with pytest.raises(OSError, match="holds no key; move it away"):
        Ledger(tmp_path, ORIGIN, moment(0.0))
    assert not (tmp_path / "audit.db").exists()


def pruned_log(folder, monkeypatch, count=50, keep=10):
    """A log whose rows older than its row 30 were pruned."""
    monkeypatch.setattr(ledger_module, "ALWAYS_KEPT", keep)
    write_rows(folder, count)
    with closing_ledger(folder, start_s=100.0) as ledger:
        return ledger.prune(wall(30.0), moment(100.0))


@pytest.mark.req("ALM-11")
def test_pruning_deletes_what_is_old_says_so_and_leaves_a_chain_that_verifies(tmp_path, monkeypatch):
    gone = pruned_log(tmp_path, monkeypatch)
    records = told(tmp_path)

    assert (gone, records[0]["sequence"], records[-1]["kind"]) == (31, 32, "pruned")
    assert records[-1]["body"]["up_to"] == 31
    assert found_in(tmp_path) is None


@pytest.mark.req("ALM-11")
def test_the_newest_rows_stay_however_old_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_module, "ALWAYS_KEPT", 40)
    write_rows(tmp_path, 50)
    with closing_ledger(tmp_path, start_s=100.0) as ledger:
        ledger.prune(wall(1e9), moment(100.0))

    assert [record["sequence"] for record in told(tmp_path)][:1] == [13]
    assert len(told(tmp_path)) == 41
    assert ledger_module.MOST_ROWS > 10_000


def test_a_clock_far_ahead_does_not_keep_rows_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_module, "ALWAYS_KEPT", 10)
    monkeypatch.setattr(ledger_module, "MOST_ROWS", 20)
    write_rows(tmp_path, 50)
    with closing_ledger(tmp_path, start_s=100.0) as ledger:
        gone = ledger.prune("1999", moment(100.0))

    assert (gone, found_in(tmp_path)) == (32, None)


@pytest.mark.req("SEC-04")
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM rows WHERE sequence <= 40", "deleted"),
        ("DELETE FROM rows WHERE sequence = 32", "deleted"),
        ("UPDATE rows SET record=replace(record, 'up_to\":31', 'up_to\":30') WHERE sequence>50", "deleted"),
        ("UPDATE rows SET record=replace(record, 'signature\":\"', 'signature\":\"00') WHERE sequence>50",
         "foreign signature"),
    ],
)  # fmt: skip
def test_a_pruned_log_hides_no_other_deletion(tmp_path, monkeypatch, statement, kind):
    pruned_log(tmp_path, monkeypatch)
    damaged_by(tmp_path, statement)

    assert found_in(tmp_path)[1] == kind


def test_a_note_that_is_no_json_or_too_long_is_written_all_the_same():
    odd = make_row(entry(0.0, nan=float("nan"), path=Provenance, bytes=b"x"), ORIGIN, 1, GENESIS)
    long = make_row(entry(0.0, text="x" * 1_000_000), ORIGIN, 1, GENESIS)

    assert said(odd)["body"]["nan"] is None
    assert list(said(long)["body"]) == ["cut"]
    assert len(long.record) < 1 << 16


def test_the_head_outside_the_table_is_the_newest_seal(sound):
    head = read_head(sound)

    assert (head.purpose, head.sequence) == (Purpose.CLOSED, 201)
