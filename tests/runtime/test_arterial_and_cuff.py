"""What a cuff measures is never an arterial line's, nor the other way round: every table of every feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.runtime.decoders import dri_channels, dri_physiology, hl7_codes, medibus_codes, vital_tracks
from barocast.runtime.decoders.hl7 import Hl7Decoder
from barocast.runtime.decoders.intellivue_sources import SOURCES
from barocast.runtime.decoders.mllp import wrap
from barocast.runtime.decoders.units import BY_MDC, to_canonical, unit_of_text
from barocast.runtime.decoders.wfdb_header import read_header
from barocast.runtime.domain import Abstain, Sample
from barocast.runtime.engines import OrtEngine
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.tracks import BY_MDC as CHANNEL_BY_MDC
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

# What each code stands for, from the standards and manuals themselves, not from our tables.
CUFF_TERMS = range(0x4A04, 0x4A08)  # ISO/IEEE 11073-10101, MDC_PRESS_CUFF...
UNSAID_TERMS = range(0x4A00, 0x4A04)  # MDC_PRESS_BLD: neither is said
LINE_TERMS = {
    base + part for base in (0x4A0C, 0x4A10, 0x4A14, 0x4A28, 0xF0BC) for part in range(4)
}  # AORT, ART, ABP, UAP, FEM
CUFF_CODES = {
    "LN": {"76534-7", "76535-4", "76536-2"},
    "NK": {"009000", "009001", "009002"},
    "MINDRAY": {"170", "171", "172"},
    "MEDIBUS": {0x8C, 0x91, 0x96},
}
LINE_CODES = {
    "LN": {"76213-8", "76214-6", "76215-3"},
    "NK": {"044000", "044001", "044002"},
    "MINDRAY": {"500", "501", "502"},
    "MEDIBUS": {0xC8, 0xCD, 0xD2},
}


def kind_of(term: int) -> str:
    return "NIBP" if term in CUFF_TERMS else "ABP" if term in LINE_TERMS else ""


def named(name: str) -> str:
    """What a track's name says."""
    cuff = name.upper().replace(" ", "").startswith(("NIBP", "NBP"))
    line = name.upper().startswith(("ABP", "ART", "IABP", "INVP1", "AO", "FEM", "FAP", "UAP", "MAP"))
    return "NIBP" if cuff else "ABP" if line else ""


def listed(system: str, code: object) -> str:
    if code in CUFF_CODES[system]:
        return "NIBP"
    return "ABP" if code in LINE_CODES[system] else ""


def tables() -> Iterator[tuple[str, object, str, str]]:
    """Every entry of every table: (table, code, what the code stands for, the channel it feeds)."""
    for code, (channel, _, _) in SOURCES.items():
        yield "IntelliVue", code, kind_of(code), channel
    for mdc, channel in CHANNEL_BY_MDC.items():
        yield "tracks", mdc, kind_of(mdc & 0xFFFF), channel
    for (page, code), measured in medibus_codes.MEASURED.items():
        if measured.target is not None:
            kind = listed("MEDIBUS", code) if page == 1 else ""
            yield "MEDIBUS", (page, code), kind, measured.target.channel
    for table in (vital_tracks.NUMERIC, vital_tracks.WAVE):
        for name, target in table.items():
            yield "vital", name, named(name), target.channel
    yield from hl7()
    yield from dri()


def hl7() -> Iterator[tuple[str, object, str, str]]:
    """Every code of every coding system."""
    terms = {"MDC": lambda code: int(code) & 0xFFFF, "MDIL": lambda code: int(code[-4:], 16)}
    for system, code, target in (
        (system, code, target)
        for table in (hl7_codes.NUMERIC, hl7_codes.WAVE)
        for system, entries in table.items()
        for code, target in entries.items()
    ):
        kind = kind_of(terms[system](code)) if system in terms else listed(system, code)
        yield system, code, kind, target.channel


def dri() -> Iterator[tuple[str, object, str, str]]:
    """Every group under every label: only a socket whose label names an artery is a line."""
    arteries = {"ART", "ABP", "FEM", "UAC"}
    for group in dri_physiology.GROUPS:
        for label in range(40):
            vessel = dri_channels.site_of(group.name, label)
            kind = "NIBP" if group.name == "NIBP" else "ABP" if vessel in arteries else ""
            for number in group.numbers:
                target = dri_channels.target_of(group.name, label, number.name)
                if target is not None:
                    yield "DRI", (group.name, vessel, number.name), kind, target.channel


@pytest.mark.parametrize(
    "feed", ["IntelliVue", "tracks", "MDC", "MDIL", "LN", "NK", "MINDRAY", "MEDIBUS", "vital", "DRI"]
)
def test_a_code_feeds_the_channels_of_what_it_measures_and_no_other(feed):
    entries = [entry for entry in tables() if entry[0] == feed]
    wrong = [
        (code, kind, channel)
        for _, code, kind, channel in entries
        if kind != (channel.split("_")[0] if channel.startswith(("ABP_", "NIBP_")) else "")
    ]

    assert wrong == []
    assert {kind for _, _, kind, _ in entries} == {"ABP", "NIBP", ""}


def test_a_blood_pressure_of_which_neither_is_said_feeds_nothing():
    mdc = {int(code) & 0xFFFF for code in hl7_codes.NUMERIC["MDC"]}

    assert not set(UNSAID_TERMS) & (set(SOURCES) | mdc)


NAMES = st.sampled_from(["ABP", "ART", "AoBP", "FAP", "UAP", "NBP", "NIBP", "PAP", "CVP", "HR"])
PARTS = st.sampled_from(["", " Sys", " Dias", " Mean", "Sys", " Dia", "_MEAN"])


@given(st.lists(st.builds(str.__add__, NAMES, PARTS), min_size=1, max_size=8), st.sampled_from([1, 125]))
@settings(max_examples=200, deadline=None)
def test_signals_of_a_wfdb_record_are_told_apart_by_their_names(names, hertz):
    lines = "".join(f"case.dat 16 1/mmHg 16 0 0 0 0 {name}\n" for name in names)
    record = read_header(f"case {len(names)} {hertz}\n{lines}", "case.hea")

    for signal in record.signals:
        fed = (signal.channel or signal.rival_of or "").split("_")[0]
        assert fed not in {"ABP", "NIBP"} or fed == named(signal.name)


MDC = st.sampled_from([*range(0x4A00, 0x4A20), 0x4A28, 0x4A29, 0x4A2A, 0x4A2B, 0xF0BD, 0xF0BE, 0xF0BF])
UNIT = st.sampled_from(["266016^MDC_DIM_MMHG^MDC", "mm[Hg]", "kPa", ""])
ROW = st.tuples(MDC, st.integers(1, 4), st.integers(0, 250), UNIT)


@given(st.lists(st.lists(ROW, max_size=8), max_size=6))
@settings(max_examples=100, deadline=None)
def test_in_any_message_of_a_gateway_every_pressure_keeps_its_kind(messages):
    decoder = Hl7Decoder()
    for rows in messages:
        body = "".join(
            f"OBX||NM|{2 << 16 | term}^^MDC|1.1.{place}.1|{value}|{unit}|||||F\r"
            for term, place, value, unit in rows
        )
        events = decoder.feed(wrap(f"MSH|^~\\&|GW||||20260302070000||ORU^R01|1|P|2.6\r{body}".encode()))
        for event in events:
            assert isinstance(event, Sample)
            fed = event.channel or event.rival_of or ""
            term = int(event.code) & 0xFFFF
            assert fed.startswith("NIBP_") <= (term in CUFF_TERMS)
            assert fed.startswith("ABP_") <= (term in LINE_TERMS)


def test_a_patient_with_a_cuff_alone_gets_no_forecast(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    bed = Pipeline(bundle, OrtEngine(bundle))
    told = [
        one
        for i in range(200)
        for one in (sample(10.0 * i, 80.0 + i % 3, "NIBP_MEAN"), sample(10.0 * i, 70.0, "HR"))
    ]
    decisions = bed.feed(told) + bed.finish()

    assert decisions
    assert all(isinstance(decision, Abstain) for decision in decisions)


# Units.

FACTORS = {
    ("kPa", "mmHg"): (7.50062, 0.0),
    ("Pa", "mmHg"): (0.00750062, 0.0),
    ("cmH2O", "mmHg"): (0.735559, 0.0),
    ("degF", "°C"): (5 / 9, -17.7778),
    ("mL/min", "L/min"): (0.001, 0.0),
    ("uV", "mV"): (0.001, 0.0),
}
"""By the SI brochure and NIST SP 811, to six digits."""
UNITS = sorted({*BY_MDC.values(), "Pa", "uV"})


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_unit_is_the_channels_own_or_converted_by_its_factor_or_refused(channel):
    wanted = CHANNELS[channel].unit
    for unit in UNITS:
        if channel in {"PLETH_WAVE", "RESP_WAVE"} or unit == wanted:
            assert to_canonical(channel, unit) == (1.0, 0.0)
        elif (unit, wanted) in FACTORS:
            assert to_canonical(channel, unit) == pytest.approx(FACTORS[unit, wanted], rel=1e-5)
        else:
            assert to_canonical(channel, unit) is None


@pytest.mark.parametrize("channel", sorted(CHANNELS.keys() - {"PLETH_WAVE", "RESP_WAVE"}))
def test_a_unit_that_is_not_said_or_not_known_is_never_guessed(channel):
    assert to_canonical(channel, None) is None
    assert to_canonical(channel, unit_of_text("")) is None
    assert [unit_of_text(text) for text in ("mm", "Hg", "kp", "torr?", "%%")] == [None] * 5
