"""A recorded file opens by its suffix and gives its events in time order, or one line says why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from made_recordings import vital_numerics
from shared_data import captures

from barocast.plugin.feeds import feed_names
from barocast.plugin.recordings import decoder_for, open_recording
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Corrupt, Sample, WaveChunk
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.recorded import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.domain import Event

HL7 = b"MSH|^~\\&|A||||20240102030405||ORU^R01|1|P|2.6\rOBX||NM|150039^^MDC||71|mmHg|||||F\r"


def events_of(path: Path, feed: str | None = None) -> list[Event]:
    return [event for batch in open_recording(path, feed) for event in batch]


def times(events: list[Event]) -> list[float | None]:
    return [event.t_s for event in events if not isinstance(event, Corrupt)]


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_csv_by_its_suffix(tmp_path: Path):
    path = write(tmp_path, "case.CSV", "t_s,ABP_MEAN\n0,70\n2,71\n")
    recording = open_recording(path)

    assert [event.value for batch in recording for event in batch] == [70.0, 71.0]
    assert (recording.kind, recording.size_bytes, recording.counts().bytes) == ("csv", 23, 23)


@pytest.mark.parametrize("content", [HL7, wrap(HL7), wrap(HL7) + wrap(HL7)[:-2]])
def test_hl7_wrapped_or_bare(tmp_path: Path, content: bytes):
    events = events_of(write(tmp_path, "ward.hl7", content))

    assert {event.value for event in events if isinstance(event, Sample)} == {71.0}


def test_a_vital_file_saved_track_by_track_comes_in_time_order(tmp_path: Path):
    content = vital_numerics({b"ABP_MEAN": [70.0] * 800, b"ABP_SYS": [110.0] * 800})
    batches = list(open_recording(write(tmp_path, "case.vital", content)))
    merged = times([event for batch in batches for event in batch])

    assert merged == sorted(merged)
    assert len(merged) == 1600
    assert max(map(len, batches)) <= BATCH


def test_of_two_lines_saved_one_after_the_other_one_speaks_throughout(tmp_path: Path):
    content = vital_numerics({b"ABP_MEAN": [80.0] * 300, b"ART_MEAN": [50.0] * 300})
    events = events_of(write(tmp_path, "case.vital", content))
    spoken = [event.value for event in events if event.channel == "ABP_MEAN"]
    rivals = [event.value for event in events if event.rival_of == "ABP_MEAN"]

    assert (spoken, rivals) == ([80.0] * 300, [50.0] * 300)


def test_damage_of_a_vital_file_comes_first_and_is_counted(tmp_path: Path):
    recording = open_recording(
        write(tmp_path, "case.vital", vital_numerics({b"ABP_MEAN": [80.0] * 300})[:-20])
    )
    events = [event for batch in recording for event in batch]

    assert [event.reason for event in events if isinstance(event, Corrupt)] == ["cut short"]
    assert isinstance(events[0], Corrupt)
    assert recording.counts().samples == len(events) - 1 > 0


def test_a_real_vital_file_comes_in_time_order():
    merged = times(events_of(captures("vital/parsevital_test_data_demo.vital")))

    assert (len(merged), merged) == (1006, sorted(merged))


def test_a_wfdb_record_joins_its_files_in_time_order(tmp_path: Path):
    header = "case 2 100 300\na.dat 16 1/mmHg 16 0 0 0 0 ABP\nb.dat 80 1/% 8 0 0 0 0 PLETH\n"
    write(tmp_path, "a.dat", np.arange(300, dtype="<i2").tobytes())
    write(tmp_path, "b.dat", bytes(300))
    recording = open_recording(write(tmp_path, "case.hea", header))
    events = [event for batch in recording for event in batch]
    abp = [event for event in events if isinstance(event, WaveChunk) and event.channel == "ABP_WAVE"]

    assert times(events) == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in abp]), np.arange(300))
    assert (recording.size_bytes, recording.counts().bytes, recording.counts().frames) == (900, 900, 600)


def test_a_record_in_segments_plays_as_one_with_its_gap(tmp_path: Path):
    write(tmp_path, "first.hea", "first 1 100 200\nfirst.dat 16 1/mmHg 16 0 0 0 0 ABP\n")
    write(tmp_path, "second.hea", "second 1 100 100\nsecond.dat 212 1/mmHg 12 0 0 0 0 ART\n")
    write(tmp_path, "first.dat", np.full(200, 80, dtype="<i2").tobytes())
    write(tmp_path, "second.dat", b"\x5a\x00\x5a" * 50)
    recording = open_recording(
        write(tmp_path, "case.hea", "case/3 1 100 600\nfirst 200\n~ 300\nsecond 100\n")
    )
    events = [event for batch in recording for event in batch]

    assert times(events) == [0.0, 1.0, 5.0]
    assert [(event.channel, event.values[0]) for event in events] == [("ABP_WAVE", 80.0)] * 2 + [
        ("ABP_WAVE", 90.0)
    ]
    assert recording.counts().corrupt == 0


def test_a_segment_that_is_missing_is_named_before_anything_is_read(tmp_path: Path):
    path = write(tmp_path, "case.hea", "case/1 1 100 600\ngone 200\n")

    assert f"{tmp_path / 'gone.hea'}: cannot be read" in refusal(lambda: open_recording(path))


def test_a_record_that_is_its_own_segment_is_refused(tmp_path: Path):
    path = write(tmp_path, "case.hea", "case/1 1 100 600\ncase 200\n")

    assert "it has segments where signals must stand" in refusal(lambda: open_recording(path))


def test_raw_bytes_are_read_by_the_feed_that_is_named():
    path = captures("intellivue/jvscapture_MPRawoutput1.raw")

    assert any(isinstance(event, Sample) for event in events_of(path, "intellivue-serial"))


def test_raw_bytes_without_a_feed_are_refused(tmp_path: Path):
    path = write(tmp_path, "case.raw", b"x")

    assert f"name it with --feed {'|'.join(feed_names())}" in refusal(lambda: open_recording(path))


@pytest.mark.parametrize("suffix", ["csv", "vital", "hea", "hl7"])
def test_a_file_that_is_missing_empty_or_a_folder_is_refused_at_once(tmp_path: Path, suffix: str):
    missing = tmp_path / f"no.{suffix}"
    empty = write(tmp_path, f"empty.{suffix}", b"")
    (tmp_path / f"folder.{suffix}").mkdir()

    assert (
        refusal(lambda: open_recording(missing))
        == f"{missing}: cannot be read: No such file or directory; check the path"
    )
    assert refusal(lambda: open_recording(empty)) == f"{empty}: the file is empty; record it again"
    assert "name a file in it" in refusal(lambda: open_recording(tmp_path / f"folder.{suffix}"))


def test_an_empty_signal_file_is_named(tmp_path: Path):
    write(tmp_path, "case.dat", b"")
    path = write(tmp_path, "case.hea", "case 1 100\ncase.dat 16\n")

    assert refusal(lambda: open_recording(path)).endswith("case.dat: the file is empty; record it again")


def test_a_missing_signal_file_is_named(tmp_path: Path):
    path = write(tmp_path, "case.hea", "case 1 100\ngone.dat 16\n")

    assert f"{tmp_path / 'gone.dat'}: cannot be read" in refusal(lambda: open_recording(path))


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)  # root may read everything, so the mode bits prove nothing

    assert "Permission denied; allow this user to read it" in refusal(
        lambda: open_recording(tmp_path / "a.csv")
    )


@pytest.mark.parametrize("suffix", ["vital", "hl7"])
def test_a_file_in_which_nothing_is_sound_is_refused(tmp_path: Path, suffix: str):
    path = write(tmp_path, f"odd.{suffix}", b"hello, this is a letter")

    assert (
        refusal(lambda: events_of(path))
        == f"{path}: nothing sound in 23 bytes; check what kind of file it is"
    )


def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path):
    assert ".csv, .vital, .hea, .hl7" in refusal(lambda: open_recording(tmp_path / "case.docx"))


def test_a_feed_that_nobody_offers_is_refused_with_the_nearest_and_all():
    with pytest.raises(SettingsError, match=r"the nearest is 'vital', and all are .*hl7"):
        decoder_for("vitl")


@pytest.mark.parametrize("feed", feed_names())
def test_every_feed_has_a_decoder_that_starts_at_nothing(feed: str):
    decoder = decoder_for(feed)

    assert (decoder.feed(b""), decoder.counts.bytes) == ([], 0)
