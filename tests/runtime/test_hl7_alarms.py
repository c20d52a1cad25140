"""Alarms of HL7 gateways: an active one comes out with its priority and kind, one that is over does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.hl7_file import FileDeframer
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import DeviceAlarm, Event, Sample

T_S = 1704164640.0
HEADER = r"MSH|^~\&|GW|OR|||20240102030405||ORU^R40^ORU_R40|7|P|2.6"
OBR = "OBR|1|||196616^MDC_EVT_ALARM^MDC|||20240102030400"


def facets(
    event: str = "196670^MDC_EVT_LO^MDC|{path}.1|Low ABP",
    flags: str = "L~PM~SP",
    phase: str = "start",
    state: str = "active",
    path: str = "1.3.1.150039",
) -> list[str]:
    """The rows of one alarm."""
    return [
        f"OBX|1|ST|{event.format(path=path)}|||{flags}|||F|||20240102030401",
        f"OBX|2|NM|150039^MDC_PRESS_BLD_ART_ABP_MEAN^MDC|{path}.2|58|266016^MDC_DIM_MMHG^MDC|65-110||||F",
        f"OBX|3|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|{path}.3|{phase}||||||F",
        f"OBX|4|ST|68482^MDC_ATTR_ALARM_STATE^MDC|{path}.4|{state}||||||F",
        f"OBX|5|ST|68483^MDC_ATTR_ALARM_INACTIVATION_STATE|{path}.5|audio-paused|||||F",
    ]


def decode(*rows: str, header: str = HEADER) -> list[Event]:
    return Hl7Decoder().feed(wrap("\r".join([header, OBR, *rows, ""]).encode()))


def from_capture(name: str) -> list[Event]:
    decoder = Hl7Decoder(FileDeframer())
    return decoder.feed(captures(f"hl7/{name}.hl7").read_bytes()) + decoder.close()


# ---- real messages -------------------------------------------------------------------------------------


def test_mindray_egateway_reports_a_low_saturation():
    assert from_capture("mindray_egateway_pcd04_r40_start") == [
        DeviceAlarm("196670", "Low SpO2", 1326315897.0, "medium", technical=False)
    ]


def test_bbraun_names_its_event_in_the_value_and_says_that_it_is_technical():
    assert from_capture("bbraun_pcd04_r40_start") == [
        DeviceAlarm("196940", "Occlusion", 1326153257.0, "low", technical=True)
    ]


def test_the_end_of_an_alarm_is_no_alarm():
    assert from_capture("bbraun_pcd04_r40_end") == []


# ---- IHE PCD-04 ----------------------------------------------------------------------------------------


def test_an_active_alarm_has_the_time_of_its_event_row():
    assert decode(*facets()) == [DeviceAlarm("196670", "Low ABP", T_S + 1, "medium", technical=False)]


@pytest.mark.parametrize(
    ("flags", "priority", "technical"),
    [
        ("H~PH~SP", "high", False),
        ("PM~ST", "medium", True),
        ("SA~L~PL", "low", False),
        ("N~PN~SP", "low", False),
        ("ph~st", "high", True),
        ("", "low", False),
    ],
)
def test_priority_and_kind_stand_in_obx_8_in_any_order(flags, priority, technical):
    (alarm,) = decode(*facets(flags=flags))

    assert (alarm.priority, alarm.technical) == (priority, technical)


def test_priority_and_kind_may_have_rows_of_their_own():
    rows = [
        *facets(flags=""),
        "OBX|6|ST|68484^MDC_ATTR_ALARM_PRIORITY^MDC|1.3.1.150039.6|PH||||||F",
        "OBX|7|ST|68485^MDC_ATTR_ALERT_TYPE^MDC|1.3.1.150039.7|ST||||||F",
    ]
    (alarm,) = decode(*rows)

    assert (alarm.priority, alarm.technical) == ("high", True)


def test_facets_are_known_by_their_mnemonic_when_their_number_is_the_senders_own():
    rows = [row.replace("68481^", "68164^").replace("68482^", "68165^") for row in facets(phase="end")]

    assert decode(*rows) == []


@pytest.mark.parametrize("phase", ["start", "continue", "update", "escalate", "de-escalate", "tpoint", ""])
def test_an_alarm_lives_through_every_phase_but_the_last(phase: str):
    assert len(decode(*facets(phase=phase))) == 1


@pytest.mark.parametrize(
    ("phase", "state"), [("end", "inactive"), ("end", "active"), ("END", "latched"), ("update", "inactive")]
)
def test_an_ended_or_inactive_alarm_is_none(phase: str, state: str):
    assert decode(*facets(phase=phase, state=state)) == []


def test_a_latched_alarm_that_has_not_ended_is_still_held():
    assert len(decode(*facets(phase="update", state="latched"))) == 1


def test_two_alarms_of_one_message_do_not_share_facets():
    rows = [
        *facets(phase="end"),
        OBR.replace("|1|", "|2|", 1),
        *facets(event="1^MDC_EVT_X^MDC|{path}.1|Other"),
    ]

    assert [alarm.text for alarm in decode(*rows)] == ["Other"]


def test_alarms_under_one_obr_are_told_apart_by_their_path():
    rows = [*facets(phase="end"), *facets(path="1.3.2.150039")]

    assert len(decode(*rows)) == 1


def test_the_mnemonic_stands_in_for_a_text_that_is_missing_and_escapes_are_undone():
    said = [
        decode(*facets(event=f"196670^MDC_EVT_LO^MDC|{{path}}.1|{text}"))[0].text
        for text in ("", r"ABP \T\ ART low")
    ]

    assert said == ["MDC_EVT_LO", "ABP & ART low"]


def test_a_training_systems_alarm_is_none():
    assert decode(*facets(), header=HEADER.replace("|P|", "|T|")) == []


def test_a_reported_alarms_value_is_no_measurement():
    assert not any(isinstance(event, Sample) for event in decode(*facets()))


# ---- Philips -------------------------------------------------------------------------------------------

R01 = HEADER.replace("R40^ORU_R40", "R01")


@pytest.mark.parametrize(
    ("code", "priority", "technical"),
    [
        ("1^RedAlarm", "high", False),
        ("2^Yellow Alarm", "medium", False),
        ("5^HardInop", "medium", True),
        ("6^SoftInop", "low", True),
        ("77^New", "low", False),
    ],
)
def test_mdil_alerts_among_the_numerics_are_alarms(code, priority, technical):
    rows = [
        "OBX||NM|0002-4a17^ABPm^MDIL|0|58|0004-0f20^mmHg^MDIL|||||F",
        f"OBX||TX|{code}^MDIL-ALERT||**ABPm  58 < 65||||||F",
    ]
    sample, alarm = decode(*rows, header=R01)

    assert (sample.channel, sample.value) == ("ABP_MEAN", 58.0)
    assert alarm == DeviceAlarm(code.partition("^")[0], "**ABPm 58 < 65", T_S, priority, technical)


@pytest.mark.parametrize("row", ["OBX||TX|1^Red^MDIL-ALERT||||||||F", "OBX||TX|1^Red^MDIL-ALERT||x||||||X"])
def test_an_mdil_alert_without_a_text_or_a_result_is_none(row: str):
    assert decode(row, header=R01) == []


def test_a_demonstration_beds_inop_is_none():
    assert not any(isinstance(event, DeviceAlarm) for event in from_capture("philips_piic_v25_demo_bed"))


# ---- anything ------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(fields=st.lists(st.lists(st.text(max_size=9), max_size=16), max_size=5))
def test_any_alarm_message_gives_alarms_of_known_priority(fields: list[list[str]]):
    rows = ["OBX|" + "|".join(row) for row in fields]
    text = "\r".join([HEADER, *rows, *facets()]).encode("utf-8", "replace")
    events = Hl7Decoder().feed(wrap(text.replace(b"\x0b", b"").replace(b"\x1c", b"")))

    assert all(event.priority in {"high", "medium", "low"} for event in events)
