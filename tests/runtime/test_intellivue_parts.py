"""What an IntelliVue sends in parts is put together: compound waves, alert lists over linked results."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_alarms import Alarm, alarm_bytes, alarms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_pdu import Observation, PollResult
from barocast.runtime.decoders.intellivue_values import listed
from barocast.runtime.decoders.intellivue_waves import WaveLayout, samples_bytes
from barocast.runtime.decoders.mib import frame
from barocast.runtime.domain import Corrupt

ECG = WaveLayout(128, 16, 14, -10.0, 10.0, 0, 16000, codes.MILLIVOLT)
LEAD_I, LEAD_II, LEAD_III = 0x0101, 0x0102, 0x013D
LOW = Alarm(0x0101, 0, "ABP LOW", "medium", technical=False)
LEADS_OFF = Alarm(0x0202, 0, "ECG LEADS OFF", "low", technical=True)
APNOEA = Alarm(0x0303, 0, "APNEA", "high", technical=False)


def result(kind, attributes, *, sequence=1, link=None, ticks=8000):
    seen = (Observation(1, 1, attributes),)
    return frame(build(PollResult(1, 1, sequence, ticks, kind, 0, seen, link)))


def compound(*leads):
    arrays = [samples_bytes(code, 0, ECG.encode(np.full(16, millivolts))) for code, millivolts in leads]
    return ECG.attributes() | {codes.COMPOUND_WAVE: listed(arrays)}


def test_a_compound_wave_gives_each_lead_and_once_all_were_seen_the_second_has_the_channel():
    decoder, leads = IntelliVueDecoder(), ((LEAD_I, 0.5), (LEAD_II, 1.0), (LEAD_III, 0.25))
    decoder.feed(result(codes.WAVE, compound(*leads)))
    found = decoder.feed(result(codes.WAVE, compound(*leads), ticks=8256))

    assert [(chunk.code, chunk.channel) for chunk in found] == [
        ("0101", None),
        ("0102", "ECG_WAVE"),
        ("013D", None),
    ]
    assert [chunk.values[0] for chunk in found] == pytest.approx([0.5, 1.0, 0.25], abs=1e-3)
    assert {(chunk.t_s, chunk.rate_hz, chunk.unit) for chunk in found} == {(1.032, 500.0, "mV")}


def test_a_lead_that_was_cut_off_costs_its_frame_and_is_counted():
    whole = compound((LEAD_I, 0.5), (LEAD_II, 1.0))
    cut = whole | {codes.COMPOUND_WAVE: whole[codes.COMPOUND_WAVE][:-4]}
    decoder = IntelliVueDecoder()
    (found,) = decoder.feed(result(codes.WAVE, cut))

    assert isinstance(found, Corrupt)
    assert decoder.counts.corrupt_by_reason == {found.reason: 1}


def test_alert_lists_split_over_linked_results_are_told_together():
    parts = (
        (codes.TECHNICAL_ALARMS, (LEADS_OFF,), (1, 1)),
        (codes.PATIENT_ALARMS, (LOW,), (2, 2)),
        (codes.PATIENT_ALARMS, (APNOEA,), (3, 3)),
    )
    stream = b"".join(
        result(codes.ALERT_MONITOR, {key: listed([alarm_bytes(each) for each in said])}, link=link)
        for key, said, link in parts
    )
    found = IntelliVueDecoder().feed(stream)

    assert [(a.text, a.priority, a.technical, a.t_s) for a in found] == [
        ("ECG LEADS OFF", "low", True, 1.0),
        ("ABP LOW", "medium", False, 1.0),
        ("APNEA", "high", False, 1.0),
    ]


words = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xD7FF), max_size=20).map(str.strip)


@given(st.lists(st.builds(Alarm, st.integers(0, 0xFFFF), st.just(0), words, st.just("high"), st.booleans())))
@settings(max_examples=100, deadline=None)
def test_what_is_written_as_an_alert_list_reads_back(told):
    assert alarms(listed([alarm_bytes(each) for each in told])) == told


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_bytes_as_an_alert_list_give_alarms_or_one_corrupt(data):
    decoder = IntelliVueDecoder()
    found = decoder.feed(result(codes.ALERT_MONITOR, {codes.PATIENT_ALARMS: data}))

    assert decoder.counts.frames + decoder.counts.corrupt == 1
    assert decoder.counts.corrupt == len([event for event in found if isinstance(event, Corrupt)])
