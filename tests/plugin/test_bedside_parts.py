"""What does not work at a bed (signal, sinks, logs, engine): told to everybody at once, over when it is."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from builders import sample
from made_bed import Sink, bed, played
from toy_bundle import toy_bundle

from barocast.plugin.bedside import PRESSURE
from barocast.plugin.sinks.sink import Receipt, SelfTest
from barocast.plugin.ways_out import RETEST_S, TEST_EVERY_S, TEST_LIMIT_S, WaysOut
from barocast.runtime.alarm.events import AlarmSnapshot, PauseAudio
from barocast.runtime.domain import Reason
from barocast.runtime.signal_status import words_of

ARTEFACTS = {
    Reason.FLUSH: (290.0, 280.0, 285.0),
    Reason.ZEROING: (1.0, 0.0, 0.0),
    Reason.DISCONNECTED: (9.0, 5.0, 7.0),
    Reason.FLAT: (90.0, 86.0, 88.0),
}
UNPLUGGED = Receipt(ok=False, text="unplugged")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b").read()


def pressures(t_s, systolic=120.0, diastolic=70.0, mean=90.0):
    triple = zip(("ABP_SYS", "ABP_DIA", "ABP_MEAN"), (systolic, diastolic, mean), strict=True)
    return [sample(t_s, value, channel) for channel, value in triple]


@pytest.mark.req("ACQ-01")
@pytest.mark.parametrize("reason", ARTEFACTS)
def test_an_artefact_shows_its_status_at_once_and_ends_with_it(bundle, reason):
    """From second 5 to 14; 4 s after the last bad one the first good one counts, told by the next moment."""
    steps = [pressures(i, *(ARTEFACTS[reason] if 5 <= i < 15 else ())) for i in range(30)]
    sink, shown = Sink(), []
    bedside = bed(bundle, *steps, sinks=[sink])
    for second in range(30):
        played(bedside, [second])
        shown.append([text for text in sink.shown() if text.startswith("signal not usable")])

    text = f"signal not usable: {PRESSURE}: {words_of(reason)}"
    assert [second for second, texts in enumerate(shown) if texts] == [*range(5, 19)]
    assert shown[5] == [text]


def test_an_absent_pressure_is_no_bad_signal(bundle):
    steps = [[sample(i, float("nan")), sample(i, 70.0 + i % 2, "HR")] for i in range(20)]

    assert played(bed(bundle, *steps), range(20)).signal.reason is None


@pytest.mark.req("ALM-10")
def test_a_sinks_failure_is_told_to_the_others_in_the_same_turn_and_is_over_when_it_works(bundle):
    broken, other = Sink(name="loudspeaker"), Sink(name="screen")
    broken.receipt = UNPLUGGED
    bedside = played(bed(bundle, sinks=[broken, other]), [0])
    assert other.shown() == ["sink fault: loudspeaker: unplugged"]
    assert str(other.snapshots[-1].priority) == "medium"
    assert bedside.troubles == {"loudspeaker": "unplugged"}

    broken.receipt = Receipt()
    bedside.tell(PauseAudio(1.0), 1.0)
    played(bedside, [2])
    assert other.shown() == []
    assert bedside.troubles == {}


def test_a_broker_that_fails_is_of_low_priority(bundle):
    broken, other = Sink("best_effort"), Sink(name="screen")
    broken.receipt = UNPLUGGED
    played(bed(bundle, sinks=[broken, other]), [0])

    assert str(other.snapshots[-1].priority) == "low"


def test_a_failing_sink_never_answers_itself(bundle):
    """Its failure is told once a turn at most, though its text changes with every telling."""
    broken = Sink()
    broken.apply = lambda snapshot: (
        broken.snapshots.append(snapshot) or Receipt(ok=False, text=f"failed {len(broken.snapshots)} times")
    )
    played(bed(bundle, sinks=[broken]), [0, 1])

    assert len(broken.snapshots) <= 4


def test_a_sink_that_raises_is_a_sink_that_failed(bundle):
    broken, other = Sink(name="theirs"), Sink(name="screen")
    broken.receipt = OSError("gone")
    played(bed(bundle, sinks=[broken, other]), [0])

    assert other.shown() == ["sink fault: theirs: OSError: gone"]


def test_two_sinks_of_one_name_are_told_apart(bundle):
    broken = Sink()
    broken.receipt = UNPLUGGED
    bedside = played(bed(bundle, sinks=[Sink(), broken]), [0])

    assert bedside.troubles == {"Sink 2": "unplugged"}


@pytest.mark.req("ALM-05", "ALM-10")
def test_a_sink_fault_breaks_an_audio_pause(bundle):
    broken, other = Sink(name="relay"), Sink(name="screen")
    bedside = played(bed(bundle, sinks=[broken, other]), [0])
    bedside.tell(PauseAudio(60.0), 1.0)
    broken.receipt = UNPLUGGED
    played(bedside, [5, 6])

    assert other.snapshots[-1].sounding is not None


def test_a_self_test_that_fails_at_start_is_a_sink_fault(bundle):
    broken, other = Sink(name="loudspeaker"), Sink(name="screen")
    broken.test = SelfTest(ok=False, text="no such device")
    bedside = bed(bundle, sinks=[broken, other])
    assert bedside.ways_out.try_out()["loudspeaker"] == broken.test

    played(bedside, [0])
    assert other.shown() == ["sink fault: loudspeaker: no such device"]


@pytest.mark.req("ALM-10")
def test_every_sink_is_tried_again_every_24_hours_while_nothing_sounds():
    sink = Sink()
    ways = WaysOut([sink], lambda test: done(test()))
    ways.try_when_due(0.0, quiet=True)
    sink.test = SelfTest(ok=False, text="no such device")
    for now_s in (TEST_EVERY_S - 1, TEST_EVERY_S, TEST_EVERY_S + 1):
        ways.try_when_due(now_s, quiet=now_s != TEST_EVERY_S)
        assert ways.failed() == []

    ways.try_when_due(TEST_EVERY_S + 2, quiet=True)
    assert [failed.reason for failed in ways.failed()] == ["no such device"]

    sink.test = SelfTest(ok=True, text="well")
    for now_s in (2.0, 3.0):
        ways.try_when_due(TEST_EVERY_S + RETEST_S + now_s, quiet=True)
    assert ways.failed() == []


def test_a_sink_that_is_being_tried_is_told_nothing_meanwhile_and_not_for_ever():
    sink, running = Sink(), Future()
    ways = WaysOut([sink], lambda _: running)
    for now_s in (0.0, TEST_EVERY_S):
        ways.try_when_due(now_s, quiet=True)
    ways.apply(AlarmSnapshot(0.0))
    assert sink.snapshots == []

    ways.try_when_due(TEST_EVERY_S + TEST_LIMIT_S, quiet=True)
    ways.apply(AlarmSnapshot(1.0))
    assert len(sink.snapshots) == 1
    assert [failed.reason for failed in ways.failed()] == ["its self-test takes longer than 10 s"]


def done(test: SelfTest) -> Future:
    outcome: Future = Future()
    outcome.set_result(test)
    return outcome


@pytest.mark.parametrize("part", ["recorder", "forecast quality"])
def test_only_what_is_written_down_is_a_log_fault(bundle, part):
    sink = Sink()
    bedside = bed(bundle, sinks=[sink])
    bedside.parts[part] = lambda: "disk full"
    played(bedside, [0])

    assert bedside.troubles == {part: "disk full"}
    assert sink.shown() == (["log fault: recorder: disk full"] if part == "recorder" else [])


def test_trouble_of_the_engine_is_an_engine_fault(bundle):
    sink = Sink()
    bedside = bed(bundle, sinks=[sink])
    bedside.engine_trouble = lambda: "it does not answer"
    played(bedside, [0])
    assert sink.shown() == ["engine fault: engine: it does not answer"]

    bedside.engine_trouble = str
    played(bedside, [1])
    assert sink.shown() == []
