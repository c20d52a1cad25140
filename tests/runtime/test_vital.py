"""A .vital file gives its numerics and waves back, whatever happened to its bytes."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders.vital import MAX_PACKET, VitalDecoder
from barocast.runtime.domain import Corrupt, Event, Reason, Sample, WaveChunk

T0 = 1.7e9


# ---- a small writer ------------------------------------------------------------------------------------


def packet(kind: int, body: bytes) -> bytes:
    return struct.pack("<BI", kind, len(body)) + body


def text(value: str) -> bytes:
    return struct.pack("<I", len(value.encode())) + value.encode()


def track(number: int, name: str, unit: str = "mmHg", kind: int = 2, form: int = 1, **scale: float) -> bytes:
    rate, gain, offset = scale.get("rate", 0.0), scale.get("gain", 1.0), scale.get("offset", 0.0)
    head = struct.pack("<HBB", number, kind, form) + text(name) + text(unit)
    return packet(0, head + struct.pack("<ffIfddBI", 0, 200, 0, rate, gain, offset, 0, 5))


def record(number: int, t_s: float, body: bytes) -> bytes:
    return packet(1, struct.pack("<HdH", 10, t_s, number) + body)


def numeric(number: int, t_s: float, value: float) -> bytes:
    return record(number, t_s, struct.pack("<f", value))


def wave(number: int, t_s: float, counts: list[int], layout: str = "H") -> bytes:
    return record(number, t_s, struct.pack(f"<I{len(counts)}{layout}", len(counts), *counts))


def plain(*packets: bytes) -> bytes:
    head = b"VITA" + struct.pack("<IH", 3, 10) + bytes(10)
    return (
        head
        + packet(9, struct.pack("<I", 5) + text("Monitor") + text("Bed") + text("COM1"))
        + b"".join(packets)
    )


def decode(stream: bytes, size: int | None = None) -> list[Event]:
    decoder = VitalDecoder()
    step = size or max(1, len(stream))
    events = [event for at in range(0, len(stream), step) for event in decoder.feed(stream[at : at + step])]
    return events + decoder.close()


def decode_packets(*packets: bytes) -> list[Event]:
    return decode(gzip.compress(plain(*packets)))


def shown(events: list[Event]) -> list[str]:
    """Events as text, arrays in full, for comparison."""
    return [
        f"{event} {event.values.tolist()}" if isinstance(event, WaveChunk) else str(event) for event in events
    ]


MAP = track(1, "ABP_MEAN")
ABP = track(2, "ABP", kind=1, form=6, rate=125.0, gain=0.0625, offset=-50.0)


# ---- real files ----------------------------------------------------------------------------------------


def test_a_real_file_byte_by_byte_gives_the_same_events():
    stream = captures("vital/parsevital_test_intellivue_demo1.vital").read_bytes()

    assert shown(decode(stream, 1)) == shown(decode(stream))


# ---- values --------------------------------------------------------------------------------------------


def test_a_numeric_has_the_code_of_its_device_and_track_and_its_time():
    assert decode_packets(MAP, numeric(1, T0, 71.5)) == [Sample("ABP_MEAN", "Bed/ABP_MEAN", T0, 71.5, "mmHg")]


def test_whole_numbers_are_scaled_and_their_extreme_is_a_gap():
    (chunk,) = decode_packets(ABP, wave(2, T0, [1920, 2720, 65535]))

    assert (chunk.channel, chunk.rate_hz, chunk.t_s, chunk.valid) == ("ABP_WAVE", 125.0, T0, True)
    np.testing.assert_array_equal(chunk.values, [70.0, 120.0, np.nan])


@pytest.mark.parametrize(
    ("form", "layout"), [(1, "f"), (2, "d"), (3, "b"), (4, "B"), (5, "h"), (6, "H"), (7, "i"), (8, "I")]
)
def test_every_sample_format_is_read(form: int, layout: str):
    (chunk,) = decode_packets(track(2, "ABP", kind=1, form=form, rate=100.0), wave(2, T0, [70, 80], layout))

    assert chunk.values.tolist() == [70.0, 80.0]


@pytest.mark.parametrize(
    ("name", "unit", "value", "expected"),
    [
        ("ART_MBP", "mmHg", 71, ("ABP_MEAN", 71, None)),
        ("ART_MBP", "kPa", 10, ("ABP_MEAN", 75.00617, None)),
        ("ART_SBP", "", 71, ("ABP_SYS", 71, Reason.UNIT)),
        ("ABP_MEAN", "mmHg", 250, ("ABP_MEAN", 250, Reason.RANGE)),
        ("NIBP_MBP", "mmHg", 80, ("NIBP_MEAN", 80, None)),
        ("ETCO2", "mmHg", 35, ("ETCO2", 35, None)),
        ("ETCO2", "%", 5, ("ETCO2", 5, Reason.UNIT)),
        ("NOBODY", "x", 5, (None, 5, None)),
    ],
)
def test_names_units_and_ranges(
    name: str, unit: str, value: float, expected: tuple[str | None, float, Reason | None]
):
    (sample,) = decode_packets(track(1, name, unit), numeric(1, T0, value))

    assert (sample.channel, pytest.approx(sample.value), sample.reason) == expected


@pytest.mark.parametrize(
    "raw", ["0000c07f", "0000907f", "0000807f", "ffff7f7f"]
)  # NaN, signalling, inf, 3e38
def test_what_is_no_number_is_missing(raw: str):
    (sample,) = decode_packets(MAP, record(1, T0, bytes.fromhex(raw)))

    assert (np.isnan(sample.value), sample.valid, sample.reason) == (True, False, Reason.MISSING)


def test_the_better_arterial_label_takes_over_and_keeps_the_channel():
    tracks = track(1, "ART_MBP") + track(2, "ABP_MEAN") + track(3, "FEM_MBP")
    records = [numeric(number, T0 + at, 70 + number) for at in range(2) for number in (1, 2, 3)]
    events = decode_packets(tracks, *records)

    assert [event.channel for event in events] == ["ABP_MEAN", "ABP_MEAN", None, None, "ABP_MEAN", None]


def test_text_records_and_commands_are_sound_and_silent():
    decoder = VitalDecoder()
    events = decoder.feed(
        gzip.compress(plain(track(4, "EVENT", kind=5), record(4, T0, bytes(4) + text("x"))))
    )

    assert (events, decoder.close(), decoder.counts.frames) == ([], [], 3)


# ---- damage --------------------------------------------------------------------------------------------


def test_an_unpacked_file_is_read_as_well():
    assert len(decode(plain(MAP, numeric(1, T0, 71)))) == 1


@pytest.mark.parametrize("kept", [3, 30, 60])
def test_a_file_cut_short_says_so_and_keeps_what_came_before(kept: int):
    stream = gzip.compress(plain(MAP, numeric(1, T0, 71)))
    *_, last = decode(stream[: len(stream) - kept])

    assert isinstance(last, Corrupt)
    assert last.reason == "cut short"


def test_a_damaged_gzip_stream_keeps_what_came_before_the_damage():
    stream = bytearray(gzip.compress(plain(MAP, *[numeric(1, T0 + at, 60 + at % 40) for at in range(4000)])))
    stream[len(stream) // 2] ^= 0xFF
    whole, pieces = decode(bytes(stream)), decode(bytes(stream), 11)

    assert shown(whole) == shown(pieces)
    assert len([event for event in whole if isinstance(event, Sample)]) > 1000
    assert [event.offset + event.length for event in whole if str(event).endswith("'gzip')")] == [len(stream)]


def test_bytes_after_the_end_of_the_gzip_stream_are_corrupt_and_a_second_member_is_not():
    first, second = gzip.compress(plain(MAP)), gzip.compress(numeric(1, T0, 71))

    assert decode(first + b"tail") == [Corrupt(len(first), 4, "after the end")]
    assert [event.value for event in decode(first + second)] == [71.0]


def test_garbage_between_packets_costs_only_itself():
    before = plain(MAP, numeric(1, T0, 71))
    events = decode(before + b"\xee" * 40 + numeric(1, T0 + 1, 72) + numeric(1, T0 + 2, 73))

    assert [event.reason if isinstance(event, Corrupt) else event.value for event in events] == [
        71,
        "packet",
        72,
        73,
    ]
    assert events[1] == Corrupt(len(before), 40, "packet")


def test_a_packet_longer_than_the_cap_is_not_waited_for():
    huge = struct.pack("<BI", 1, MAX_PACKET + 1)
    events = decode(plain(MAP, huge, numeric(1, T0, 71)))

    assert [event.reason if isinstance(event, Corrupt) else event.value for event in events] == ["packet", 71]


def test_a_record_of_an_undeclared_track_is_counted():
    (event,) = decode_packets(numeric(9, T0, 71))

    assert event.reason == "unknown track"


def test_what_is_no_vital_file_is_one_corrupt():
    assert decode(b"t_s,ABP_MEAN\n0,71\n") == [Corrupt(0, 18, "header")]


def test_a_stream_that_swells_a_thousandfold_stays_in_bounds():
    decoder = VitalDecoder()
    decoder.feed(gzip.compress(plain() + bytes(10_000_000)))

    assert len(decoder._buffer) < 1 << 17


SOUND = plain(MAP, ABP, numeric(1, T0, 71), wave(2, T0, [1920, 2720]), numeric(1, T0 + 1, 72))
pieces = st.lists(
    st.sampled_from([MAP, ABP, numeric(1, T0, 71), wave(2, T0, [1920, 2720]), numeric(7, T0, 1), b"\x01\x02"])
    | st.binary(max_size=30),
    max_size=8,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(tail=pieces, size=st.integers(1, 40), packed=st.booleans())
def test_any_chunking_gives_the_same_events(tail: bytes, size: int, packed: bool):  # noqa: FBT001 - hypothesis draws it
    stream = gzip.compress(SOUND + tail) if packed else SOUND + tail

    assert shown(decode(stream, size)) == shown(decode(stream))


@settings(max_examples=150, deadline=None)
@given(stream=st.binary(max_size=200), at=st.integers(0, len(SOUND) - 1), value=st.integers(0, 255))
def test_any_bytes_give_events_and_never_an_exception(stream: bytes, at: int, value: int):
    damaged = bytearray(SOUND)
    damaged[at] = value
    events = decode(stream) + decode(b"\x1f\x8b" + stream) + decode(bytes(damaged) + stream)

    assert all(isinstance(event, Sample | WaveChunk | Corrupt) for event in events)
