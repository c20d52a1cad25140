"""HL7 observations of every dialect become samples on canonical channels."""

from __future__ import annotations

import math

import hl7 as hl7_package
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders.arterial import PATIENCE
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.hl7_file import FileDeframer
from barocast.runtime.decoders.hl7_message import (
    KEPT,
    LAST_FIELD,
    MAX_SEGMENTS,
    Separators,
    split,
    unescape,
)
from barocast.runtime.decoders.hl7_rows import number
from barocast.runtime.decoders.hl7_term import MAX_CHARS, MAX_KNOWN, terms_of
from barocast.runtime.decoders.hl7_time import epoch_s
from barocast.runtime.decoders.hl7_waves import MAX_SAMPLES
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import Corrupt, Event, Reason, Sample, WaveChunk

HEADER = "MSH|^~\\&|APP|FAC|||20240102030405||ORU^R01|7|P|2.6"
OBR = "OBR|1||||||20240102030400"
T_OBR = 1704164640.0
FILES = (
    "bbraun_pcd04_r40_end",
    "bbraun_pcd04_r40_start",
    "ge_vsp_pcd01_v26_art",
    "ihe_nist_pcd01_spo2",
    "mindray_dseries_wave_na_500hz",
    "mindray_egateway_pcd04_r40_start",
    "mindray_oem_xh80x_w01_wave",
    "mindray_pds_v231",
    "mindray_wave_na_ecg_short",
    "nihon_kohden_bsm_v24_vital_nibp",
    "nihon_kohden_gateway_art_obx_rows",
    "philips_iic_outbound_v22_abp",
    "philips_intellibridge_pcd01_v26",
    "philips_piic_v25_demo_bed",
)


def message(*segments: str, header: str = HEADER) -> bytes:
    """A message of these segments under an OBR."""
    return "\r".join([header, OBR, *segments, ""]).encode()


def obx(code: str, value: str, unit: str = "mmHg", path: str = "", **more: str) -> str:
    """An OBX of type NM; `status` is OBX-11, `time` OBX-14, `kind` OBX-2."""
    status, time, kind = more.get("status", "F"), more.get("time", ""), more.get("kind", "NM")
    return f"OBX||{kind}|{code}|{path}|{value}|{unit}|||||{status}|||{time}"


def decode(*messages: bytes, **options: bool) -> list[Event]:
    """Read messages over MLLP."""
    decoder = Hl7Decoder(**options)
    return [event for one in messages for event in decoder.feed(wrap(one))] + decoder.close()


def one(segment: str, **options: bool) -> Sample:
    """Read a message of one OBX."""
    (event,) = decode(message(segment), **options)
    assert isinstance(event, Sample)
    return event


def wave(*segments: str) -> WaveChunk:
    """Read a message of one wave."""
    (event,) = decode(message(*segments))
    assert isinstance(event, WaveChunk)
    return event


def from_capture(name: str) -> list[Event]:
    """Read a real message from its bare file."""
    decoder = Hl7Decoder(FileDeframer())
    return decoder.feed(captures(f"hl7/{name}.hl7").read_bytes()) + decoder.close()


def values(events: list[Event]) -> dict[str, float]:
    """Channel -> value of the valid samples that have one."""
    return {
        event.channel: event.value
        for event in events
        if isinstance(event, Sample) and event.channel and event.valid
    }


# ---- what each real message says -----------------------------------------------------------------------


def test_nihon_kohden_keeps_the_arterial_line_apart_from_the_cuff():
    events = from_capture("nihon_kohden_gateway_art_obx_rows")

    assert values(events) == {
        "HR": 75, "SPO2": 98, "PR": 73, "ABP_SYS": 124, "ABP_DIA": 88, "ABP_MEAN": 100, "RR": 16, "ETCO2": 40,
        "NIBP_SYS": 171, "NIBP_DIA": 122, "NIBP_MEAN": 138,
    }  # fmt: skip
    times = {event.channel: event.t_s for event in events if isinstance(event, Sample)}
    assert times["NIBP_MEAN"] - times["ABP_MEAN"] == 139  # 10:07:18 against 10:04:59


def test_nihon_kohden_bedside_gives_the_cuff_its_own_earlier_time():
    events = from_capture("nihon_kohden_bsm_v24_vital_nibp")

    assert values(events) == {"PR": 77, "SPO2": 99, "NIBP_SYS": 133, "NIBP_DIA": 77, "NIBP_MEAN": 95}
    assert {event.t_s for event in events} == {1776883440.0, 1776883417.0}


def test_philips_hex_codes_name_abp():
    events = from_capture("philips_iic_outbound_v22_abp")

    assert values(events) == {
        "SPO2": 95, "RR": 15, "HR": 60, "ABP_SYS": 120, "ABP_DIA": 70, "ABP_MEAN": 91
    }  # fmt: skip
    assert [event.code for event in events if event.channel == "ABP_MEAN"] == ["0002-4a17"]


def test_ge_names_its_arterial_line_by_the_art_codes_under_a_channel_row():
    assert values(from_capture("ge_vsp_pcd01_v26_art")) == {
        "ABP_SYS": 112, "ABP_DIA": 76, "ABP_MEAN": 95, "PR": 80, "HR": 80, "SPO2": 100, "RR": 18, "TEMP": 37.1
    }  # fmt: skip


def test_intellibridge_values_are_taken_although_every_row_is_flagged_x():
    events = from_capture("philips_intellibridge_pcd01_v26")

    assert values(events) == {
        "NIBP_SYS": 117, "NIBP_DIA": 82, "NIBP_MEAN": 90, "HR": 80, "RR": 30, "SPO2": 99
    }  # fmt: skip
    assert [event.t_s for event in events if event.channel == "NIBP_SYS"] == [1421927400.0]  # its own OBX-14


def test_mindray_pds_ids_need_no_coding_system_and_no_units():
    assert values(from_capture("mindray_pds_v231")) == {"HR": 60, "RR": 20, "TEMP": 37}


def test_the_mdc_alternate_of_a_loinc_code_names_the_pulse_rate():
    (event,) = from_capture("ihe_nist_pcd01_spo2")

    assert event == Sample("PR", "149530", 1338377020.0, 55.0, "1/min")


def test_an_alternate_that_names_no_channel_gives_way_to_a_code_that_does():
    sample = one(obx("76214-6^MAP^LN^99999^MDC_X^MDC", "71"))

    assert (sample.channel, sample.code) == ("ABP_MEAN", "76214-6")


def test_a_training_message_is_never_valid():
    events = from_capture("philips_piic_v25_demo_bed")

    assert [(event.channel, event.value, event.reason) for event in events] == [
        ("RR", 30.0, Reason.TEST),
        ("HR", 80.0, Reason.TEST),
        (None, 0.0, Reason.TEST),
    ]


def test_a_wave_of_counts_is_scaled_by_its_resolution():
    (chunk,) = from_capture("mindray_wave_na_ecg_short")

    assert (chunk.channel, chunk.rate_hz, chunk.unit, chunk.t_s) == ("ECG_WAVE", 500.0, "mV", 1769231739.0)
    np.testing.assert_allclose(chunk.values, [80 * 0.001221, 88 * 0.001221, 92 * 0.001221])


def test_a_header_with_one_bar_too_many_is_still_an_observation():
    (chunk,) = from_capture("mindray_dseries_wave_na_500hz")

    assert (chunk.channel, chunk.rate_hz, len(chunk.values)) == ("RESP_WAVE", 500.0, 500)
    assert chunk.t_s == pytest.approx(1569748909.610)


def test_a_wave_without_a_time_or_a_usable_unit_says_so():
    (chunk,) = from_capture("mindray_oem_xh80x_w01_wave")

    assert (chunk.t_s, chunk.valid, chunk.reason, list(chunk.values)) == (
        None,
        False,
        Reason.UNIT,
        list(range(1, 11)),
    )


@pytest.mark.parametrize("name", FILES)
def test_our_splitter_agrees_with_the_hl7_package(name: str):
    payload = captures(f"hl7/{name}.hl7").read_bytes()
    ours = split(payload)
    _, *body = hl7_package.parse(payload, encoding="ascii")
    theirs = [segment for segment in body if str(segment[0]) in KEPT]

    assert ours is not None
    for mine, other in zip(ours.body, theirs, strict=True):
        told = [str(field).strip() for field in other][: LAST_FIELD + 1]
        assert [field.strip() for field in mine][: len(told)] == told


# ---- rules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["X", "N", "D", "W"])
def test_a_row_without_a_result_is_missing_whatever_it_carries(status: str):
    sample = one(obx("150039^^MDC", "71", status=status))

    assert (math.isnan(sample.value), sample.valid, sample.reason) == (True, False, Reason.MISSING)


def test_valued_x_rows_are_taken_on_request_only():
    row = obx("150039^^MDC", "71", status="X")

    assert one(row, valued_x=True).value == 71
    assert math.isnan(one(row, valued_x=False).value)


@pytest.mark.parametrize("text", ["", " ", '""'])
def test_an_empty_value_is_missing(text: str):
    assert one(obx("150039^^MDC", text)).reason is Reason.MISSING


@pytest.mark.parametrize(
    ("text", "value"),
    [("71", 71), (" 7 1 ", 71), ("1,926", 1926), ("-4.5", -4.5), ("1,000,000.5", 1000000.5)],
)
def test_blanks_and_thousands_commas_are_stripped(text: str, value: float):
    assert number(text) == (value, None)


@pytest.mark.parametrize("text", ["---", "36,5", "1_0", "nan", "inf", "1e999", "<500", "٣"])
def test_what_is_no_number_is_a_code(text: str):
    value, reason = number(text)

    assert (math.isnan(value), reason) == (True, Reason.CODE)


@pytest.mark.parametrize(
    ("code", "text", "unit", "value"),
    [
        ("150039^^MDC", "10", "kPa^^UCUM", 75.00617),
        ("150039^^MDC", "10", "265987^MDC_DIM_KILO_PASCAL^MDC", 75.00617),
        ("0002-4a17^ABPm^MDIL", "71", "0004-0f20^mmHg^MDIL", 71),
        ("150039^^MDC", "71", "mm[Hg]^^UCUM", 71),
        ("150344^^MDC", "98.6", "[degF]^^UCUM", 37),
        ("150276^^MDC", "4500", "mL/min", 4.5),
        ("147842^^MDC", "60", "{beats}/min^^UCUM", 60),
    ],
)
def test_units_are_converted_by_code(code: str, text: str, unit: str, value: float):
    sample = one(obx(code, text, unit))

    assert (sample.value, sample.valid) == (pytest.approx(value), True)


@pytest.mark.parametrize("unit", ["", "furlong", "%", "999999^MDC_DIM_X^MDC"])
def test_an_unknown_unit_on_a_canonical_channel_is_invalid(unit: str):
    sample = one(obx("150039^^MDC", "71", unit))

    assert (sample.value, sample.valid, sample.reason) == (71, False, Reason.UNIT)


def test_an_impossible_pressure_keeps_its_value_and_is_out_of_range():
    sample = one(obx("150039^^MDC", "250"))

    assert (sample.value, sample.valid, sample.reason) == (250, False, Reason.RANGE)


def test_the_time_of_the_row_beats_the_groups_and_that_the_headers():
    bare = HEADER.encode() + b"\r" + obx("150039^^MDC", "71").encode()

    assert one(obx("150039^^MDC", "71", time="20240102030403.5+0100")).t_s == T_OBR + 3.5 - 3600
    assert one(obx("150039^^MDC", "71")).t_s == T_OBR
    assert [event.t_s for event in decode(bare)] == [T_OBR + 5]
    assert [event.t_s for event in decode(bare.replace(b"20240102030405", b""))] == [None]


def test_the_headers_offset_holds_for_stamps_without_one():
    header = HEADER.replace("20240102030405", "20240102030405-0500")
    (event,) = decode(message(obx("150039^^MDC", "71"), header=header))

    assert event.t_s == T_OBR + 5 * 3600


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("20240102030400", T_OBR),
        ("202401020304", T_OBR),
        ("20240102030400250", T_OBR + 0.25),
        ("20240102030400.25", T_OBR + 0.25),
        ("20240102050400000+0200", T_OBR),
        ("20240102", None),
        ("20241302030400", None),
        ("", None),
        ("yesterday", None),
        ("20240102030400+9900", None),
        ("20240102030400" + "0" * 99, None),
    ],
)
def test_time_stamps_in_every_writing(stamp: str, seconds: float | None):
    assert epoch_s(stamp) == seconds


def test_of_competing_arterial_lines_the_better_label_speaks():
    rows = [
        obx("192703^FEM^MDC", "60", path="1.13.1.3"),
        obx("150035^ART^MDC", "70", path="1.13.2.3"),
        obx("150039^ABP^MDC", "80", path="1.13.3.3"),
    ]
    events = decode(message(*rows))

    assert [(event.channel, event.value) for event in events] == [
        (None, 60.0),
        (None, 70.0),
        ("ABP_MEAN", 80.0),
    ]


def test_of_two_lines_with_one_label_the_lower_module_channel_speaks():
    rows = [obx("150035^ART^MDC", "60", path="1.13.10.3"), obx("150035^ART^MDC", "70", path="1.13.2.3")]

    assert values(decode(message(*rows))) == {"ABP_MEAN": 70}


def test_a_worse_line_takes_over_only_when_the_better_one_stays_away():
    decoder = Hl7Decoder()
    decoder.feed(wrap(message(obx("150039^ABP^MDC", "80"))))
    art = wrap(message(obx("150035^ART^MDC", "70")))
    channels = [event.channel for _ in range(PATIENCE + 1) for event in decoder.feed(art)]

    assert channels == [None] * PATIENCE + ["ABP_MEAN"]
    assert values(decoder.feed(wrap(message(obx("150039^ABP^MDC", "80"))))) == {"ABP_MEAN": 80}


@pytest.mark.parametrize(("later", "channel"), [("20240102030559", None), ("20240102030600", "ABP_MEAN")])
def test_a_line_that_stays_away_for_a_minute_gives_way_however_few_values_there_are(
    later: str, channel: str | None
):
    decoder = Hl7Decoder()
    decoder.feed(wrap(message(obx("150039^ABP^MDC", "80"))))
    stamps = ("20240102030500", later)
    first, last = (decoder.feed(wrap(message(obx("150035^ART^MDC", "70", time=t)))) for t in stamps)

    assert (first[0].channel, last[0].channel) == (None, channel)


def test_a_code_without_a_channel_keeps_its_code_value_and_unit():
    assert one(obx("148066^MDC_ECG_V_P_C_RATE^MDC", "3", "264672^^MDC")) == Sample(
        None, "148066", T_OBR, 3.0, "1/min"
    )


def test_a_text_that_says_map_under_a_foreign_code_names_no_channel():
    assert one(obx("99^ABP_MEAN^L", "71")).channel is None


@pytest.mark.parametrize("sender", ["Mindray", ""])
def test_mindray_pressures_come_as_systolic_mean_diastolic(sender: str):
    rows = [obx("500^Art", "120", ""), obx("501^Art", "90", ""), obx("502^Art", "70", "")]
    header = HEADER.replace("APP|FAC", f"{sender}|")

    assert values(decode(message(*rows, header=header))) == {"ABP_SYS": 120, "ABP_MEAN": 90, "ABP_DIA": 70}
    assert values(decode(message(*rows))) == {}


def test_a_wave_uses_every_facet_whatever_number_it_has():
    chunk = wave(
        obx("150036^^MDC", "1600^1601^32767", "", "1.1.1.5", kind="NA"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "125", "264640^^MDC", "1.1.1.5.1"),
        obx("67917^MDC_ATTR_NU_MSMT_RES^MDC", "0.0625", "266016^^MDC", "1.1.1.5.2"),
        obx("1^MDC_EVT_INOP^MDC", "32767", "", "1.1.1.5.3"),
    )

    assert (chunk.channel, chunk.rate_hz, chunk.unit, chunk.valid) == ("ABP_WAVE", 125.0, "mmHg", True)
    np.testing.assert_allclose(chunk.values, [100, 100.0625, np.nan])


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (0, 1, 4, 2, 3, 5), (5, 4, 3, 2, 1, 0)])
def test_a_facet_belongs_to_the_wave_that_its_path_names(order: tuple[int, ...]):
    rows = [
        obx("150036^^MDC", "900^910", "", "1.13.1.5", kind="NA"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "2", "264608", "1.13.1.5.1"),
        obx("2327^MDC_ATTR_NU_MSMT_RES^MDC", "0.1", "266016^^MDC", "1.13.1.5.2"),
        obx("150028^^MDC", "200^210", "", "1.13.2.5", kind="NA"),
        obx("2327^MDC_ATTR_NU_MSMT_RES^MDC", "0.5", "266016^^MDC", "1.13.2.5.2"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "2", "264608", "1.13.2.5.1"),
    ]
    found = decode(message(*(rows[at] for at in order)))
    told = {event.code: list(event.values) for event in found if isinstance(event, WaveChunk)}

    assert told == {"150036": [90, 91], "150028": [100, 105]}
    assert not any(isinstance(event, Corrupt) for event in found)


def test_a_facet_of_a_wave_that_is_not_there_is_corrupt_and_nobody_elses():
    chunk, astray = decode(
        message(
            obx("150036^^MDC", "90^91", "266016^^MDC", "1.13.1.5", kind="NA"),
            obx("0^MDC_ATTR_SAMP_RATE^MDC", "2", "264608", "1.13.1.5.1"),
            obx("2327^MDC_ATTR_NU_MSMT_RES^MDC", "0.05", "266016^^MDC", "1.13.2.5.2"),
        )
    )[-2:]

    assert (list(chunk.values), chunk.valid, astray.reason) == ([90, 91], True, "wave facet")


@pytest.mark.parametrize("path", ["", "1", "1.5"])
def test_a_wave_swallows_no_number(path: str):
    rows = [
        obx("150036^^MDC", "90^91", "266016^^MDC", path, kind="NA"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "2", "264608", ""),
        obx("150039^^MDC", "55", path="1"),
        obx("147842^^MDC", "77", "264864", "1.5.1"),
    ]
    events = decode(message(*rows))

    assert values([event for event in events if isinstance(event, Sample)]) == {"ABP_MEAN": 55, "HR": 77}
    assert [event.rate_hz for event in events if isinstance(event, WaveChunk)] == [2.0]


def test_a_wave_under_another_label_than_the_numbers_is_their_rival():
    rows = [
        obx("150039^^MDC", "90", path="1.13.1.4"),
        obx("150032^^MDC", "55^56", "266016^^MDC", "1.13.2.4", kind="NA"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "2", "264608", "1.13.2.4.1"),
    ]
    decoder = Hl7Decoder()
    alone = decoder.feed(wrap(message(*rows[1:])))
    both = [decoder.feed(wrap(message(*rows))) for _ in range(2)]

    assert [event.channel for event in alone] == ["ABP_WAVE"]
    assert [[(event.channel, event.rival_of) for event in told] for told in both] == [
        [("ABP_MEAN", None), (None, "ABP_WAVE")]
    ] * 2


def bed_message(place: str = "", patient: str = "", mean: int = 70, kind: str = "ORU^R01") -> bytes:
    """A MAP of this bed, or another kind of message."""
    naming = [f"PID|||{patient}||Doe", f"PV1||I|{place}"]
    return message(*naming, obx("150039^^MDC", str(mean)), header=HEADER.replace("ORU^R01", kind))


OURS, ANOTHERS = [70.0], ["another bed"]


@pytest.mark.parametrize(
    ("first", "then", "heard"),
    [
        (("OR^^1", "P1"), ("OR^^2", "P2"), ANOTHERS),
        (("OR^^1", "P1"), ("OR^^1^10.0.0.1:99", "P2"), OURS),
        (("OR^^1", "P1"), ("", "P2"), ANOTHERS),
        (("", "P1"), ("", "P2"), ANOTHERS),
        (("", "P1^^^H^MR~X1"), ("", "P1"), OURS),
        (("", "P1"), ("OR^^1", "P1"), OURS),
        (("OR^^1", "P1"), ("", ""), OURS),
        (("", ""), ("OR^^2", "P2"), OURS),
        (("OR^^1", "^^^H"), ('""', '""'), OURS),
    ],
)
def test_a_connection_is_of_the_bed_that_it_measured_first(
    first: tuple[str, str], then: tuple[str, str], heard: list[float | str]
):
    decoder = Hl7Decoder()
    decoder.feed(wrap(bed_message(*first)))
    events = decoder.feed(wrap(bed_message(*then)))

    assert [event.reason if isinstance(event, Corrupt) else event.value for event in events] == heard


def test_a_message_of_two_beds_is_nobodys():
    two = message("PV1||I|OR^^1", obx("150039^^MDC", "70"), "PV1||I|OR^^2", obx("150039^^MDC", "50"))

    assert [event.reason for event in decode(two)] == ANOTHERS


@pytest.mark.parametrize(("place", "heard"), [("", OURS), ("OR^^2", ANOTHERS)])
def test_a_patient_who_leaves_gives_the_number_free_but_not_the_place(place: str, heard: list[float | str]):
    decoder = Hl7Decoder()
    decoder.feed(wrap(bed_message(place and "OR^^1", "P1")))
    decoder.feed(wrap(bed_message(place and "OR^^1", "P1", kind="ADT^A03")))
    events = decoder.feed(wrap(bed_message(place, "P2")))

    assert [event.reason if isinstance(event, Corrupt) else event.value for event in events] == heard


def test_what_a_message_keeps_of_a_person_is_no_text():
    parsed = split(bed_message("OR^^Bed7", "MRN42"))

    assert parsed is not None
    assert "Bed7" not in repr(parsed)
    assert "MRN42" not in repr(parsed)


@pytest.mark.parametrize("line", ["PID", "PV1", "PIDX|||7", "PV1|||", "PV1|||^^^", "PID|||~~"])
def test_a_segment_that_names_nobody_lets_the_message_pass(line: str):
    assert (
        values(decode(bed_message("OR^^1", "P1"), message(line, obx("147842^^MDC", "60", "bpm"))))["HR"] == 60
    )


def test_a_wave_with_a_data_range_is_physical_already():
    chunk = wave(
        obx("150036^^MDC", "100.5^^x", "266016^^MDC", "1.5", kind="NA"),
        obx("0^MDC_ATTR_DATA_RANGE^MDC", "-50^300", "", "1.5.1", kind="NR"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "100", "264640^^MDC", "1.5.2"),
    )

    np.testing.assert_allclose(chunk.values, [100.5, np.nan, np.nan])


def test_a_wave_whose_rate_cannot_be_known_is_corrupt():
    (event,) = decode(message(obx("150036^^MDC", "1^2", kind="NA")))

    assert (event.reason, isinstance(event, Corrupt)) == ("wave rate", True)


@pytest.mark.parametrize("processing", ["T", "D", "d^A"])
def test_numbers_and_waves_of_a_training_or_debugging_system_are_tests(processing: str):
    rows = [
        obx("150039^^MDC", "71"),
        obx("150036^^MDC", "71^72", kind="NA", path="1.5"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "2", "264640^^MDC", "1.5.1"),
    ]
    events = decode(message(*rows, header=HEADER.replace("|P|", f"|{processing}|")))

    assert [(event.valid, event.reason) for event in events] == [(False, Reason.TEST)] * 2


def test_a_wave_takes_no_foreign_writing_for_a_number():
    chunk = wave(
        obx("150036^^MDC", "1_0^٣^ 7 ^1,926^nan^1e99", kind="NA", path="1.5"),
        obx("0^MDC_ATTR_SAMP_RATE^MDC", "6", "264640^^MDC", "1.5.1"),
    )

    np.testing.assert_array_equal(chunk.values, [np.nan, np.nan, 7, 1926, np.nan, np.nan])


def test_a_wave_of_endless_samples_is_corrupt():
    row = obx("150036^^MDC", "^" * MAX_SAMPLES, kind="NA", path="1.5")

    assert [event.reason for event in decode(message(row))] == ["wave length"]


def test_of_a_message_of_endless_rows_the_first_are_read_and_the_rest_is_said():
    good, *rest = decode(message(obx("150039^^MDC", "71"), *[obx("1^^X", "2")] * MAX_SEGMENTS))

    assert (good.channel, good.value) == ("ABP_MEAN", 71)
    assert (len(rest), rest[-1].reason) == (MAX_SEGMENTS - 1, "too many rows")  # and the OBR


def test_what_is_remembered_of_ever_new_rows_stays_bounded():
    decoder = Hl7Decoder()
    for at in range(0, 3 * MAX_KNOWN, 500):
        rows = [obx(f"{code}^^MDC", str(code), path=f"1.{code}") for code in range(at, at + 500)]
        decoder.feed(wrap(message(*rows, obx("9" * 999, "9" * 999))))
    terms = terms_of("^", mindray=False)

    assert 0 < len(terms) <= MAX_KNOWN
    assert max(sum(map(len, about)) for about in terms) <= MAX_CHARS


def test_a_message_is_read_from_memory_as_it_was_at_first():
    rows = [
        obx("150039^ABP^MDC", "7 1.25"),
        obx("147842^^MDC", "---", "bpm"),
        obx("1^^X", "3", "q", status="X"),
    ]
    decoder = Hl7Decoder()
    first, second = (decoder.feed(wrap(message(*rows))) for _ in range(2))

    assert repr(second) == repr(first)
    assert [event.value for event in first][:1] == [71.25]


def test_a_unit_that_changes_under_the_same_code_is_noticed():
    rows = [obx("150039^^MDC", "10", unit) for unit in ("mmHg", "kPa", "")]

    assert [one(row).value for row in rows] == [10, pytest.approx(75.00617), 10]
    assert [one(row).reason for row in rows] == [Reason.RANGE, None, Reason.UNIT]


def test_the_same_source_told_twice_speaks_once():
    rows = [obx("147842^^MDC", "60", "bpm"), obx("147842^^MDC", "61", "bpm"), obx("150456^^MDC", "98", "%")]

    assert [(event.channel, event.value) for event in decode(message(*rows))] == [
        ("HR", 60),
        (None, 61),
        ("SPO2", 98),
    ]


@pytest.mark.req("ACQ-06")
def test_a_frame_of_almost_a_mebibyte_is_read():
    filler = "NTE|1||" + "x" * 1000
    (event,) = decode(message(*[filler] * 1030, obx("150039^^MDC", "71")))

    assert (event.channel, event.value) == ("ABP_MEAN", 71)


def test_separators_are_those_that_the_header_declares():
    odd = "MSH$%~\\&$APP$FAC$$$20240102030405$$ORU%R01$7$P$2.6\rOBX$$NM$150039%x%MDC$$71$mmHg$$$$$F\r"
    (event,) = decode(odd.encode())

    assert (event.channel, event.value) == ("ABP_MEAN", 71)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_separates_segments(end: str):
    assert values(decode(message(obx("150039^^MDC", "71")).replace(b"\r", end.encode()))) == {"ABP_MEAN": 71}


@pytest.mark.req("ACQ-06")
@pytest.mark.parametrize(
    ("declared", "raw", "charset"),
    [
        ("UNICODE UTF-8", "µ".encode(), "utf-8"),
        ("UNICODE UTF-8", b"\xb5", "latin-1"),
        ("8859/5", b"\xbc", "iso8859-5"),
        ("NEVER HEARD", b"\xb5", "latin-1"),
        ("", b"\xb5", "latin-1"),
    ],
)
def test_the_charset_is_the_declared_one_unless_the_bytes_deny_it(declared: str, raw: bytes, charset: str):
    parsed = split(f"{HEADER}||||||{declared}\rOBX||TX|1|".encode() + b"|" + raw)

    assert parsed is not None
    assert (parsed.charset, parsed.body[0][5]) == (charset, raw.decode(charset))


@pytest.mark.req("SEC-06")
def test_the_persons_identity_ends_at_the_parser():
    parsed = split(message("PID|||123||Doe^Jane", "PV1||I|ICU", "NTE|1||Jane", obx("1^^MDC", "2")))

    assert parsed is not None
    assert "Jane" not in repr(parsed)


def test_escapes_give_the_separators_back():
    assert unescape(r"a\F\b\S\c\E\d\H\e", Separators()) == r"a|b^c\d\H\e"


@pytest.mark.parametrize("payload", [b"PID|1", b"MSH", b"MSH|", b"MSH||||", b"MSHa^~\\&a"])
def test_a_message_without_a_usable_header_is_corrupt(payload: bytes):
    assert decode(payload) == [Corrupt(1, len(payload), "header")]


# ---- any stream ----------------------------------------------------------------------------------------

GOOD = message(obx("150039^^MDC", "71"), obx("147842^^MDC", "x", "bpm"), obx("150036^^MDC", "1^2", kind="NA"))
streams = st.lists(
    st.sampled_from(
        [wrap(GOOD), wrap(GOOD)[:-9], GOOD, b"\x0b", b"\x1c\r", b"MSH|^~\\&|\rOBX|||||||||||||\r", b"\r"]
    )
    | st.binary(max_size=20),
    max_size=8,
).map(b"".join)


def fed(stream: bytes, size: int) -> list[Event]:
    decoder = Hl7Decoder()
    return [
        event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])
    ] + decoder.close()


@settings(max_examples=150, deadline=None)
@given(stream=streams, size=st.integers(1, 50))
def test_any_chunking_gives_the_same_events(stream: bytes, size: int):
    assert repr(fed(stream, size)) == repr(fed(stream, len(stream) or 1))


@pytest.mark.req("ACQ-05")
@settings(max_examples=150, deadline=None)
@given(fields=st.lists(st.text(max_size=12), max_size=16), header=st.text(max_size=30))
def test_any_content_gives_events_and_never_an_exception(fields: list[str], header: str):
    body = f"{HEADER}{header}\rOBR|{'|'.join(fields)}\rOBX||NM|{'|'.join(fields)}\rOBX||NA|{'|'.join(fields)}"
    events = decode(body.encode("utf-8", errors="replace").replace(b"\x0b", b"").replace(b"\x1c", b""))

    assert all(isinstance(event, Sample | WaveChunk | Corrupt) for event in events)


@pytest.mark.req("ACQ-05")
def test_garbage_before_inside_and_after_costs_only_the_message_it_hits():
    good = wrap(message(obx("150039^^MDC", "71")))
    stream = b"\xff\xfe" + good + good[:30] + good + b"tail"
    events = fed(stream, 7)

    assert [event.reason if isinstance(event, Corrupt) else event.value for event in events] == [
        "outside a block",
        71.0,
        "cut short",
        71.0,
        "outside a block",
    ]
