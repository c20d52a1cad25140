"""WFDB headers and signal files in every format that is read."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.wfdb_header import Record, Segment, read_header, read_segments
from barocast.runtime.decoders.wfdb_record import MAX_BLOCK, WfdbDecoder
from barocast.runtime.decoders.wfdb_samples import FORMATS
from barocast.runtime.domain import Corrupt, Event, Reason, Sample, WaveChunk
from barocast.runtime.errors import InputError


def header(*signals: str, record: str = "case {n} 100") -> Record:
    return read_header("\n".join(["# comment", record.format(n=len(signals)), *signals]), "case.hea")


def decode(record: Record, stream: bytes, size: int | None = None, file: str = "case.dat") -> list[Event]:
    decoder, step = WfdbDecoder(record, file), size or max(1, len(stream))
    events = [event for at in range(0, len(stream), step) for event in decoder.feed(stream[at : at + step])]
    return events + decoder.close()


def packed(form: int, counts: list[int]) -> bytes:
    """Write samples in a WFDB format."""
    if form == 212:
        pairs = zip(counts[::2], [*counts[1::2], 0], strict=False)
        whole = b"".join(bytes([a & 255, (a >> 8 & 15) | (b >> 8 & 15) << 4, b & 255]) for a, b in pairs)
        return whole[:-1] if len(counts) % 2 else whole
    if form == 80:
        return bytes(count + 128 for count in counts)
    if form == 61:
        return struct.pack(f">{len(counts)}h", *counts)
    if form == 160:
        return struct.pack(f"<{len(counts)}H", *(count + 32768 for count in counts))
    if form in (310, 311):
        threes = [[*counts[at : at + 3], 0, 0] for at in range(0, len(counts), 3)]
        whole = b"".join(_three(form, *(count & 0x3FF for count in three[:3])) for three in threes)
        return whole[:-2] if len(counts) % 3 == 1 else whole
    return b"".join(struct.pack("<i", count)[: form // 8] for count in counts)


def _three(form: int, a: int, b: int, c: int) -> bytes:
    """Three samples of ten bits in four bytes, as signal(5) of the WFDB guide has it."""
    if form == 310:
        return struct.pack("<HH", (c & 0x1F) << 11 | a << 1, c >> 5 << 11 | b << 1)
    return struct.pack("<I", c << 20 | b << 10 | a)


def samples_of(events: list[Event]) -> list[float]:
    return [value for event in events if isinstance(event, WaveChunk) for value in event.values.tolist()]


def test_a_header_gives_rates_scales_and_channels():
    record = header(
        "case.dat 16 16(800)/mmHg 12 0 -7 0 0 ABP",
        "case.dat 16x2+0 200/mV 12 5 0 0 0 II",
        record="case 2 125.5/1 1000 10:00:00 01/02/2003",
    )
    abp, ecg = record.signals

    assert (record.name, record.frame_hz, record.frames, record.files) == ("case", 125.5, 1000, ("case.dat",))
    assert (abp.gain, abp.baseline, abp.unit, abp.name, abp.channel) == (16.0, 800, "mmHg", "ABP", "ABP_WAVE")
    assert (ecg.baseline, ecg.per_frame, ecg.channel, record.rate_hz(ecg)) == (5, 2, "ECG_WAVE", 251.0)


def test_what_a_header_leaves_out_has_the_standards_defaults():
    record = read_header("case 1\ncase.dat 16\n", "case.hea")

    assert (record.frame_hz, record.frames) == (250.0, 0)
    assert (record.signals[0].gain, record.signals[0].unit, record.signals[0].channel) == (200.0, "mV", None)


@pytest.mark.parametrize(
    ("name", "channel"),
    [("ABP", "ABP_WAVE"), ("ART", "ABP_WAVE"), ("AoBP", "ABP_WAVE"), ("PLETH", "PLETH_WAVE")],
)
def test_waves_by_name(name: str, channel: str):
    assert header(f"case.dat 16 1/mmHg 16 0 0 0 0 {name}").signals[0].channel == channel


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("ABP Mean", "ABP_MEAN"),
        ("ABPDias", "ABP_DIA"),
        ("NBP Sys", "NIBP_SYS"),
        ("HR", "HR"),
        ("SpO2", "SPO2"),
    ],
)
def test_numerics_by_name(name: str, channel: str):
    record = header(f"case.dat 16 1/mmHg 16 0 0 0 0 {name}", record="case 1 1")

    assert record.signals[0].channel == channel


def test_of_two_arterial_signals_abp_has_the_channel():
    record = header("case.dat 16 1/mmHg 16 0 0 0 0 ART", "case.dat 16 1/mmHg 16 0 0 0 0 ABP")

    assert [signal.channel for signal in record.signals] == [None, "ABP_WAVE"]


@pytest.mark.parametrize("form", [16, 24, 32, 61, 80, 160, 212, 310, 311])
@pytest.mark.parametrize("n", [6, 7])
def test_every_format_gives_its_samples_back(form: int, n: int):
    counts = [0, 100, -100, 127, -127, 1, -1][:n]
    record = header(f"case.dat {form} 2(10)/mmHg 16 0 0 0 0 ABP")

    assert samples_of(decode(record, packed(form, counts))) == [(count - 10) / 2 for count in counts]


def test_signals_of_one_file_are_interleaved():
    record = header("case.dat 16 1/mmHg 16 0 0 0 0 ABP", "case.dat 16x2 1/mV 16 0 0 0 0 II")
    abp, ecg = decode(record, packed(16, [70, 1, 2, 71, 3, 4]))

    assert (abp.channel, abp.values.tolist(), abp.rate_hz) == ("ABP_WAVE", [70, 71], 100.0)
    assert (ecg.channel, ecg.values.tolist(), ecg.rate_hz) == ("ECG_WAVE", [1, 2, 3, 4], 200.0)


def test_differences_go_on_from_the_initial_value_over_frames_and_blocks():
    record = header(
        "case.dat 8 2/mmHg 16 0 100 0 0 ABP", "case.dat 8x2 1/mV 16 0 0 0 0 II", record="case 2 1"
    )
    stream = struct.pack("6b", 10, 1, 2, -20, -128, 5)

    for size in (1, 4, 6):
        events = decode(record, stream, size)
        told = [(event.code, event.value) for event in events if isinstance(event, Sample)]
        assert [value for code, value in told if code == "ABP"] == [55, 45]
        assert [value for code, value in told if code == "II"] == [1, 3, -125, -120]


def test_a_signal_whose_gain_is_not_stated_is_never_taken_for_a_pressure():
    """A gain of 0, or none, says `not calibrated`; the guide's 200 counts a unit only draw it."""
    for gain in ("0/mmHg", "0(0)/mmHg"):
        (chunk,) = decode(header(f"case.dat 16 {gain} 16 0 0 0 0 ABP"), packed(16, [16000]))

        assert (chunk.valid, chunk.reason) == (False, Reason.UNIT)


@pytest.mark.parametrize(("names", "speaks"), [(("FAP", "ART"), "ART"), (("UAP", "AoBP"), "AoBP")])
def test_a_worse_arterial_wave_is_the_rival_of_the_better_one(names: tuple[str, str], speaks: str):
    record = header(*(f"case.dat 16 1/mmHg 16 0 0 0 0 {name}" for name in names))

    assert {s.name: (s.channel, s.rival_of) for s in record.signals} == {
        names[0]: (None, "ABP_WAVE"),
        speaks: ("ABP_WAVE", None),
    }


def test_numbers_of_two_lines_are_never_one_triple():
    """ABP shows no mean here: the line with one speaks, alone."""
    names = ("ABP Sys", "ABP Dias", "ART Sys", "ART Dias", "ART Mean")
    record = header(*(f"case.dat 16 1/mmHg 16 0 0 0 0 {name}" for name in names), record="case {n} 1")

    assert {s.name: s.channel for s in record.signals if s.channel} == {
        "ART Sys": "ABP_SYS",
        "ART Dias": "ABP_DIA",
        "ART Mean": "ABP_MEAN",
    }


def test_a_block_is_bounded_whatever_the_header_says():
    signals = [f"case.dat 16x1000 1/mV 16 0 0 0 0 s{i}" for i in range(128)]
    decoder = WfdbDecoder(header(*signals), "case.dat")
    decoder.feed(bytes(3 * 2 * 128_000))

    assert len(decoder._buffer) <= 2 * max(MAX_BLOCK, 128_000)


def test_segments_come_with_their_start_and_without_gaps_and_layout():
    text = "case/4 2 100 650\nlayout 0\nfirst 300\n~ 150\nsecond 200\n"

    assert read_segments(text, "case.hea") == (Segment("first", 0.0), Segment("second", 4.5))


def test_the_lowest_value_is_a_gap():
    (chunk,) = decode(header("case.dat 16 1/mmHg 16 0 0 0 0 ABP"), packed(16, [70, -32768]))

    np.testing.assert_array_equal(chunk.values, [70, np.nan])


def test_slow_signals_are_samples_with_their_units_and_reasons():
    record = header("case.dat 16 10/kPa 16 0 0 0 0 ABP Mean", record="case 1 0.5 3")
    events = decode(record, packed(16, [100, -32768, 500]))

    assert [(event.t_s, event.unit, event.reason) for event in events] == [
        (0.0, "mmHg", None),
        (2.0, "mmHg", Reason.MISSING),
        (4.0, "mmHg", Reason.RANGE),
    ]
    assert events[0].value == pytest.approx(75.00617)


def test_long_files_come_in_blocks_of_about_a_second():
    record = header("case.dat 16 1/mmHg 16 0 0 0 0 ABP")
    events = decode(record, packed(16, [80] * 250))

    assert [(event.t_s, len(event.values)) for event in events] == [(0.0, 100), (1.0, 100), (2.0, 50)]


def test_bytes_before_the_first_sample_are_skipped():
    record = header("case.dat 16+3 1/mmHg 16 0 0 0 0 ABP")

    assert samples_of(decode(record, b"xyz" + packed(16, [70, 71]), 1)) == [70, 71]


@pytest.mark.parametrize(
    ("frames", "stream", "corrupt"),
    [
        (0, packed(16, [70, 71]) + b"\x01", Corrupt(4, 1, "cut short")),
        (3, packed(16, [70, 71]), Corrupt(4, 0, "cut short")),
        (2, packed(16, [70, 71, 72]), Corrupt(4, 2, "after the end")),
    ],
)
def test_a_length_that_does_not_fit_is_corrupt(frames: int, stream: bytes, corrupt: Corrupt):
    record = header("case.dat 16 1/mmHg 16 0 0 0 0 ABP", record=f"case 1 100 {frames}")
    events = decode(record, stream)

    assert (samples_of(events), events[-1]) == ([70, 71], corrupt)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "case.hea: line 1: no record line"),
        ("case/3 2 100", "line 1: 0 of 3 segment lines, 0 with samples"),
        ("case/0 2 100", "0 segments; between 1 and"),
        ("case/x 2 100", "is no record line"),
        ("case/1 2 100\na", "line 2: 'a' is no segment line"),
        ("case/1 2 100\n../a 10", "line 2: '../a 10' is no segment line"),
        ("case/1 2 100\n~ 10", "1 of 1 segment lines, 0 with samples"),
        ("case " + "9" * 5000 + " 100", "is no record line"),
        ("case 1 1e-9", "1e-9 Hz cannot be"),
        ("case 1 1000\ncase.dat 16x200", "200000 Hz cannot be; mend its xN"),
        ("case many 100", "is no record line"),
        ("case 0 100", "0 signals; between 1 and 128"),
        ("case 9999 100", "9999 signals"),
        ("case 1 0\ncase.dat 16", "0 Hz cannot be"),
        ("case 2 100\ncase.dat 16", "line 2: 1 of 2 signal lines"),
        ("case 1 100\ncase.dat", "line 2: 'case.dat' is no signal line"),
        ("case 1 100\ncase.dat 16 fast", "is no signal line"),
        (
            "case 1 100\ncase.dat 500",
            "line 2: signal format 500 is not read; convert the record to one of 8, 16,",
        ),
        ("case 1 100\ncase.dat 16 1e-90/mV", "a gain of 1e-90 cannot be"),
        ("case 1 100\n../secret 16", "name a file beside the header"),
        ("case 2 100\ncase.dat 16\ncase.dat 80", "case.dat holds two signal formats"),
    ],
)
def test_a_bad_header_is_named_with_its_line(text: str, said: str):
    with pytest.raises(InputError, match=r"^case\.hea: ") as caught:
        read_segments(text, "case.hea") or read_header(text, "case.hea")

    assert said in str(caught.value)


THREE = header(
    "case.dat 212 1/mmHg 12 0 0 0 0 ABP",
    "case.dat 212 1/mmHg 12 0 0 0 0 PAP",
    "case.dat 212 1/mV 12 0 0 0 0 II",
)


@settings(max_examples=100, deadline=None)
@given(stream=st.binary(max_size=900), size=st.integers(1, 70), form=st.sampled_from(sorted(FORMATS)))
def test_any_bytes_in_any_chunking_give_the_same_events(stream: bytes, size: int, form: int):
    record = header(f"case.dat {form} 1/mmHg 12 0 5 0 0 ABP", f"case.dat {form} 1/mV 12 0 0 0 0 II")

    assert repr(decode(record, stream, size)) == repr(decode(record, stream))
    assert repr(decode(THREE, stream, size)) == repr(decode(THREE, stream))


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="case 0123456789./x:+()-mVdat\n#", max_size=80))
def test_any_header_is_read_or_refused(text: str):
    try:
        found = read_segments(text, "case.hea")
        if not found:
            record = read_header(text, "case.hea")
            found = decode(record, b"abcdef", file=record.files[0])
        said = f"case.hea: {len(found)} events or segments"
    except InputError as error:
        said = str(error)

    assert said.startswith("case.hea: ")
