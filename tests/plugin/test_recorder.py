"""What came from a port is on disk, bounded, and plays again as it was; the disk never harms the bed."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest
from shared_data import captures

from barocast.plugin import recorder as recorder_module
from barocast.plugin.feeds import find_feed, live_names
from barocast.plugin.recorder import RETRY_S, SMALLEST_SEGMENT, RecordedSession, Recorder, keep_below
from barocast.plugin.recordings import open_recording
from barocast.plugin.segment_file import HEAD_SIZE, MAX_DATA, Header, pack_header
from barocast.runtime.decoders.masimo import MasimoDecoder
from barocast.runtime.domain import Corrupt, Sample
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.sessions.intellivue import IntelliVueSession
from barocast.runtime.sessions.passive import PassiveSession

LINE = b"SPO2=097 HR=072\r\n"
WALL_S = 1_760_000_000.0


def recorder(folder, feed="masimo", **bounds):
    return Recorder(folder, feed, wall=lambda: WALL_S, **bounds)


def recorded(folder, pieces, feed="masimo", **bounds):
    """Record pieces that come a second apart; give the segments."""
    writer = recorder(folder, feed, **bounds)
    for now_s, piece in enumerate(pieces):
        writer.record(piece, float(now_s))
    writer.close()
    return sorted(folder.glob("*.brec"))


def live(pieces, feed="masimo"):
    """What a session at the bed gives of the same pieces, a second apart."""
    session = find_feed(feed).session()
    events = []
    for now_s, piece in enumerate(pieces):
        session.due(float(now_s))
        events += session.receive(piece, float(now_s))[0]
    return events


def played(path):
    return [event for batch in open_recording(path) for event in batch]


def arrivals(path):
    return [arrival.arrival_s for arrival in open_recording(path).arrivals]


def pieces_of(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_recording_plays_the_very_events_of_the_bed(tmp_path):
    pieces = [LINE, LINE[:9], LINE[9:] + LINE, b"noise\n"]
    (path,) = recorded(tmp_path, pieces)
    recording = open_recording(path)
    events = [event for batch in recording for event in batch]

    assert repr(events) == repr(live(pieces))
    assert recording.kind == "masimo"
    assert recording.size_bytes == path.stat().st_size
    assert (recording.counts().frames, recording.counts().corrupt) == (3, 1)


def test_what_a_session_gave_comes_with_its_arrival_and_undated(tmp_path):
    (path,) = recorded(tmp_path, [LINE, LINE])

    assert [event.t_s for event in played(path)] == [None] * 4
    assert arrivals(path) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("feed", "capture"),
    [("bis", "bis/mdrepo_bis_frames.bin"), ("intellivue-serial", "intellivue/jvscapture_MPRawoutput1.raw")],
)
def test_real_bytes_in_pieces_play_as_they_were(tmp_path, feed, capture):
    pieces = pieces_of(captures(capture).read_bytes()[:200_000], 777)
    (path,) = recorded(tmp_path, pieces, feed)

    assert repr(played(path)) == repr(live(pieces, feed))


@pytest.mark.parametrize("feed", live_names())
def test_every_live_feed_can_be_recorded(tmp_path, feed):
    (path,) = recorded(tmp_path, [b"noise"], feed)

    with pytest.raises(InputError, match=f"nothing sound in 5 bytes of {feed}"):
        played(path)


def test_a_recording_over_several_segments_plays_as_one(tmp_path):
    pieces = pieces_of(LINE * 8000, 1000)
    paths = recorded(tmp_path, pieces, segment_bytes=SMALLEST_SEGMENT)

    assert len(paths) == 3
    assert max(path.stat().st_size for path in paths) <= SMALLEST_SEGMENT
    assert repr(played(paths[0])) == repr(live(pieces))


def test_a_recording_can_be_played_from_any_segment_on(tmp_path):
    paths = recorded(tmp_path, pieces_of(LINE * 8000, 1000), segment_bytes=SMALLEST_SEGMENT)
    events = played(paths[1])

    assert 0 < len(events) < 16000
    assert len([event for event in events if isinstance(event, Corrupt)]) <= 1


def test_a_torn_tail_is_discarded_counted_and_the_rest_played(tmp_path):
    (path,) = recorded(tmp_path, [LINE, LINE, LINE])
    path.write_bytes(path.read_bytes()[:-5])
    torn = HEAD_SIZE + len(LINE) - 5
    recording = open_recording(path)
    events = [event for batch in recording for event in batch]

    assert len([event for event in events if isinstance(event, Sample)]) == 4
    assert events[-1] == Corrupt(path.stat().st_size - torn, torn, "torn tail")
    assert recording.counts().corrupt_by_reason == {"torn tail": 1}


def test_a_flipped_bit_costs_one_chunk_and_is_counted(tmp_path):
    (path,) = recorded(tmp_path, [LINE, LINE, LINE])
    broken = bytearray(path.read_bytes())
    broken[-len(LINE) - 50] ^= 4
    path.write_bytes(bytes(broken))
    recording = open_recording(path)

    assert [each.arrival_s for each in recording.arrivals if isinstance(each.events[0], Sample)] == [0.0, 2.0]
    assert recording.counts().corrupt_by_reason == {"chunk head": 1}


def test_a_segment_that_a_full_disk_left_empty_does_not_end_the_recording(tmp_path):
    paths = recorded(tmp_path, pieces_of(LINE * 8000, 1000), segment_bytes=SMALLEST_SEGMENT)
    paths[1].write_bytes(b"")
    recording = open_recording(paths[0])

    assert [arrival.arrival_s for arrival in recording.arrivals][-1] == 135.0
    assert recording.counts().corrupt_by_reason["segment header"] == 1


def test_bytes_that_come_at_once_in_excess_are_recorded_in_several_chunks(tmp_path):
    burst = LINE * (MAX_DATA // len(LINE) + 50)
    (path,) = recorded(tmp_path, [burst])

    assert repr(played(path)) == repr(live([burst]))


def test_the_oldest_segments_make_room(tmp_path):
    old = tmp_path / "20250101T000000.000000Z-masimo.0001.brec"
    old.write_bytes(bytes(1000))
    kept = tmp_path / "my-own-case.brec"
    kept.write_bytes(bytes(1000))
    quota = 2 * SMALLEST_SEGMENT
    paths = recorded(
        tmp_path, pieces_of(LINE * 20_000, 1000), segment_bytes=SMALLEST_SEGMENT, quota_bytes=quota
    )
    recordings = [path for path in paths if path != kept]

    assert (old.exists(), kept.exists()) == (False, True)
    assert sum(path.stat().st_size for path in recordings) <= quota
    assert [path.name[-9:] for path in recordings] == ["0005.brec", "0006.brec"]


def test_keeping_below_a_limit_deletes_no_more_than_it_must(tmp_path):
    names = [f"2025010{day}T000000.000000Z-bis.0001.brec" for day in (1, 2, 3)]
    for name in names:
        (tmp_path / name).write_bytes(bytes(100))
    keep_below(tmp_path, 250)

    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]


def test_recordings_are_their_owners_only(tmp_path):
    (path,) = recorded(tmp_path / "new" / "folder", [LINE])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_chunk_is_on_disk_before_the_recording_is_closed(tmp_path):
    with closing(recorder(tmp_path)) as writer:
        writer.record(LINE, 0.0)
        (path,) = tmp_path.glob("*.brec")

        assert len(played(path)) == 2


def test_a_folder_that_cannot_be_written_loses_bytes_and_raises_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    writer = recorder(blocked)
    writer.record(LINE, 0.0)

    assert writer.trouble == f"{blocked}: cannot record: File exists"
    assert writer.lost == len(LINE)


def test_a_full_disk_is_tried_again_later_and_the_trouble_ends(tmp_path, monkeypatch):
    class FullDisk(recorder_module.FileIO):
        def write(self, data):
            return super().write(data[:9])

    writer = recorder(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(recorder_module, "FileIO", FullDisk)
        writer.record(LINE, 0.0)
    troubles = [writer.trouble]
    for later in (1, 2):
        writer.record(LINE, later * RETRY_S / 2)
        troubles.append(writer.trouble)
    writer.close()
    first = sorted(tmp_path.glob("*.brec"))[1]

    assert [trouble.partition(": cannot record: ")[2] for trouble in troubles] == ["the disk is full"] * 2 + [
        ""
    ]
    assert writer.lost == 2 * len(LINE)
    assert len(played(first)) == 2


@pytest.mark.parametrize(
    "bounds", [{"segment_bytes": 1000}, {"segment_bytes": SMALLEST_SEGMENT, "quota_bytes": SMALLEST_SEGMENT}]
)
def test_bounds_that_cannot_be_kept_are_refused(tmp_path, bounds):
    with pytest.raises(SettingsError, match="must"):
        recorder(tmp_path, **bounds)


def test_a_recorded_session_is_the_session_it_was(tmp_path):
    with closing(recorder(tmp_path, "intellivue-serial")) as writer:
        bare, watched = IntelliVueSession(), RecordedSession(IntelliVueSession(), writer)
        asked = [each.due(1.0) for each in (bare, watched)]
        heard = [each.receive(b"\xc0\x11\x01noise\xc1", 1.5) for each in (bare, watched)]

    assert asked[0] == asked[1] != b""
    assert heard[0] == heard[1]
    assert (watched.status, watched.counts, watched.release()) == (bare.status, bare.counts, bare.release())


def test_a_step_in_which_nothing_came_is_not_recorded(tmp_path):
    with closing(recorder(tmp_path)) as writer:
        watched = RecordedSession(PassiveSession(MasimoDecoder()), writer)
        for now_s, data in enumerate((b"", LINE, b"", LINE)):
            watched.receive(data, float(now_s))
    (path,) = tmp_path.glob("*.brec")

    assert arrivals(path) == [1.0, 3.0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin as a Barocast recording"),
        (b"BREC\x07\x01\x00\x00\x00\x03bis0000", "version 7"),
        (pack_header(Header("bis", 1))[:-1] + b"\0", "header is damaged"),
        (pack_header(Header("gone", 1)), "not installed here"),
        (pack_header(Header("vital", 1)), "no live session"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_at_once(tmp_path, content, why):
    path = tmp_path / "case.brec"
    path.write_bytes(content)

    with pytest.raises(InputError, match=why) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recording_that_is_missing_is_refused_at_once(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_recording(tmp_path / "gone.brec")


def test_the_header_knows_the_feed_better_than_an_option(tmp_path):
    (path,) = recorded(tmp_path, [LINE])

    assert open_recording(path, "hl7").kind == "masimo"


def test_a_listen_only_feed_is_what_its_session_decodes():
    session = find_feed("masimo").session()

    assert isinstance(session, PassiveSession)
    assert session.receive(LINE, 0.0)[0] == MasimoDecoder().feed(LINE)


def test_a_recording_moved_to_another_name_still_plays(tmp_path):
    (path,) = recorded(tmp_path, [LINE])

    assert len(played(path.rename(Path(tmp_path, "incident.brec")))) == 2
