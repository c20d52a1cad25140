"""The encoder, judged by two parsers that others wrote and by our own decoder."""

from __future__ import annotations

from dataclasses import replace

import hl7
import hl7apy.parser
import pytest
from alarm_states import WALL_S, feed_lost, forecast, state
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.alarm.events import Inactivation, Part
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import DeviceAlarm
from barocast.runtime.encoders.alert_phases import AlertPhases
from barocast.runtime.encoders.notice import NOTICE
from barocast.runtime.encoders.pcd04 import Sender, event, message

OR3 = Sender("OR 3", "barocast-map-1", "6922", application="AM", facility="HOSPITAL")


def told(*conditions):
    """The message that this condition becomes, parsed by python-hl7."""
    return hl7.parse(raw(*conditions).decode())


def raw(*conditions, sender=OR3):
    [report] = AlertPhases().take(state(60.0, *conditions), WALL_S)
    return message(report, sender, 7, WALL_S + 0.5)


def values(parsed, number=5):
    return [str(row[number]) for row in parsed.segments("OBX")]


def test_one_message_byte_for_byte():
    lines = [
        (
            r"MSH|^~\&|BAROCAST|OR 3|AM|HOSPITAL|20261122210005.750+0000||ORU^R40^ORU_R40|6922-7|P|2.6"
            "|||AL|NE||UNICODE UTF-8|||IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.4.1^ISO"
        ),
        "PID|1",
        "PV1|1|U|^^OR 3",
        (
            "OBR|1||6922-1^OR 3|196616^MDC_EVT_ALARM^MDC|||20261122210005.250+0000|"
            "|||||||||||||||||||||^6922-1&OR 3"
        ),
        f"NTE|1||{NOTICE}",
        (
            "OBX|1|ST|0^MDCX_EVT_FORECAST_HYPOTENSION^MDC|1.1.1.150039.1|"
            "hypotension forecast: 34% within 10 min|||L~PL~SA|||R|||20261122210005.250+0000||||"
            "BAROCAST^barocast-map-1"
        ),
        (
            "OBX|2|CWE|68480^MDC_ATTR_ALERT_SOURCE^MDC|1.1.1.150039.2|150039^MDC_PRESS_BLD_ART_ABP_MEAN^MDC"
            "||||||R"
        ),
        "OBX|3|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.1.1.150039.3|start||||||R",
        "OBX|4|ST|68482^MDC_ATTR_ALARM_STATE^MDC|1.1.1.150039.4|active||||||R",
        "OBX|5|ST|68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC|1.1.1.150039.5|enabled||||||R",
        "OBX|6|NM|0^MDCX_RISK_HYPOTENSION_5MIN^MDC|1.1.1.150039.6|3.1|262688^MDC_DIM_PERCENT^MDC|||||R",
        "OBX|7|NM|0^MDCX_RISK_HYPOTENSION_10MIN^MDC|1.1.1.150039.7|34.0|262688^MDC_DIM_PERCENT^MDC|||||R",
        "OBX|8|NM|0^MDCX_RISK_HYPOTENSION_15MIN^MDC|1.1.1.150039.8|41.5|262688^MDC_DIM_PERCENT^MDC|||||R",
    ]

    assert raw(forecast()).decode() == "".join(f"{line}\r" for line in lines)


@pytest.mark.req("ALM-12")
def test_hl7apy_finds_every_facet_where_ihe_puts_it():
    parsed = hl7apy.parser.parse_message(raw(feed_lost()).decode(), find_groups=False)

    rows = [child for child in parsed.children if child.name == "OBX"]
    assert parsed.msh.msh_15.value == "AL"
    assert parsed.msh.msh_16.value == "NE"
    assert parsed.obr.obr_4.obr_4_2.value == "MDC_EVT_ALARM"
    assert [row.obx_4.value for row in rows] == [f"1.0.0.0.{facet}" for facet in range(1, 6)]
    assert rows[0].obx_3.value == "0^MDCX_EVT_FEED_LOST^MDC"
    assert [repetition.value for repetition in rows[0].obx_8] == ["PL", "ST"]
    assert [row.obx_5.value for row in rows[2:]] == ["start", "active", "enabled"]


@pytest.mark.parametrize(
    ("priority", "flags"),
    [(Priority.LOW, "L~PL~SA"), (Priority.MEDIUM, "L~PM~SA"), (Priority.HIGH, "L~PH~SA")],
)
def test_a_forecast_is_an_advisory_of_its_priority(priority, flags):
    assert values(told(forecast(priority=priority)), 8)[0] == flags


@pytest.mark.parametrize(
    ("inactivation", "word"),
    [
        (Inactivation.ENABLED, "enabled"),
        (Inactivation.AUDIO_PAUSED, "audio-paused"),
        (Inactivation.AUDIO_OFF, "audio-off"),
        (Inactivation.ALARM_PAUSED, "alarm-paused"),
        (Inactivation.ACKNOWLEDGED, "alert-acknowledged"),
    ],
)
def test_facet_5_says_why_it_is_silent(inactivation, word):
    assert values(told(forecast(inactivation=inactivation)))[4] == word


def test_an_end_is_inactive_and_dated_and_names_the_alarm_that_started():
    phases = AlertPhases()
    phases.take(state(60.0, forecast()), WALL_S)
    [end] = phases.take(state(90.0), WALL_S + 30.0)

    parsed = hl7.parse(message(end, OR3, 9, WALL_S + 30.0).decode())

    obr = parsed.segment("OBR")
    assert values(parsed)[2:4] == ["end", "inactive"]
    assert (str(obr[3]), str(obr[29])) == ("6922-1.9^OR 3", "^6922-1&OR 3")
    assert (str(obr[7]), str(obr[8])) == ("20261122210005.250+0000", "20261122210035.250+0000")


def test_a_cause_that_has_gone_leaves_a_latched_alarm():
    assert values(told(forecast(active=False, latching=True)))[3] == "latched"


@pytest.mark.parametrize("part", list(Part))
def test_each_part_that_fails_has_a_code_without_a_blank(part):
    code, mnemonic, system = event(replace(feed_lost(), name=str(part))).split("^")

    assert (code, system) in {("0", "MDC"), ("196660", "MDC")}
    assert mnemonic.startswith(("MDCX_EVT_", "MDC_EVT_"))
    assert mnemonic.replace("_", "").isalnum()


def test_separators_and_ends_of_lines_in_a_text_stay_text():
    said = "a|b^c~d\\e&f\rOBX|9|\ng"
    parsed = told(forecast(text=said))

    assert [str(segment[0]) for segment in parsed].count("OBX") == 8
    assert hl7.parse(str(parsed)).unescape(values(parsed)[0]) == "a|b^c~d\\e&f OBX|9| g"


def test_our_own_decoder_reads_the_alarm_back():
    events = Hl7Decoder().feed(wrap(raw(forecast(priority=Priority.MEDIUM))))

    assert events == [
        DeviceAlarm("0", "hypotension forecast: 34% within 10 min", WALL_S, "medium", technical=False)
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.text())
def test_whatever_is_written_the_message_keeps_its_shape(bed, words, source):
    sender = Sender(bed, words, "6922")
    parsed = hl7.parse(raw(feed_lost(source=source), sender=sender).decode())

    assert [str(segment[0]) for segment in parsed] == ["MSH", "PID", "PV1", "OBR", "NTE", *["OBX"] * 5]
    assert values(parsed)[2:] == ["start", "active", "enabled"]


@pytest.mark.req("SEC-06")
def test_no_message_says_who_lies_there():
    parsed = told(forecast())

    assert str(parsed.segment("PID")) == "PID|1"
    assert str(parsed.segment("PV1")) == "PV1|1|U|^^OR 3"
