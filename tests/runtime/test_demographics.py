"""Age, sex and size of a patient, where a site asks for them; who it is, never."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.demographics import completed
from barocast.runtime.decoders.hl7_demographics import Hl7Demographics
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_demographics import IntelliVueDemographics
from barocast.runtime.decoders.intellivue_framing import DATAGRAMS, SERIAL
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import Observation, PollRequest, PollResult
from barocast.runtime.decoders.intellivue_values import float_word
from barocast.runtime.decoders.mib import Deframer
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import FeedCounts, Patient
from barocast.runtime.sessions.described import ASK_S, QUIET_S, DescribedSession

YEARS, MONTHS, CM, INCH, KG, LB = 0x0940, 0x0920, 0x0511, 0x0560, 0x06C3, 0x06E0


def measure(value, unit, decimals=0):
    return struct.pack(">IH", float_word(value, decimals), unit)


def object_of(**attributes):
    ids = {"sex": 0x0961, "age": 0x09D8, "height": 0x09DC, "weight": 0x09DF, "family": 0x095C}
    seen = (Observation(1, 1, {ids[name]: value for name, value in attributes.items()}),)
    return build(PollResult(1, 1, None, 8000, codes.DEMOGRAPHICS, 0, seen))


def monitor(**attributes):
    describer = IntelliVueDemographics(SERIAL)
    describer.feed(SERIAL.wrap(object_of(**attributes)))
    return describer.patient


def gateway(*segments, sent="20260302070000"):
    describer = Hl7Demographics()
    text = "\r".join([f"MSH|^~\\&|GW||||{sent}||ORU^R01|1|P|2.6", *segments])
    describer.feed(wrap(text.encode()))
    return describer.patient


def test_a_monitor_tells_age_sex_and_size():
    told = monitor(sex=b"\0\2", age=measure(67, YEARS), height=measure(162, CM), weight=measure(71.5, KG, 1))

    assert told == Patient(age_years=67, sex="F", height_cm=162, weight_kg=71.5)


def test_a_monitors_units_are_converted_and_never_guessed():
    told = monitor(age=measure(18, MONTHS), height=measure(30, INCH), weight=measure(22, LB))

    assert (told.age_years, told.height_cm, told.weight_kg) == pytest.approx((1.5, 76.2, 9.979), abs=1e-3)
    assert monitor(age=measure(67, 0x0999), weight=measure(71, 0x0999)) == Patient()


@pytest.mark.parametrize("seen", [{"age": b"\0"}, {"age": measure(400, YEARS)}, {"sex": b"\0\x09"}, {}])
def test_what_a_monitor_does_not_know_is_none(seen):
    assert monitor(**seen) == Patient()


def test_a_gateway_tells_age_on_the_day_of_the_message_and_sex():
    born = "PID|1||MRN42||Beeblebrox^Z||19590303|F"

    assert gateway(born) == Patient(age_years=66, sex="F")
    assert gateway(born, sent="20260303") == Patient(age_years=67, sex="F")


@pytest.mark.parametrize(
    "identity", ["PID|1", "PID|1||||||1959|U", "PID|1||||||20300101|", "PID|1||||||99999999|X"]
)
def test_what_a_gateway_does_not_know_is_none(identity):
    assert gateway(identity) == Patient()


def test_a_gateway_tells_the_size_in_its_unit():
    rows = ("OBX|1|NM|188740^MDC_LEN_BODY_ACTUAL^MDC||1.62|m", "OBX|2|NM|29463-7^Weight^LN||157|[lb_av]")
    told = gateway(*rows, "OBX|3|NM|8302-2^Height^LN||170|parsec", "OBX|4|NM|3141-9^W^LN||0|kg")

    assert (told.height_cm, told.weight_kg) == pytest.approx((162, 71.2), abs=0.1)


def test_the_size_of_the_patient_before_is_forgotten():
    describer = Hl7Demographics()
    head = "MSH|^~\\&|GW||||20260302||ORU^R01|1|P|2.6\r"
    for rows in ("PID|1||||||19590303|F\rOBX|1|NM|188740^^MDC||162|cm", "PID|1||||||19990303|F"):
        describer.feed(wrap((head + rows).encode()))

    assert describer.patient == Patient(age_years=26, sex="F")


def test_the_patient_of_another_bed_is_not_described():
    describer = Hl7Demographics()
    head = "MSH|^~\\&|GW||||20260302||ORU^R01|1|P|2.6\r"
    for bed, born in (("OR^^1", "19590303|F"), ("OR^^2", "19990303|M")):
        describer.feed(wrap(f"{head}PID|1||||||{born}\rPV1||I|{bed}\r".encode()))

    assert describer.patient == Patient(age_years=66, sex="F")


def test_what_was_written_by_hand_goes_before_what_the_feed_tells():
    written = Patient(age_years=70, department="Surgery")

    assert completed(written, Patient(age_years=67, sex="F", weight_kg=71)) == Patient(
        age_years=70, sex="F", weight_kg=71, department="Surgery"
    )


@pytest.mark.parametrize("describer", [Hl7Demographics, lambda: IntelliVueDemographics(SERIAL)])
@given(data=st.binary(max_size=300), size=st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_any_chunking_are_borne(describer, data, size):
    reader = describer()
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])

    assert reader.patient == Patient()


class Talking:
    """A session that says something every three seconds, and is associated from the fifth on."""

    counts = FeedCounts()
    status = "connecting"

    def receive(self, data, now_s):
        return [], b""

    def due(self, now_s):
        self.status = "associated" if now_s >= 5 else "connecting"
        return b"session" if now_s % 3 == 0 else b""

    def release(self):
        return b"farewell"


@pytest.mark.parametrize("framing", [SERIAL, DATAGRAMS])
def test_the_request_is_sent_between_the_sessions_turns_and_only_when_associated(framing):
    session = DescribedSession(Talking(), IntelliVueDemographics(framing))
    said = {t / 2: session.due(t / 2) for t in range(200)}
    request = IntelliVueDemographics(framing).request
    asked = [t for t, each in said.items() if each == request]

    assert asked[0] >= 5
    assert len(asked) == 2
    assert asked[1] - asked[0] >= ASK_S
    assert all(t % 3 >= QUIET_S for t in asked)
    payload = Deframer().feed(request)[0].payload if framing is SERIAL else request
    assert isinstance(parse(payload), PollRequest)


def test_what_the_line_tells_is_the_sessions_patient():
    session = DescribedSession(Talking(), IntelliVueDemographics(SERIAL))
    session.receive(SERIAL.wrap(object_of(sex=b"\0\1", age=measure(44, YEARS), family=b"Beeblebrox")), 1.0)

    assert session.patient == Patient(age_years=44, sex="M")
    assert session.release() == b"farewell"
