"""One arterial line speaks; while another contradicts it by more than 20 mmHg nothing it says is used."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.runtime.arterial_agreement import APART_S, CURRENT_S, MAX_RIVALS, ArterialAgreement
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_numbers import number_bytes
from barocast.runtime.decoders.intellivue_pdu import Observation, PollResult
from barocast.runtime.decoders.intellivue_values import float_word, listed
from barocast.runtime.decoders.intellivue_waves import WaveLayout, samples_bytes
from barocast.runtime.decoders.mib import frame
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.domain import DERIVED, Abstain, Reason, Risk, Sample, WaveChunk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.waves.lines import MAX_LINES, LineNumerics

ABP, ART = 0x4A14, 0x4A10


def rival(t_s, value, code="ART", part="MEAN"):
    told = sample(t_s, value, channel=None, code=code)
    return replace(told, rival_of=f"ABP_{part}")


def judged(*calls):
    agreement = ArterialAgreement()
    return [event for call in calls for event in agreement.feed(call)] + agreement.flush()


def reasons(events):
    return [event.reason for event in events if event.channel is not None]


def test_lines_that_agree_pass_untouched():
    events = [sample(1.0, 80.0), rival(1.0, 100.0)]

    assert judged(events) == events


@pytest.mark.parametrize("other", [59.9, 100.1])
def test_lines_more_than_20_mmhg_apart_are_refused_with_the_reason(other):
    speaker, second = judged([sample(1.0, 80.0), rival(1.0, other)])

    assert (speaker.valid, speaker.reason, speaker.value) == (False, Reason.DISAGREE, 80.0)
    assert second == rival(1.0, other)


def test_the_order_of_two_lines_in_a_message_does_not_matter():
    assert reasons(judged([rival(1.0, 50.0), sample(1.0, 80.0)])) == [Reason.DISAGREE]
    assert reasons(judged([sample(1.0, 80.0), rival(1.0, 50.0)])) == [Reason.DISAGREE]


def test_systole_diastole_and_what_the_wave_told_are_refused_with_the_mean():
    triple = [sample(1.0, 120.0, "ABP_SYS"), sample(1.0, 60.0, "ABP_DIA"), sample(1.0, 80.0)]
    derived = sample(0.7, 81.0, code=DERIVED)

    assert reasons(judged([*triple, rival(1.0, 50.0), derived])) == [Reason.DISAGREE] * 4


def test_the_last_word_of_a_rival_stands_for_it_for_ten_seconds():
    assert reasons(judged([rival(0.0, 50.0)], [sample(CURRENT_S, 80.0)])) == [Reason.DISAGREE]
    assert reasons(judged([rival(0.0, 50.0)], [sample(CURRENT_S + 0.1, 80.0)])) == [None]


def test_lines_that_agree_again_are_believed_at_once():
    calls = [[rival(t, value), sample(t, 80.0)] for t, value in ((1.0, 50.0), (2.0, 75.0))]

    assert reasons(judged(*calls, [sample(2.5, 79.0, code=DERIVED)])) == [Reason.DISAGREE, None, None]


def test_what_the_wave_told_does_not_end_a_disagreement_but_time_does():
    refused = [sample(1.0, 80.0), rival(1.0, 50.0)]
    derived = [sample(t_s, 55.0, code=DERIVED) for t_s in (1.5, 1.0 + CURRENT_S, 1.1 + CURRENT_S)]

    assert reasons(judged(refused, derived)) == [Reason.DISAGREE] * 3 + [None]


def test_each_rival_is_known_by_its_own_last_word():
    first = [rival(1.0, 50.0, "ART"), rival(1.0, 80.0, "FEM"), sample(1.0, 80.0)]
    second = [rival(2.0, 80.0, "ART"), sample(2.0, 80.0)]

    assert reasons(judged(first, second)) == [Reason.DISAGREE, None]


def test_a_rival_that_is_not_usable_refuses_nothing():
    zeroed = replace(rival(1.0, 2.0), valid=False, reason=Reason.RANGE)

    assert reasons(judged([sample(1.0, 80.0), zeroed])) == [None]


def test_a_speaker_that_is_already_refused_keeps_its_reason():
    flush = replace(sample(1.0, 180.0), valid=False, reason=Reason.FLUSH)

    refused = [sample(0.0, 80.0), rival(0.0, 50.0)]

    assert reasons(judged(refused, [flush, rival(1.0, 80.0)])) == [Reason.DISAGREE, Reason.FLUSH]


def test_of_several_rivals_one_is_enough_even_under_the_same_code():
    assert reasons(judged([rival(1.0, 50.0), rival(1.0, 80.0), sample(1.0, 80.0)])) == [Reason.DISAGREE]
    assert reasons(judged([rival(1.0, 80.0), rival(1.0, 50.0, "FEM"), sample(1.0, 80.0)])) == [
        Reason.DISAGREE
    ]


def test_only_mean_pressures_are_compared():
    """Systole is amplified down the arm: lines that differ in it need not contradict each other."""
    events = [
        sample(1.0, 120.0, "ABP_SYS"),
        rival(1.0, 160.0, part="SYS"),
        sample(1.0, 80.0),
        rival(1.0, 82.0),
    ]

    assert reasons(judged(events)) == [None, None]


def test_the_cuff_and_other_channels_are_no_part_of_it():
    events = [sample(1.0, 50.0, "NIBP_MEAN"), sample(1.0, 20.0, "PAP_MEAN"), sample(1.0, 80.0)]

    assert judged(events) == events


def test_samples_without_a_time_pass():
    events = [sample(None, 80.0), rival(None, 50.0)]

    assert judged(events) == events


@given(st.lists(st.tuples(st.text(max_size=3), st.floats(0, 1e6), st.floats(0, 300)), max_size=60))
@settings(max_examples=50, deadline=None)
def test_memory_is_bounded_and_nothing_is_lost_or_moved(told):
    agreement = ArterialAgreement()
    events = [e for code, t_s, value in told for e in (rival(t_s, value, code), sample(t_s, 80.0))]
    after = []
    for event in events:
        after += agreement.feed([event])
        assert len(agreement._rivals) <= MAX_RIVALS
    after += agreement.flush()

    assert [(e.channel, e.t_s, e.value) for e in after] == [(e.channel, e.t_s, e.value) for e in events]


# Both feeds, from their bytes.


def intellivue(seconds, *lines, unit=codes.MMHG):
    """Bytes of numerics of several lines, 1.024 s apart; `lines`: (code, mean mmHg)."""
    stream = b""
    for i in range(seconds):
        seen = []
        for handle, (line, mean) in enumerate(lines, 1):
            three = (mean + 30, mean - 20, mean + 0.1 * (i % 2))
            if unit == codes.KPA:
                three = [value / 7.500617 for value in three]
            items = [
                number_bytes(line + k, 0, unit, float_word(value, 2)) for k, value in enumerate(three, 1)
            ]
            seen.append(Observation(1, handle, {codes.COMPOUND_NUMERIC: listed(items)}))
        stream += frame(build(PollResult(1, 1, 1, i * 8192, codes.NUMERIC, 0, tuple(seen))))
    return IntelliVueDecoder().feed(stream)


def hl7(minutes, *lines):
    """Events of one message a minute; `lines`: (MDC code of the mean, label, path, mean mmHg)."""
    decoder, events = Hl7Decoder(), []
    for i in range(minutes):
        stamp = f"20260302{7 + i // 60:02d}{i % 60:02d}00"
        rows = "".join(
            f"OBX||NM|{code}^{label}^MDC|{path}|{mean + 0.1 * (i % 2):.1f}|mm[Hg]|||||F|||{stamp}\r"
            for code, label, path, mean in lines
        )
        text = f"MSH|^~\\&|GW||||{stamp}||ORU^R01|{i}|P|2.6\rOBR|1||||||{stamp}\r{rows}"
        events += decoder.feed(wrap(text.encode()))
    return events


@pytest.fixture
def bed(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    return Pipeline(bundle, OrtEngine(bundle))


def decided(bed, events):
    return (bed.feed(events) + bed.finish())[-1]


def test_intellivue_tells_whose_rival_a_worse_line_is():
    last = intellivue(2, (ABP, 80), (ART, 50))[-3:]

    assert [(s.channel, s.rival_of, s.unit) for s in last] == [
        (None, "ABP_SYS", "mmHg"),
        (None, "ABP_DIA", "mmHg"),
        (None, "ABP_MEAN", "mmHg"),
    ]


def test_what_is_no_arterial_line_is_nobodys_rival():
    seen = Observation(
        1, 1, {codes.NUMERIC_VALUE: number_bytes(0x4B78, 0, codes.CELSIUS, float_word(36.0, 1))}
    )
    core = Observation(
        1, 2, {codes.NUMERIC_VALUE: number_bytes(0x4B60, 0, codes.CELSIUS, float_word(36.5, 1))}
    )
    stream = frame(build(PollResult(1, 1, 1, 0, codes.NUMERIC, 0, (core, seen))))

    assert [(s.channel, s.rival_of) for s in IntelliVueDecoder().feed(stream)] == [
        ("TEMP", None),
        (None, None),
    ]


def test_two_intellivue_lines_that_agree_give_a_forecast(bed):
    assert isinstance(decided(bed, intellivue(1000, (ABP, 80), (ART, 70))), Risk)


def test_two_intellivue_lines_that_disagree_are_an_abstention_that_says_why(bed):
    last = decided(bed, intellivue(1000, (ABP, 80), (ART, 50)))

    assert isinstance(last, Abstain)
    assert last.reason == "no current MAP: none in the last 30 s (disagree)"


@pytest.mark.parametrize(("art", "kind"), [(70, Risk), (50, Abstain)])
def test_lines_in_kilopascal_are_compared_in_mmhg(bed, art, kind):
    assert isinstance(decided(bed, intellivue(1000, (ABP, 80), (ART, art), unit=codes.KPA)), kind)


@pytest.mark.parametrize(("art", "kind"), [(70, Risk), (50, Abstain)])
def test_two_lines_of_an_hl7_gateway(bed, art, kind):
    lines = (
        ("150039", "MDC_PRESS_BLD_ART_ABP_MEAN", "1.13.1.3", 80),
        ("150035", "MDC_PRESS_BLD_ART_MEAN", "1.13.2.3", art),
    )
    events = hl7(25, *lines)
    last = decided(bed, events)

    assert {s.rival_of for s in events} == {None, "ABP_MEAN"}
    assert isinstance(last, kind)
    assert "disagree" in getattr(last, "reason", "disagree")


def test_two_hl7_lines_under_one_code_are_rivals_by_their_place(bed):
    lines = (
        ("150035", "MDC_PRESS_BLD_ART_MEAN", "1.13.1.3", 80),
        ("150035", "MDC_PRESS_BLD_ART_MEAN", "1.13.2.3", 50),
    )

    assert isinstance(decided(bed, hl7(25, *lines)), Abstain)


def test_a_disagreement_of_a_minute_costs_that_minute_only(bed):
    calm = [replace(sample(10.0 * i, 80.0 + 0.1 * (i % 2))) for i in range(121)]
    doubted = [rival(10.0 * i, 50.0) for i in range(60, 66)]
    events = sorted([*calm, *doubted], key=lambda event: event.t_s)
    decisions = bed.feed(events) + bed.finish()
    seen = bed.timeline.recent("ABP_MEAN")

    assert isinstance(decisions[-1], Risk)
    assert np.isnan(seen).sum() == 7  # the last word of the rival stands for ten seconds more
    assert not math.isnan(seen[-1])


LINES = st.sampled_from(["speaker", "SYS", "ART", "FEM", "derived", "HR"])


def said(t_s, line, value):
    if line in {"ART", "FEM"}:
        return rival(t_s, value, line)
    channel = {"SYS": "ABP_SYS", "HR": "HR"}.get(line, "ABP_MEAN")
    return sample(t_s, value, channel, DERIVED if line == "derived" else line)


def in_pieces(events, size):
    return judged(*(events[i : i + size] for i in range(0, len(events), size)))


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 4.0, -0.3]), LINES, st.sampled_from([50.0, 80.0])), max_size=80
    )
)
@settings(max_examples=100, deadline=None)
def test_the_verdict_never_depends_on_how_the_feed_was_cut(told):
    t_s, events = 0.0, []
    for wait, line, value in told:
        t_s += wait
        events.append(said(t_s, line, value))
    whole = in_pieces(events, 1000)

    assert [in_pieces(events, size) for size in (1, 7)] == [whole, whole]
    assert [(e.code, e.t_s) for e in whole] == [(e.code, e.t_s) for e in events]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_two_lines_in_one_message_are_compared_however_it_arrives(size):
    """The speaker first, the rival behind it: one call or two, it is refused from the first message on."""
    events = [e for i in range(50) for e in (sample(float(i), 80.0), rival(float(i), 50.0))]

    assert reasons(in_pieces(events, size)) == [Reason.DISAGREE] * 50


# Lines that are only a wave.


def pulse(mean, seconds, rate_hz=125.0, chunk_s=1.0):
    """A steady pulse of 72 a minute around `mean`, in chunks: (start, samples)."""
    n = round(chunk_s * rate_hz)
    for first in range(0, round(seconds * rate_hz), n):
        phase = (first + np.arange(n)) / rate_hz * 1.2 % 1.0
        shape = np.where(phase < 0.15, phase / 0.15, np.exp(-3 * (phase - 0.15)))
        yield first / rate_hz, mean + 40 * (shape - 0.36) + 0.05 * np.sin(first)


def waves(seconds, *lines):
    """Chunks of several lines side by side: (code, channel, mean mmHg)."""
    series = [
        [
            WaveChunk(
                channel,
                code,
                t_s,
                125.0,
                values,
                "mmHg",
                rival_of=None if channel else "ABP_WAVE",
            )
            for t_s, values in pulse(mean, seconds)
        ]
        for code, channel, mean in lines
    ]
    return [chunk for together in zip(*series, strict=True) for chunk in together]


def means(bed, events):
    """What the bed makes of MAP: its reasons, in order, from when the wave has settled."""
    judged_events = bed.judge(events) + bed.settle()
    return [
        e.reason for e in judged_events if isinstance(e, Sample) and e.channel == "ABP_MEAN" and e.t_s > 12
    ]


@pytest.mark.parametrize(("art", "reason"), [(75, None), (50, Reason.DISAGREE), (110, Reason.DISAGREE)])
def test_two_lines_that_are_only_waves_are_compared_by_their_derived_means(bed, art, reason):
    seen = means(bed, waves(40, ("ABP", "ABP_WAVE", 80), ("ART", None, art)))

    assert len(seen) > 20
    assert set(seen) == {reason}


@pytest.mark.parametrize(("art", "reason"), [(75, None), (50, Reason.DISAGREE)])
def test_a_line_of_numbers_is_compared_with_one_that_is_only_a_wave(bed, art, reason):
    told = [sample(float(t), 80.0 + 0.1 * (t % 2)) for t in range(40)]
    events = sorted([*told, *waves(40, ("ART", None, art))], key=lambda event: event.t_s)

    assert set(means(bed, events)) == {reason}


@pytest.mark.parametrize(("art", "reason"), [(75, None), (50, Reason.DISAGREE)])
def test_a_line_that_is_only_a_wave_is_compared_with_the_numbers_of_another(bed, art, reason):
    told = [rival(float(t), art + 0.1 * (t % 2)) for t in range(40)]
    events = sorted([*told, *waves(40, ("ABP", "ABP_WAVE", 80))], key=lambda event: event.t_s)

    assert set(means(bed, events)) == {reason}


def test_a_rival_wave_that_is_flat_refuses_nothing(bed):
    events = waves(40, ("ABP", "ABP_WAVE", 80), ("ART", None, 50))
    flat = [replace(e, values=np.full(125, 50.0)) if e.code == "ART" else e for e in events]

    assert set(means(bed, flat)) == {None}


def test_waves_of_two_lines_that_disagree_are_an_abstention(bed):
    last = decided(bed, waves(1000, ("ABP", "ABP_WAVE", 80), ("ART", None, 50)))

    assert isinstance(last, Abstain)


def test_a_line_that_takes_over_is_not_averaged_with_the_one_before():
    """Eight seconds are averaged; none of the first line's beats is in the second one's numbers."""
    lines = LineNumerics()
    first = [n for c in waves(20, ("ABP", "ABP_WAVE", 80)) for n in lines.feed(c)]
    later = [replace(c, t_s=c.t_s + 20) for c in waves(20, ("ART", "ABP_WAVE", 110))]
    second = [n for c in later for n in lines.feed(c)]
    told = [[n.value for n in found if n.channel == "ABP_MEAN" and n.valid] for found in (first, second)]

    assert max(told[0]) < 85
    assert min(told[1]) > 105


def test_what_the_monitor_tells_and_what_its_wave_says_may_differ_for_a_while_but_not_for_long():
    told = [sample(float(t), 90.0) for t in range(60)]
    derived = [sample(t + 0.5, 55.0, code=DERIVED) for t in range(60)]
    both = sorted([*told, *derived], key=lambda event: event.t_s)
    refused = [event.t_s for event in judged(both) if event.reason is Reason.DISAGREE]

    assert refused == [event.t_s for event in both if event.t_s >= 1 + APART_S]
    assert set(reasons(judged(both[:60], [replace(e, value=89.0) for e in both[60:]]))) == {None}


def test_rivals_under_one_code_are_not_averaged_with_each_other():
    lines = LineNumerics()
    chunks = waves(20, ("ABP", None, 60), ("ABP", None, 110))
    told = [n.value for chunk in chunks for n in lines.feed(chunk) if n.valid]

    assert min(abs(value - 85) for value in told) > 20
    assert {value < 85 for value in told} == {True, False}


def test_waves_that_are_no_arterial_line_give_nothing_and_lines_are_bounded():
    lines = LineNumerics()
    (chunk,) = waves(1, ("CVP", "CVP_WAVE", 8))
    for number in range(50):
        lines.feed(replace(chunk, code=f"{number}", channel=None, rival_of="ABP_WAVE"))

    assert lines.feed(replace(chunk, rival_of=None)) == []
    assert len(lines._lines) == MAX_LINES


def test_intellivue_and_hl7_tell_whose_rival_a_second_wave_is():
    layout = WaveLayout(32, 64, 13, -40.0, 520.0, 160, 9120, codes.MMHG)
    seen = tuple(
        Observation(
            1,
            handle,
            layout.attributes()
            | {codes.WAVE_SAMPLES: samples_bytes(line, 0, layout.encode(np.full(32, 80.0)))},
        )
        for handle, line in enumerate((ABP, ART), 1)
    )
    monitor = IntelliVueDecoder().feed(frame(build(PollResult(1, 1, 1, 0, codes.WAVE, 0, seen))))
    rows = "".join(
        f"OBX|{i}|NA|{code}^x^MDC|1.{i}.1.1|80^81^80|266016^MDC_DIM_MMHG^MDC|||||F\r"
        f"OBX|{i}|NM|0^MDC_ATTR_SAMP_RATE^MDC|1.{i}.1.1.1|125|264608^MDC_DIM_PER_SEC^MDC|||||F\r"
        for i, code in enumerate((150036, 150032), 1)
    )
    text = f"MSH|^~\\&|GW||||20260302070000||ORU^W01|1|P|2.6\rOBR|1||||||20260302070000\r{rows}"
    gateway = Hl7Decoder().feed(wrap(text.encode()))

    for events in (monitor, gateway):
        assert [(e.channel, e.rival_of, e.unit) for e in events] == [
            ("ABP_WAVE", None, "mmHg"),
            (None, "ABP_WAVE", "mmHg"),
        ]
