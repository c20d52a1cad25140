"""DRI recordings: numbers, cuffs, waves without a misplaced sample; and an invasive wave derived from one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from shared_data import captures

from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.dri_frame import Deframer, Frame, frame
from barocast.runtime.decoders.dri_record import PHYSIOLOGY, WAVE, parse
from barocast.runtime.domain import Reason, Sample, WaveChunk

SLEW = 0.001 + 1e-6  # s: a tenth of a sample, and what floats of epoch seconds lose


def decoded(*chunks):
    decoder = DriDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


def test_recorded_numbers_are_what_the_monitor_showed():
    found = decoded(captures("ge_dri/pycollect_db02.raw").read_bytes())
    first = {event.channel: event for event in reversed(found) if isinstance(event, Sample) and event.channel}

    assert (first["NIBP_SYS"].value, first["NIBP_DIA"].value, first["NIBP_MEAN"].value) == (93.0, 48.0, 69.0)
    assert (first["SPO2"].value, first["PR"].value, first["HR"].value) == (96.65, 83.0, 80.0)
    assert first["ETCO2"].value == pytest.approx(4.87 / 100 * 759.8)
    assert (first["ABP_MEAN"].reason, first["ABP_MEAN"].code) == (Reason.UNAVAILABLE, "PHDB.P1.mean/ART")
    assert first["RR"].code == "PHDB.CO2.rr"


def test_recorded_cuff_pressures_are_the_nine_of_half_an_hour():
    found = decoded(captures("ge_dri/pycollect_db00.raw").read_bytes())
    cuffs = [event for event in found if isinstance(event, Sample) and event.channel == "NIBP_MEAN"]

    assert len(cuffs) == 9
    assert all(event.valid for event in cuffs)
    assert [cuff.t_s - cuffs[0].t_s for cuff in cuffs] == [0, 151, 301, 389, 448, 601, 904, 1202, 1506]


def test_recorded_waves_run_on_without_a_misplaced_sample():
    """1,760 packets with 13 of 101 and 14 of 99 samples."""
    found = decoded(captures("ge_dri/pycollect_db00.raw").read_bytes())
    chunks = [event for event in found if isinstance(event, WaveChunk) and event.code == "WAVE.PLETH"]
    sizes = [len(chunk.values) for chunk in chunks]
    slips = [b.t_s - a.t_s - len(a.values) / 100 for a, b in pairwise(chunks)]

    assert (len(chunks), sizes.count(101), sizes.count(99)) == (1760, 13, 14)
    assert max(map(abs, slips)) <= SLEW
    assert {chunk.channel for chunk in chunks} == {"PLETH_WAVE"}


def test_derived_invasive_wave_in_a_recorded_packet():
    """No recording has an invasive wave: a pleth packet's type made INVP1, its samples pressures."""
    stream = captures("ge_dri/pycollect_db00.raw").read_bytes()
    payloads = [found.payload for found in Deframer().feed(stream[:30_000]) if isinstance(found, Frame)]
    values_of, wave_of = (next(p for p in payloads if parse(p).main == main) for main in (PHYSIOLOGY, WAVE))
    count = int.from_bytes(wave_of[40:42], "little")
    pressure = (90 + 30 * np.sin(np.arange(count) / 16)).round(2)
    counts = np.rint(pressure * 100).astype("<i2").tobytes()
    derived = wave_of[:18] + b"\x04" + wave_of[19:46] + counts + wave_of[46 + len(counts) :]
    found = decoded(frame(wave_of) + frame(derived), frame(values_of) + frame(derived))
    chunks = [event for event in found if isinstance(event, WaveChunk) and event.code != "WAVE.ENTROPY"]

    assert [(chunk.channel, chunk.code) for chunk in chunks] == [
        ("PLETH_WAVE", "WAVE.PLETH"),
        (None, "WAVE.INVP1"),
        ("ABP_WAVE", "WAVE.INVP1/ART"),
    ]
    assert (chunks[2].rate_hz, chunks[2].unit, chunks[2].valid) == (100, "mmHg", True)
    assert chunks[2].values == pytest.approx(pressure)
