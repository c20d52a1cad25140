"""Every feed of ours that has a bench conforms; a person's recording goes before one made on the spot."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
from shared_data import captures

from barocast.plugin.conformance import garbage
from barocast.plugin.conformance.bench import GROUP, Bench, find_bench
from barocast.plugin.conformance.check import examine
from barocast.plugin.conformance.subject import make_subject
from barocast.plugin.conformance.verdict import Grade
from barocast.plugin.feeds import find_feed
from barocast.plugin.monitors import BIS, INTELLIVUE_UDP, MASIMO
from barocast.plugin.segment_file import Chunk, Header, pack_chunk, pack_header
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20260302
LINE = b"03/02/26 07:30:01 SN=0000000000 SPO2=098% BPM=064 PI=02.41% ALARM=0000 EXC=000000\r\n"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """`barocast feed check` takes the long run; here a part of the endless frame is enough."""
    monkeypatch.setattr(garbage, "ENDLESS_BYTES", 1 << 17)


@pytest.mark.req("ACQ-05")
@pytest.mark.parametrize("name", sorted(point.name for point in entry_points(group=GROUP)))
def test_a_feed_of_ours_conforms(name: str):
    report = examine(make_subject(find_feed(name), find_bench(name), SEED))
    faults = [finding for finding in report.findings if finding.grade is not Grade.PASS]

    assert (faults, report.grade) == ([], "conforms")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("bis", "bis/mdrepo_bis_frames.bin"),
        ("dri", "ge_dri/pycollect_notebooks_raw.raw"),
        ("hl7", "hl7/nihon_kohden_gateway_art_obx_rows.hl7"),
        ("vital", "vital/parsevital_test_intellivue_demo1.vital"),
    ],
)
def test_a_real_recording_finds_no_fault_in_its_decoder(name: str, file: str):
    report = examine(make_subject(find_feed(name), Bench(), SEED, captures(file)))

    assert [finding for finding in report.findings if finding.grade is Grade.FAIL] == []


def test_a_recording_of_ours_is_unpacked(tmp_path: Path):
    path = tmp_path / "case.0001.brec"
    path.write_bytes(pack_header(Header("masimo", 1)) + pack_chunk(Chunk(1.0, 2.0, LINE)))

    assert make_subject(MASIMO, Bench(), SEED, path).recording == LINE


@pytest.mark.parametrize(
    ("feed", "content", "said"),
    [
        (BIS, pack_header(Header("masimo", 1)), "records masimo; check that feed"),
        (INTELLIVUE_UDP, pack_header(Header("intellivue-udp", 1)), "holds datagrams"),
        (MASIMO, b"a letter", "does not begin as a Barocast recording"),
        (MASIMO, b"", "the file is empty"),
    ],
)
def test_a_recording_that_cannot_serve_is_refused_with_the_mend(tmp_path: Path, feed, content, said):
    path = tmp_path / "case.brec"
    path.write_bytes(content)

    with pytest.raises(InputError, match=said):
        make_subject(feed, Bench(), SEED, path)


class Point:
    """An entry point of a third party."""

    name = "toy"
    value = "toy:thing"

    def __init__(self, offered):
        self.load = lambda: offered


@pytest.mark.parametrize(
    ("offered", "monitor"),
    [(int, int), (Bench(monitor=float), float), (Bench(recording=bytes), None)],
)
def test_a_bench_is_offered_as_such_or_as_a_bare_function(monkeypatch, offered, monitor):
    monkeypatch.setattr("barocast.plugin.conformance.bench.entry_points", lambda group: [Point(offered)])

    assert find_bench("toy").monitor is monitor
    assert find_bench("other") == Bench()


def test_a_bench_that_is_none_is_refused(monkeypatch):
    monkeypatch.setattr("barocast.plugin.conformance.bench.entry_points", lambda group: [Point("text")])

    with pytest.raises(SettingsError, match="neither a Bench nor a function"):
        find_bench("toy")
