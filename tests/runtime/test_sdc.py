"""Records of an SDC device become values only where the device, the code, the unit and the checksum agree."""

from __future__ import annotations

import json
import math
from binascii import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders.arterial import PATIENCE
from barocast.runtime.decoders.sdc import MAX_LOST, SdcDecoder
from barocast.runtime.decoders.sdc_mdib import MAX_RATE_HZ
from barocast.runtime.decoders.sdc_record import MAX_ENTRIES, MAX_MAGNITUDE, MAX_RECORD, MAX_TEXT, record
from barocast.runtime.decoders.sdc_values import MAX_SAMPLES, NO_SAMPLE
from barocast.runtime.domain import Corrupt, DeviceAlarm, Reason, Sample, WaveChunk

MMHG, KPA, PER_MIN, CELSIUS = "266016", "265987", "264928", "268192"
T_S = 1_790_000_000.25


def metric(handle, code, unit=MMHG, place="channel", **more):
    told = {"handle": handle, "device": "mds", "place": place, "code": code, "unit": unit}
    return told | {"category": "Msrmt", "derivation": ""} | more


METRICS = [
    metric("map", "150039"),
    metric("nibp", "150023", place="cuff"),
    metric("wave", "150036", period_s=0.008),
    metric("hr", "147842", PER_MIN, place="ecg"),
]
CONDITION = {
    "handle": "low",
    "device": "mds",
    "code": "196670",
    "text": "ABP low",
    "kind": "Phy",
    "priority": "Hi",
}
SIGNAL = {"handle": "low.lamp", "condition": "low"}


def mdib(*metrics, mode="Nml", conditions=(CONDITION,)):
    return record(
        {
            "is": "mdib",
            "devices": [{"handle": "mds", "mode": mode}],
            "metrics": list(metrics or METRICS),
            "conditions": list(conditions),
            "signals": [SIGNAL],
        }
    )


def report(**lists):
    return record({"is": "report", **lists})


def state(handle, value=None, **more):
    told = {"handle": handle, "t": T_S, "validity": "Vld", "mode": "Real", "activation": "On"} | more
    return told if value is None else told | {"value": value}


def numeric(handle, value, **more):
    return report(metrics=[state(handle, value, **more)])


def wave(values, handle="wave", **more):
    return report(waves=[state(handle, values=values, **more)])


def read(stream, size=None):
    decoder = SdcDecoder()
    size = size or max(1, len(stream))
    events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    return events + decoder.close()


def damage(events):
    return [event.reason for event in events if isinstance(event, Corrupt)]


def spoken(events):
    return [(event.channel, event.value) for event in events if isinstance(event, Sample) and event.channel]


def test_a_numeric_has_its_channel_unit_and_time():
    assert read(mdib() + numeric("map", 71.5)) == [Sample("ABP_MEAN", "150039", T_S, 71.5, "mmHg")]


def test_a_wave_has_its_rate_and_the_time_of_its_first_sample():
    (chunk,) = read(mdib() + wave([80.0, 81.5, 83.0]))

    assert (chunk.channel, chunk.code, chunk.t_s, chunk.rate_hz) == ("ABP_WAVE", "150036", T_S, 125.0)
    assert (chunk.values.tolist(), chunk.unit, chunk.valid) == ([80.0, 81.5, 83.0], "mmHg", True)


def test_a_pressure_of_no_site_is_neither_the_arterial_line_nor_the_cuff():
    (told,) = read(mdib(metric("p", "150019")) + numeric("p", 71.5))

    assert (told.channel, told.value) == (None, 71.5)


def test_a_value_of_a_wave_and_samples_of_a_numeric_are_not_what_was_described():
    assert damage(read(mdib() + numeric("wave", 71.5) + wave([71.5], "map"))) == ["undescribed"] * 2


def test_cuff_pressure_is_never_the_arterial_line():
    assert spoken(read(mdib() + numeric("nibp", 82.0))) == [("NIBP_MEAN", 82.0)]


def test_units_are_converted_by_code():
    metrics = [
        metric("map", "150039", KPA),
        metric("temp", "150344", CELSIUS),
        metric("wave", "150036", KPA, period_s=0.01),
    ]
    told = report(metrics=[state("map", 10.0), state("temp", 36.6)], waves=[state("wave", values=[12.0])])
    pressure, temperature, chunk = read(mdib(*metrics) + told)

    assert (pressure.value, pressure.unit) == (pytest.approx(75.006, abs=1e-3), "mmHg")
    assert (temperature.value, temperature.unit) == (36.6, "°C")
    assert chunk.values.tolist() == [pytest.approx(90.007, abs=1e-3)]


@pytest.mark.parametrize("unit", ["", "262656", "999999", "urn:oid:1.2.3 266016", "furlong"])
def test_a_unit_that_is_not_known_is_never_guessed(unit):
    (told,) = read(mdib(metric("map", "150039", unit)) + numeric("map", 71.5))

    assert (told.value, told.valid, told.reason) == (71.5, False, Reason.UNIT)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"validity": "Vldated"}, None),
        ({"validity": "Ong"}, Reason.MISSING),
        ({"validity": "Qst"}, Reason.INVALID),
        ({"validity": "Calib"}, Reason.CALIBRATING),
        ({"validity": "Inv"}, Reason.INVALID),
        ({"validity": "Oflw"}, Reason.RANGE),
        ({"validity": "Uflw"}, Reason.RANGE),
        ({"validity": "NA"}, Reason.UNAVAILABLE),
        ({"validity": "Fine"}, Reason.INVALID),
        ({"validity": ""}, Reason.INVALID),
        ({"mode": "Demo"}, Reason.DEMO),
        ({"mode": "Test"}, Reason.TEST),
        ({"mode": "Demo", "validity": "Inv"}, Reason.DEMO),
        ({"activation": "Off"}, Reason.UNAVAILABLE),
        ({"activation": "Fail"}, Reason.INVALID),
    ],
)
def test_what_the_device_holds_against_a_value_is_its_reason(said, reason):
    told = state("map", 71.5) | said
    array = state("wave", values=[80.0]) | said
    events = read(mdib() + report(metrics=[told], waves=[array]))

    assert [(event.valid, event.reason) for event in events] == [(reason is None, reason)] * 2


@pytest.mark.parametrize(
    ("mode", "reason"), [("Nml", None), ("Dmo", Reason.DEMO), ("Srv", Reason.TEST), ("?", Reason.TEST)]
)
def test_a_device_that_shows_or_is_serviced_measures_no_patient(mode, reason):
    (before,) = read(mdib(mode=mode) + numeric("map", 71.5))
    after = read(mdib() + report(devices=[{"handle": "mds", "mode": mode}]) + numeric("map", 71.5))

    assert before.reason == after[-1].reason == reason


def test_a_device_whose_mode_was_never_told_is_not_believed():
    described = mdib(metric("map", "150039", device="other"))

    assert read(described + numeric("map", 71.5))[0].reason is Reason.TEST


def test_no_value_is_missing_and_not_zero():
    (told,) = read(mdib() + numeric("map", None))

    assert math.isnan(told.value)
    assert told.reason is Reason.MISSING


@pytest.mark.parametrize(("value", "reason"), [(19.0, Reason.RANGE), (201.0, Reason.RANGE), (65.0, None)])
def test_what_no_sensor_can_report_is_out_of_range(value, reason):
    assert read(mdib() + numeric("map", value))[0].reason is reason


def test_a_wave_beyond_its_range_is_refused_whole():
    (chunk,) = read(mdib() + wave([80.0, 900.0]))

    assert (chunk.valid, chunk.reason) == (False, Reason.RANGE)


def test_a_sample_that_is_annotated_as_none_is_missing():
    marks = [{"at": 1, "code": NO_SAMPLE}, {"at": 0, "code": "147240"}, {"at": 9, "code": NO_SAMPLE}]
    (chunk,) = read(mdib() + wave([80.0, 0.0, 82.0], marks=marks))

    np.testing.assert_array_equal(chunk.values, [80.0, math.nan, 82.0])
    assert chunk.valid


def test_an_empty_wave_is_missing():
    assert read(mdib() + wave([]))[0].reason is Reason.MISSING


@pytest.mark.parametrize("period_s", [0.0, -0.008, 0.5 / MAX_RATE_HZ, 1e300])
def test_a_period_that_cannot_be_is_told_and_gives_no_wave(period_s):
    assert damage(read(mdib(metric("wave", "150036", period_s=period_s)) + wave([80.0]))) == ["wave rate"]


@pytest.mark.parametrize("how", [{"category": "Set"}, {"category": "Preset"}, {"derivation": "Man"}])
def test_a_setting_or_a_typed_value_is_no_measurement(how):
    (told,) = read(mdib(metric("map", "150039") | how) + numeric("map", 71.5))

    assert (told.channel, told.code, told.value) == (None, "150039", 71.5)


def test_a_foreign_coding_system_keeps_its_code_and_has_no_channel():
    (told,) = read(mdib(metric("x", "urn:oid:1.2.3 150039")) + numeric("x", 71.5))

    assert (told.channel, told.code) == (None, "urn:oid:1.2.3 150039")


def two_lines(**more):
    return mdib(metric("art", "150035", place="b", **more), metric("abp", "150039", place="a", **more))


def test_of_two_arterial_lines_the_better_labelled_speaks_and_the_other_is_its_rival():
    told = report(metrics=[state("art", 70.0), state("abp", 75.0)])
    art, abp = read(two_lines() + told)

    assert (abp.channel, abp.rival_of) == ("ABP_MEAN", None)
    assert (art.channel, art.rival_of) == (None, "ABP_MEAN")


def test_the_second_arterial_line_takes_over_when_the_first_is_pulled():
    both = report(metrics=[state("art", 70.0), state("abp", 75.0)])
    pulled = report(metrics=[state("art", 70.0), state("abp", validity="NA")])
    events = read(two_lines() + both + pulled * (PATIENCE + 1))

    assert [event.value for event in events if event.channel == "ABP_MEAN" and event.valid] == [75.0, 70.0]


def test_a_wave_under_another_label_than_the_numbers_is_their_rival():
    described = mdib(metric("abp", "150039", place="a"), metric("wave", "150032", place="b", period_s=0.5))
    (alone,) = read(described + report(waves=[state("wave", values=[80.0, 81.0])]))
    told, beside = read(described + numeric("abp", 90.0) + report(waves=[state("wave", values=[80.0, 81.0])]))

    assert (alone.channel, told.channel) == ("ABP_WAVE", "ABP_MEAN")
    assert (beside.channel, beside.rival_of) == (None, "ABP_WAVE")


def test_two_lines_of_one_label_do_not_take_turns():
    described = mdib(metric("one", "150039", place="a"), metric("two", "150039", place="b"))
    events = read(described + (numeric("two", 70.0) + numeric("one", 75.0)) * 5)

    assert spoken(events) == [("ABP_MEAN", 70.0)] + [("ABP_MEAN", 75.0)] * 5


def test_sources_that_report_apart_do_not_take_turns():
    described = mdib(metric("art.pulse", "149522", PER_MIN), metric("spo2.pulse", "149530", PER_MIN))
    events = read(described + (numeric("spo2.pulse", 61.0) + numeric("art.pulse", 60.0)) * 5)

    assert spoken(events) == [("PR", 61.0)] * 5


def alert(**more):
    return report(
        alerts=[{"handle": "low", "t": T_S, "present": True, "activation": "On", "priority": ""} | more]
    )


def test_an_alert_that_is_present_is_the_devices_alarm():
    assert read(mdib() + alert()) == [DeviceAlarm("196670", "ABP low", T_S, "high", technical=False)]


@pytest.mark.parametrize(
    ("said", "priorities"),
    [
        ({"present": False}, []),
        ({"activation": "Off"}, []),
        ({"activation": "Psd"}, []),
        ({"priority": "Lo"}, ["low"]),
        ({"priority": "Me"}, ["medium"]),
        ({"priority": "None"}, []),
        ({"handle": "unknown"}, []),
    ],
)
def test_an_alert_counts_by_its_state_of_now(said, priorities):
    assert [alarm.priority for alarm in read(mdib() + alert(**said))] == priorities


def test_a_technical_alert_says_so():
    (alarm,) = read(mdib(conditions=[CONDITION | {"kind": "Tec"}]) + alert())

    assert alarm.technical


def test_a_latched_signal_keeps_its_condition_and_both_are_one_alarm():
    latched = {"handle": "low.lamp", "presence": "Latch", "activation": "On"}
    gone = {"handle": "low", "t": T_S, "present": False, "activation": "On"}

    assert len(read(mdib() + report(alerts=[gone, latched]))) == 1
    assert len(read(mdib() + report(alerts=[gone | {"present": True}, latched]))) == 1
    assert read(mdib() + report(alerts=[gone, latched | {"presence": "On"}])) == []


def test_an_alarm_of_a_demonstration_is_none():
    assert read(mdib(mode="Dmo") + alert()) == []


def test_states_before_any_description_are_told_as_such():
    decoder = SdcDecoder()

    assert damage(decoder.feed(numeric("map", 71.5) + wave([80.0]))) == ["undescribed", "undescribed"]
    assert decoder.counts.frames == 2


def test_a_new_description_replaces_the_old_one():
    moved = mdib(metric("map", "150023", place="cuff"))

    assert spoken(read(mdib() + moved + numeric("map", 80.0))) == [("NIBP_MEAN", 80.0)]


@pytest.mark.req("ACQ-04")
def test_lost_notifications_are_counted_one_by_one():
    lost = record({"is": "lost", "why": "overrun", "count": 3})
    decoder = SdcDecoder()
    decoder.feed(lost + record({"is": "lost", "why": "unreadable", "count": 1e9}))

    assert decoder.counts.corrupt_by_reason == {"overrun": 3, "unreadable": MAX_LOST}


def line(text):
    return b"%08x %b\n" % (crc32(text), text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'"text"',
        b"{}",
        b'{"is": "news"}',
        b'{"is": 5}',
        b'{"is": "mdib", "metrics": {}}',
        b'{"is": "mdib", "metrics": [5]}',
        b'{"is": "report", "metrics": [{"handle": 5}]}',
        b'{"is": "report", "metrics": [{"handle": "map", "value": "71"}]}',
        b'{"is": "report", "metrics": [{"handle": "map", "value": true}]}',
        b'{"is": "report", "metrics": [{"handle": "map", "value": NaN}]}',
        b'{"is": "report", "waves": [{"handle": "wave", "values": 5}]}',
        b'{"is": "report", "waves": [{"handle": "wave", "values": [1, "2"]}]}',
        b'{"is": "report", "waves": [{"handle": "wave", "values": [[1]]}]}',
        b'{"is": "lost", "why": "somehow", "count": 1}',
        b'{"is": "lost", "why": "overrun", "count": 0}',
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps({"is": "x" * (MAX_TEXT + 1)}).encode(),
        json.dumps({"is": "mdib", "signals": [{}] * (MAX_ENTRIES + 1)}).encode(),
        json.dumps(
            {"is": "report", "waves": [{"handle": "wave", "values": [1] * (MAX_SAMPLES + 1)}]}
        ).encode(),
    ],
)
def test_a_record_that_is_not_laid_out_so_is_corrupt_and_costs_nothing_else(text):
    events = read(mdib() + line(text) + numeric("map", 71.5))

    assert damage(events) == ["record"]
    assert spoken(events) == [("ABP_MEAN", 71.5)]


@pytest.mark.parametrize("digits", ["9" * 5000, "1e999", "-1e999", str(2 * MAX_MAGNITUDE)])
def test_a_number_beyond_all_measure_is_missing(digits):
    text = json.dumps(state("map", 0.5)).replace("0.5", digits)
    (told,) = read(mdib() + line(b'{"is":"report","metrics":[%b]}' % text.encode()))

    assert math.isnan(told.value)


def test_byte_by_byte_a_record_is_given_with_its_last_byte_and_not_before():
    decoder = SdcDecoder()
    stream = mdib() + numeric("map", 71.5)
    early = [event for at in range(len(stream) - 1) for event in decoder.feed(stream[at : at + 1])]

    assert early == []
    assert spoken(decoder.feed(stream[-1:])) == [("ABP_MEAN", 71.5)]


def test_bytes_after_a_record_wait_for_the_rest_of_theirs():
    decoder = SdcDecoder()
    second = numeric("map", 72.5)

    assert spoken(decoder.feed(mdib() + numeric("map", 71.5) + second[:20])) == [("ABP_MEAN", 71.5)]
    assert spoken(decoder.feed(second[20:])) == [("ABP_MEAN", 72.5)]


def test_garbage_is_told_and_costs_one_record_at_most():
    told = numeric("map", 71.5)
    events = read(mdib() + b"noise\n" + told + b"noise" + told + told + b"no end")

    assert damage(events) == ["sum", "sum", "cut short"]
    assert spoken(events) == [("ABP_MEAN", 71.5)] * 2


def test_no_flipped_bit_passes():
    stream = numeric("map", 71.5)
    decoder = SdcDecoder()
    decoder.feed(mdib())
    passed = []
    for bit in range(8 * len(stream)):
        broken = bytearray(stream)
        broken[bit // 8] ^= 1 << bit % 8
        passed += spoken(decoder.feed(bytes(broken) + b"\n"))

    assert passed == []


@pytest.mark.parametrize("size", [MAX_RECORD // 3, 4 * MAX_RECORD])
def test_a_line_without_end_is_given_up_in_pieces_and_held_no_longer(size):
    stream = b"x" * (2 * MAX_RECORD + 5) + b"\n" + mdib() + numeric("map", 71.5)
    events = read(stream, size)

    assert damage(events) == ["too long", "too long", "sum"]
    assert spoken(events) == [("ABP_MEAN", 71.5)]


def test_nothing_is_written_that_could_not_be_read():
    with pytest.raises(ValueError, match="at most"):
        record({"is": "x" * MAX_RECORD})
    with pytest.raises(ValueError, match="JSON compliant"):
        record({"is": math.nan})


PIECES = [
    mdib(),
    mdib(mode="Dmo"),
    two_lines(),
    numeric("map", 71.5),
    numeric("abp", 75.0),
    wave([80.0, 81.0]),
    alert(),
    record({"is": "lost", "why": "overrun", "count": 2}),
    b"\n",
    b"noise",
]
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=10).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 90))
def test_any_chunking_gives_the_same_events(stream, size):
    assert repr(read(stream, size)) == repr(read(stream))


words = st.sampled_from(
    ["is", "mdib", "report", "handle", "map", "wave", "metrics", "waves", "alerts", "values", "t"]
)
trees = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=6),
    max_leaves=12,
)


@pytest.mark.req("ACQ-05")
@settings(max_examples=150, deadline=None)
@given(fields=st.dictionaries(words, trees, max_size=6), kind=st.sampled_from(["mdib", "report", "lost"]))
def test_after_any_record_a_sound_one_is_read(fields, kind):
    events = read(mdib() + record(fields | {"is": kind}) + mdib() + numeric("map", 72.5))

    assert isinstance(events[-1], Sample)
    assert events[-1].value == 72.5
    assert all(isinstance(event, Sample | WaveChunk | DeviceAlarm | Corrupt) for event in events)
