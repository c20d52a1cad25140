"""A real arterial wave, re-encoded as an IntelliVue stream, through a pty into the runtime."""

from __future__ import annotations

import numpy as np
import pytest
from recorded_patient import RecordedPatient
from shared_data import captures

from barocast.plugin.clock import PlayClock
from barocast.plugin.recordings import open_recording
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.lines import over_pty
from barocast.runtime.domain import Sample, WaveChunk
from barocast.runtime.sessions.intellivue import IntelliVueSession
from barocast.runtime.waves.numerics import WaveNumerics

FILES = ("vital/parsevital_test_intellivue_demo1.vital", "vital/parsevital_test_data_demo.vital")


def heard_through_the_line(monitor: VirtualIntelliVue, seconds: float, speed: float) -> list:
    """Associate over a real pty and collect every event of the first `seconds` of the monitor's time."""
    clock, session, events = PlayClock(speed), IntelliVueSession(), []
    with over_pty(monitor, clock) as address:
        port = open_transport(address)
        while clock() < seconds:
            got, reply = session.receive(port.read(0.01), clock())
            events += got
            port.write(reply + session.due(clock()))
        port.write(session.release())
        port.close()
    return events


@pytest.mark.parametrize("name", FILES)
def test_the_mean_derived_from_the_wave_agrees_with_the_recorded_numeric(name):
    recorded = [event for batch in open_recording(captures(name)).batches for event in batch]
    monitor = VirtualIntelliVue(RecordedPatient(recorded, only={"ABP_WAVE"}), start_ticks=77)
    events = heard_through_the_line(monitor, seconds=24.0, speed=10.0)
    chunks = [e for e in events if isinstance(e, WaveChunk) and e.channel == "ABP_WAVE"]
    numerics = WaveNumerics()
    derived = [
        s.value for chunk in chunks for s in numerics.feed(chunk) if s.channel == "ABP_MEAN" and s.valid
    ]
    shown = [e.value for e in recorded if isinstance(e, Sample) and e.channel == "ABP_MEAN" and e.valid]

    assert len(derived) >= 10
    assert np.median(derived) == pytest.approx(np.median(shown), abs=3.0)
    assert max(abs(np.array(derived) - np.median(shown))) <= 3.0


def test_the_wave_comes_out_of_the_line_as_it_went_in():
    """13 bits over 560 mmHg: a sixteenth of a mmHg at most, and not one sample shifted."""
    recorded = [event for batch in open_recording(captures(FILES[0])).batches for event in batch]
    patient = RecordedPatient(recorded, only={"ABP_WAVE"})
    events = heard_through_the_line(VirtualIntelliVue(patient, start_ticks=0), seconds=15.0, speed=10.0)
    chunks = [e for e in events if isinstance(e, WaveChunk) and e.channel == "ABP_WAVE"]

    assert chunks
    for chunk in chunks:
        np.testing.assert_allclose(
            chunk.values, patient.wave("ABP_WAVE", chunk.t_s, len(chunk.values), 125.0), atol=0.0625
        )
