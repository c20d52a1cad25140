"""DRI stream to events: labels, codes, status, units, lines, time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.dri_channels import PRESSURE_LABELS
from barocast.runtime.decoders.dri_frame import frame
from barocast.runtime.decoders.dri_physiology import GROUPS, Reading, subrecord
from barocast.runtime.decoders.dri_record import (
    DISPLAYED,
    PHYSIOLOGY,
    TREND_10_S,
    WAVE,
    Record,
    SubRecord,
    build,
)
from barocast.runtime.decoders.dri_waves import RESYNC_S, WAVES, SampleClock, samples_bytes
from barocast.runtime.domain import Corrupt, Reason, Sample, WaveChunk

GROUP = {group.name: group for group in GROUPS}
LABEL = {name: number for number, name in PRESSURE_LABELS.items()}
ART, CVP, PA, ABP, FEM, UAC = (LABEL[name] for name in ("ART", "CVP", "PA", "ABP", "FEM", "UAC"))
ON, OFF, ABSENT = 3, 1, 0
NOW = 1_000_000
SLEW = 0.001 + 1e-6  # s: a tenth of a sample, and what floats of epoch seconds lose


def group(name, label=0, status=ON, **values):
    return Reading(GROUP[name], status, label, values)


def line(name, label, mean, status=ON):
    return group(name, label, status, sys=mean + 30.0, dia=mean - 20.0, mean=mean)


def values(*groups, kind=DISPLAYED, now=NOW, number=0):
    """A framed record with every class."""
    parts = [
        SubRecord(kind, subrecord(kind, each, 10, now, [g for g in groups if g.group.data_class == each]))
        for each in (0, 1, 2)
    ]
    return frame(build(Record(PHYSIOLOGY, tuple(parts), now, number, 10)))


def waves(many, now=NOW, number=0, status=2):
    """A framed record with wave type -> samples in the wave's unit."""
    parts = [
        SubRecord(kind, samples_bytes(np.asarray(v, float), WAVES[kind], status)) for kind, v in many.items()
    ]
    return frame(build(Record(WAVE, tuple(parts), now, number % 256, 10)))


def decoded(*chunks):
    decoder = DriDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


def by_channel(events):
    return {event.channel: event.value for event in events if isinstance(event, Sample) and event.channel}


def test_number_becomes_a_sample_of_its_channel():
    found = decoded(values(line("P1", ART, 71.0)))

    assert found[2] == Sample("ABP_MEAN", "PHDB.P1.mean/ART", float(NOW), 71.0, "mmHg")


def test_every_class_that_carries_a_channel_of_ours_is_read():
    found = decoded(
        values(
            line("P1", CVP, 9.0), line("P2", PA, 21.0), line("P7", ABP, 81.0), line("NIBP", 0, 83.0),
            group("ECG", hr=61.0, imp_rr=13.0), group("SPO2", spo2=97.5, pr=62.0), group("T2", 1, temp=36.4),
            group("CO2", et=5.0, fi=0.1, rr=12.0, ambient=760.0), group("CO", co=4600.0),
            group("BIS", bis=44.0),
        )
    )  # fmt: skip

    assert by_channel(found) == pytest.approx(
        {
            "CVP_MEAN": 9.0, "PAP_SYS": 51.0, "PAP_DIA": 1.0, "PAP_MEAN": 21.0,
            "ABP_SYS": 111.0, "ABP_DIA": 61.0, "ABP_MEAN": 81.0,
            "NIBP_SYS": 113.0, "NIBP_DIA": 63.0, "NIBP_MEAN": 83.0,
            "HR": 61.0, "RR": 12.0, "SPO2": 97.5, "PR": 62.0, "TEMP": 36.4, "ETCO2": 38.0, "CO": 4.6,
            "BIS": 44.0,
        }
    )  # fmt: skip
    assert all(event.valid for event in found if event.channel)


@pytest.mark.parametrize("socket", ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8"])
def test_line_is_found_by_its_label_in_whatever_socket(socket):
    others = [line(name, CVP, 9.0) for name in ("P1", "P4") if name != socket]
    found = decoded(values(line(socket, ART, 71.0), *others))

    assert [event.code for event in found if event.channel == "ABP_MEAN"] == [f"PHDB.{socket}.mean/ART"]


@pytest.mark.parametrize("label", [*sorted(set(PRESSURE_LABELS) - {ART, ABP, FEM, UAC}), 0, 23, 999])
def test_no_other_label_is_ever_the_arterial_pressure(label):
    decoder = DriDecoder()
    found = decoder.feed(values(line("P1", label, 71.0)) + waves({4: [80.0] * 100}))

    assert not [event for event in found if (event.channel or "").startswith("ABP")]
    assert decoder.arterial_wave is None


def test_best_arterial_label_speaks_and_the_others_say_whose_rivals_they_are():
    found = decoded(
        values(line("P1", UAC, 50.0), line("P2", FEM, 60.0), line("P3", ABP, 71.0), line("P4", ART, 70.0))
    )
    means = {event.code: (event.channel, event.rival_of) for event in found if ".mean" in event.code}

    assert means == {
        "PHDB.P1.mean/UAC": (None, "ABP_MEAN"),
        "PHDB.P2.mean/FEM": (None, "ABP_MEAN"),
        "PHDB.P3.mean/ABP": ("ABP_MEAN", None),
        "PHDB.P4.mean/ART": (None, "ABP_MEAN"),
    }


@pytest.mark.parametrize("code", [-32767, -32766, -32765, -32764, -32763, -32762, -32001])
def test_code_in_place_of_a_number_is_missing(code):
    data = bytearray(subrecord(DISPLAYED, 0, 10, NOW, [line("P1", ART, 71.0)]))
    data[30:32] = code.to_bytes(2, "little", signed=True)  # the mean of P1
    found = decoded(frame(build(Record(PHYSIOLOGY, (SubRecord(DISPLAYED, bytes(data)),), NOW, 0, 10))))
    mean = found[2]

    assert math.isnan(mean.value)
    assert (mean.channel, mean.valid, mean.reason) == ("ABP_MEAN", False, Reason.CODE)
    assert found[0].valid


def test_lowest_number_is_no_code():
    assert decoded(values(group("P1", CVP, mean=-320.0)))[2].value == -320.0


def test_measurement_that_is_off_is_unavailable_and_without_a_value():
    found = decoded(values(line("P1", ART, 71.0, status=OFF)))

    assert {(event.reason, math.isnan(event.value)) for event in found} == {(Reason.UNAVAILABLE, True)}


def test_group_that_does_not_exist_is_not_told():
    """Its bytes may hold zeros, as T5 and T6 do in recordings."""
    assert decoded(values(group("T5", 17, ABSENT, temp=0.0), line("P4", ART, 0.0, status=ABSENT))) == []


def test_implausible_value_is_kept_but_not_valid():
    mean = decoded(values(line("P1", ART, 219.0)))[2]

    assert (mean.value, mean.valid, mean.reason) == (219.0, False, Reason.RANGE)


def test_cuff_pressure_is_told_once_and_an_old_one_not_at_all():
    old = GROUP["NIBP"].old_bit
    cuffs = [(old, 80.0), (0, 71.0), (0, 71.0), (old, 71.0), (0, 71.0), (0, 90.0)]
    found = decoded(
        *(values(line("NIBP", 0x0B | label, mean), now=NOW + i) for i, (label, mean) in enumerate(cuffs))
    )

    assert [(event.t_s - NOW, event.value) for event in found if event.channel == "NIBP_MEAN"] == [
        (1.0, 71.0),
        (4.0, 71.0),
        (5.0, 90.0),
    ]


def test_thermodilution_of_more_than_a_minute_is_not_told():
    found = decoded(*(values(group("CO", label, co=4600.0)) for label in (0b1000, 0b1001, 0b0010)))

    assert [event.channel for event in found] == ["CO", "CO"]


def test_carbon_dioxide_without_ambient_pressure_is_no_pressure():
    found = decoded(values(group("CO2", et=5.0, rr=12.0)))[0]

    assert (found.channel, found.value, found.unit, found.reason) == ("ETCO2", 5.0, "%", Reason.UNIT)


@pytest.mark.parametrize(
    ("label", "told"), [(1, "TEMP"), (15, "TEMP"), (11, "TEMP"), (7, None), (9, None), (0, None)]
)
def test_temperature_of_skin_or_room_is_not_the_patient_s(label, told):
    assert decoded(values(group("T1", label, temp=36.5)))[0].channel == told


def test_best_site_of_several_temperatures_speaks():
    found = decoded(values(group("T1", 4, temp=36.9), group("T2", 1, temp=36.5), group("T3", 7, temp=31.0)))

    assert by_channel(found) == {"TEMP": 36.5}


def test_trend_speaks_only_where_nothing_is_displayed():
    trend = values(line("P1", ART, 70.0), kind=TREND_10_S)
    found = decoded(trend, values(line("P1", ART, 71.0)), trend)
    means = [(event.channel, event.code) for event in found if ".mean" in event.code]

    assert means == [
        ("ABP_MEAN", "TREND10.P1.mean/ART"),
        ("ABP_MEAN", "PHDB.P1.mean/ART"),
        (None, "TREND10.P1.mean/ART"),
    ]


def test_invasive_wave_goes_by_the_label_of_its_socket():
    many = {4: [9.0] * 100, 5: [80.0] * 100, 36: [20.0] * 100}
    found = decoded(
        waves(many), values(line("P1", CVP, 9.0), line("P2", ART, 71.0), line("P7", PA, 20.0)), waves(many)
    )
    chunks = [(event.channel, event.code) for event in found if isinstance(event, WaveChunk)]

    assert chunks == [
        (None, "WAVE.INVP1"),
        (None, "WAVE.INVP2"),
        (None, "WAVE.INVP7"),
        ("CVP_WAVE", "WAVE.INVP1/CVP"),
        ("ABP_WAVE", "WAVE.INVP2/ART"),
        ("PAP_WAVE", "WAVE.INVP7/PA"),
    ]


def test_wave_and_numbers_come_from_one_line():
    both = values(line("P1", ART, 70.0), line("P2", ABP, 71.0))
    found = decoded(both, waves({4: [80.0] * 100, 5: [80.0] * 100}))

    assert [event.channel for event in found if isinstance(event, WaveChunk)] == [None, "ABP_WAVE"]


def test_wave_follows_the_line_that_has_values_not_the_better_label():
    both = values(line("P1", UAC, 70.0), group("P2", ABP, OFF))
    found = decoded(both, waves({4: [80.0] * 100, 5: [80.0] * 100}))

    assert [event.channel for event in found if isinstance(event, WaveChunk)] == ["ABP_WAVE", None]


def test_socket_that_is_pulled_takes_its_label_along():
    decoder = DriDecoder()
    decoder.feed(values(line("P1", CVP, 9.0)) + values(group("ECG", hr=60.0)))
    (chunk,) = decoder.feed(waves({4: [9.0] * 100}))

    assert (chunk.channel, chunk.code) == (None, "WAVE.INVP1")


@pytest.mark.parametrize(
    ("kind", "rate_hz", "channel", "unit", "value"),
    [(1, 300, "ECG_WAVE", "mV", 1.25), (8, 100, "PLETH_WAVE", "1", 0.0271), (15, 25, "RESP_WAVE", "1", 40.0)],
)
def test_wave_has_its_rate_and_unit(kind, rate_hz, channel, unit, value):
    (chunk,) = decoded(waves({kind: [value] * rate_hz}))

    assert (chunk.channel, chunk.rate_hz, chunk.unit, chunk.valid) == (channel, rate_hz, unit, True)
    assert chunk.values == pytest.approx(value)
    assert chunk.t_s == NOW - 1


def test_carbon_dioxide_wave_needs_the_ambient_pressure():
    percent, pressure = decoded(
        waves({9: [5.0] * 25}), values(group("CO2", et=5.0, ambient=760.0)), waves({9: [5.0] * 25}, number=1)
    )[:: len(decoded(values(group("CO2", et=5.0, ambient=760.0)))) + 1]

    assert (percent.reason, percent.unit) == (Reason.UNIT, "%")
    assert (pressure.valid, pressure.unit, pressure.values[0]) == (True, "mmHg", pytest.approx(38.0))


def test_control_codes_in_a_wave_are_missing_samples():
    (chunk,) = decoded(waves({8: [0.1, math.nan, 0.2]}))

    assert np.isnan(chunk.values).tolist() == [False, True, False]
    assert chunk.valid


def test_highest_control_code_is_no_sample():
    data = (
        (2).to_bytes(2, "little")
        + bytes(4)
        + b"".join(n.to_bytes(2, "little", signed=True) for n in (-32000, -31999))
    )
    (chunk,) = decoded(frame(build(Record(WAVE, (SubRecord(8, data),), NOW, 0, 10))))

    assert np.isnan(chunk.values).tolist() == [True, False]


def test_wave_of_nothing_but_control_codes_is_not_valid():
    (chunk,) = decoded(waves({8: [math.nan] * 100}))

    assert (chunk.valid, chunk.reason) == (False, Reason.CODE)


def test_wave_without_a_known_rate_is_left_out():
    unknown = SubRecord(29, samples_bytes(np.zeros(10), WAVES[8]))

    assert decoded(frame(build(Record(WAVE, (unknown,), NOW, 0, 10)))) == []


def test_patient_and_alarm_records_leave_nothing():
    record = Record(5, (SubRecord(1, b"DOE" + bytes(60)),), NOW, 0, 10)
    decoder = DriDecoder()

    assert decoder.feed(frame(build(record))) == []
    assert decoder.counts.frames == 1


# Time.


def starts(counts, stamps=None, numbers=None, statuses=None):
    """Times of packets with so many samples of a 100 Hz wave each, one a second."""
    n = len(counts)
    stamps, numbers, statuses = stamps or range(NOW, NOW + n), numbers or range(n), statuses or [2] * n
    stream = [
        waves({8: [0.1] * count}, stamp, number, status)
        for count, stamp, number, status in zip(counts, stamps, numbers, statuses, strict=True)
    ]
    return [event.t_s for event in decoded(*stream)]


def test_packets_of_99_100_and_101_samples_follow_each_other_without_gap_or_overlap():
    counts = ([100] * 7 + [101, 99, 100, 99, 100, 101]) * 100
    times = starts(counts)
    slips = np.array(times[1:]) - (np.array(times[:-1]) + np.array(counts[:-1]) / 100)

    assert np.abs(slips).max() <= SLEW
    assert np.abs(np.array(times) + np.array(counts) / 100 - range(NOW, NOW + len(counts))).max() < 0.02


def test_clock_that_runs_apart_is_followed_slowly():
    """One sample less every hundred seconds: 100 ppm."""
    counts = ([100] * 99 + [99]) * 50
    times = starts(counts)
    slips = np.array(times[1:]) - (np.array(times[:-1]) + np.array(counts[:-1]) / 100)

    assert np.abs(slips).max() <= SLEW
    assert abs(times[-1] + 1 - (NOW + len(counts) - 1)) < 0.05


def test_stamps_that_flicker_between_two_seconds_move_no_sample():
    stamps = [NOW + i + (i % 2) for i in range(200)]
    times = starts([100] * 200, stamps)

    assert np.abs(np.diff(times) - 1.0).max() <= SLEW


@pytest.mark.req("ACQ-04")
def test_lost_records_leave_a_gap_of_their_length():
    times = starts([100] * 3, [NOW, NOW + 3, NOW + 4], [254, 1, 2])

    assert np.diff(times) == pytest.approx([3.0, 1.0], abs=SLEW)


def test_lost_record_is_seen_even_when_the_stamp_does_not_tell():
    times = starts([100] * 2, [NOW, NOW + 1], [0, 2])

    assert np.diff(times) == pytest.approx([2.0], abs=2 * SLEW)


@pytest.mark.parametrize("jump", [-3600, 100])
def test_clock_that_is_set_is_followed_at_once(jump):
    times = starts([100] * 3, [NOW, NOW + jump, NOW + jump + 1])

    assert np.diff(times) == pytest.approx([jump, 1.0])


def test_gap_that_the_monitor_tells_re_anchors_the_wave_without_overlap():
    times = starts([100] * 3, [NOW, NOW + 2, NOW + 3], statuses=[2, 3, 2])
    early = starts([100] * 2, [NOW, NOW], statuses=[2, 3])

    assert np.diff(times) == pytest.approx([2.0, 1.0])
    assert np.diff(early) == pytest.approx([1.0])


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(-5, 5), st.integers(0, 255), st.booleans()), max_size=40
    )
)
@settings(max_examples=100, deadline=None)
def test_sample_clock_stays_near_the_stamp_whatever_comes(packets):
    clock, stamp = SampleClock(), 0
    for count, step, lost, gap in packets:
        stamp += step
        duration = count / 100
        end = clock.start(duration, stamp, missing_s=lost * duration, gap=gap) + duration

        assert abs(end - stamp) <= RESYNC_S


# Any bytes.

GOOD = values(line("P1", ART, 71.0)) + waves({4: [80.0] * 101}) + values(line("P1", ART, 72.0))


def same(a, b):
    """Events compared as text, because NaN equals nothing."""
    return [str(event) for event in a] == [str(event) for event in b]


def test_byte_by_byte_gives_the_same():
    assert same(decoded(*(bytes((byte,)) for byte in GOOD)), decoded(GOOD))


@pytest.mark.req("ACQ-05")
def test_back_in_step_after_garbage_anywhere():
    junk = bytes(range(1, 126)) * 5
    found = decoded(junk + GOOD + junk + GOOD + junk)

    assert len([event for event in found if event_is(event, "ABP_MEAN")]) == 4
    assert [event.reason for event in found if isinstance(event, Corrupt)] == [
        "garbage",
        "escape",
        "cut short",
    ]


def event_is(event, channel):
    return isinstance(event, Sample) and event.channel == channel


def test_sum_checked_junk_is_told_with_its_reason():
    (found,) = decoded(frame(bytes(100)))

    assert found == Corrupt(1, 101, "r_len")


noisy = st.lists(
    st.one_of(
        st.sampled_from([GOOD, values(group("T5", 17, temp=36.0)), waves({8: [0.1] * 99, 32: []}), b"\x7e"]),
        st.binary(max_size=60),
        st.binary(max_size=120).map(frame),
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)).map(
            lambda flip: GOOD[: flip[0]] + bytes((GOOD[flip[0]] ^ flip[1],)) + GOOD[flip[0] + 1 :]
        ),
    ),
    max_size=8,
)


@given(noisy.map(b"".join), st.lists(st.integers(0, 4000)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_in_any_chunking_give_the_same_events(stream, cuts):
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    assert same(decoded(*(stream[a:b] for a, b in pairwise(edges))), decoded(stream))


@given(st.binary(min_size=278, max_size=278), st.binary(max_size=300), st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_any_content_of_a_sound_record_is_borne(body, wave, kind):
    count = len(wave) // 2
    sound = count.to_bytes(2, "little") + b"\x02\x00\x00\x00" + wave
    decoder = DriDecoder()
    decoder.feed(frame(build(Record(PHYSIOLOGY, (SubRecord(DISPLAYED, body),), NOW, 0, 10))))
    decoder.feed(frame(build(Record(WAVE, (SubRecord(kind % 255, sound),), NOW, 0, 10))))

    assert decoder.counts.frames == 2
