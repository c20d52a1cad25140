"""Health: recorders of a loop, a text that Prometheus reads, a file that is whole or not there."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.health.exposition import COUNTER, GAUGE, Family, Readings, Sample, read, render
from barocast.plugin.health.histogram import Histogram, at_most
from barocast.plugin.health.meter import ACQUISITION, ALARM, LOOK_S, MOST_WORDS, BedMeter
from barocast.plugin.health.metrics import MEGABYTE, Health
from barocast.plugin.health.textfile import TextFile
from barocast.plugin.serve import Line, serve
from barocast.plugin.service.model import Model
from barocast.plugin.settings import StorageSettings
from barocast.plugin.sinks.sink import Receipt
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.events import LogRow
from barocast.runtime.domain import Abstain, Fault, FeedCounts, Forecast, Risk
from barocast.runtime.domain import Sample as Value
from barocast.runtime.engines import OrtEngine

WORDS = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORDS, st.floats(allow_nan=False)), max_size=5))
def test_what_is_written_is_read_back(values):
    family = Family(
        "x_total",
        COUNTER,
        "About.",
        tuple(Sample(v, {"word": w, "n": str(i)}) for i, (w, v) in enumerate(values)),
    )
    told = read(render([family]))

    assert told.samples.get("x_total", []) == [
        ({"word": w, "n": str(i)}, v) for i, (w, v) in enumerate(values)
    ]


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_without_a_murmur(text):
    assert isinstance(read(text), Readings)


def test_prometheus_own_reader_understands_it():
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is not installed")
    took = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.5, 5.0):
        took.observe(seconds)
    text = render(
        [
            Family("a_seconds", "histogram", "It took.", took.samples({"bed": 'the "third"\\\n'})),
            Family("b", GAUGE, "It is.", (Sample(math.nan), Sample(math.inf, {"n": "1"}))),
        ]
    )
    found = {s.name: s for family in parser.text_string_to_metric_families(text) for s in family.samples}

    assert found["a_seconds_count"].value == 3
    assert found["a_seconds_bucket"].labels == {"bed": 'the "third"\\\n', "le": "+Inf"}
    assert found["b"].value == math.inf


@pytest.mark.parametrize(
    ("seconds", "share", "bound"),
    [([0.05] * 99 + [0.5], 0.99, 0.1), ([0.05] * 98 + [0.5] * 2, 0.99, 1.0), ([9.0], 0.5, math.inf)],
)
def test_a_quantile_is_a_bound_and_never_a_guess(seconds, share, bound):
    took = Histogram((0.1, 1.0))
    for each in seconds:
        took.observe(each)
    told = read(render([Family("x", "histogram", "x", took.samples({}))]))

    assert at_most(told.by("x_bucket", "le"), share) == bound


def test_nothing_counted_has_no_quantile():
    assert math.isnan(at_most({}, 0.99))


def test_a_turn_is_timed_whole_and_without_its_wait_for_bytes():
    meter = BedMeter()
    for start_s in (0.0, 1.0):
        meter.moved(ACQUISITION, start_s + 0.6)
        meter.moved(ALARM, start_s + 0.75)

    assert [s.value for s in meter.work.samples({})][-2:] == pytest.approx([0.3, 2])
    assert [s.value for s in meter.turns.samples({})][-2:] == pytest.approx([1.0, 1])


def test_a_bed_that_was_built_again_does_not_count_its_absence_as_a_turn():
    meter = BedMeter()
    meter.moved(ALARM, 1.0)
    meter.begin()
    meter.moved(ALARM, 100.0)

    assert meter.turns.samples({})[-1].value == 0


def test_decisions_are_counted_by_state_and_by_the_word_of_their_reason():
    meter, forecast = BedMeter(), Forecast(*[None] * 5, {})
    meter.decided(Risk(30.0, (0.1, 0.2, 0.3), forecast), 0.4)
    for minutes in (1.0, 2.0):
        meter.decided(Abstain(60.0, f"short history: {minutes} of 15 min"), 0.0)
    meter.decided(Fault(90.0, "engine: gone"), 0.0)

    assert meter.decisions == {("forecast", ""): 1, ("abstain", "short history"): 2, ("fault", "engine"): 1}
    assert meter.late.samples({})[-1].value == 1


def test_words_from_elsewhere_cannot_fill_the_memory():
    meter = BedMeter()
    for number in range(10 * MOST_WORDS):
        meter.told({f"sink {number}": Receipt(ok=False, text="gone")})

    assert len(meter.receipts) == MOST_WORDS + 1
    assert meter.receipts["other", "other"] == 9 * MOST_WORDS


class Feed:
    """A session that brings one value a turn."""

    status = "associated"

    def __init__(self):
        self.counts = FeedCounts(corrupt_by_reason={"fcs": 2}, frames=7, bytes=70, corrupt=2)
        self.turns = 0

    def receive(self, data, now_s):
        self.turns += 1
        return [Value("ABP_MEAN", "x", now_s, 80.0, "mmHg")], b""

    def due(self, now_s):
        return b""

    def release(self):
        return b""


class Port:
    connected = True

    def read(self, timeout_s):
        return b"x"

    def write(self, data):
        pass

    def close(self):
        pass


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("toy")).read()


def served(bundle, meter, until_s):
    """A bed that is stepped every 0.25 s and metered as its loop does it."""
    bed = Bedside(name="OR 3", session=Feed(), watch=Watch(bundle, OrtEngine(bundle)), sinks=[])
    bed.parts["recorder"] = lambda: "gone: /media/usb"
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    def moved(loop):
        meter.moved(loop, now[0])
        if loop == ALARM:
            meter.looked(bed, now[0])
            sleep(0.25)

    serve(bed, Line(Port), clock=lambda: now[0], until=lambda: now[0] > until_s, sleep=sleep, moved=moved)
    return bed


def test_a_bed_is_looked_at_every_few_seconds_and_what_it_knows_is_told(bundle):
    health = Health(StorageSettings(), lambda: 0.0)
    meter = health.bed("or-3")
    meter.pending = lambda: 4
    served(bundle, meter, 3 * LOOK_S)
    told = read(health.metrics())

    assert told.by("barocast_data_age_seconds", "channel", bed="or-3") == pytest.approx({"ABP_MEAN": 0.5})
    assert told.value("barocast_feed_frames_total", bed="or-3") == 7
    assert told.by("barocast_feed_corrupt_total", "reason") == {"fcs": 2.0}
    assert told.value("barocast_log_pending") == 4
    assert told.by("barocast_trouble", "part") == {"recorder": 1.0}
    assert told.value("barocast_turn_seconds_count") == 4 * 3 * LOOK_S


def test_the_whole_service_is_told_without_a_word_of_the_patient(bundle, tmp_path):
    (tmp_path / "log").write_bytes(bytes(10_000))
    now = [100.0]
    health = Health(StorageSettings(folder=str(tmp_path), quota_mb=64), lambda: now[0])
    model = health.measured(Model(bundle, OrtEngine(bundle), lambda: "gone", lambda: True, lambda: None))
    health.loops = lambda: [SimpleNamespace(slug="or-3", trouble="no port", restarts=2)]
    health.watchdog_s = 10.0
    health.bed("or-3").logged(LogRow(0.0, "raised", "feed lost", "OR 3", "medium", 1, "Jane Doe", None, None))
    probe = {name: bundle.known_answers[name][:1] for name in ("series", "mask", "trend", "text")}
    model.engine.run(SimpleNamespace(**probe), 0.0)
    now[0] = 160.0
    text = health.metrics()
    told = read(text)

    assert told.value("barocast_uptime_seconds") == 60
    assert told.value("barocast_model_info", bundle="toy-1", engine=model.engine.name) == 1
    assert told.value("barocast_engine_up") == 0
    assert told.value("barocast_inference_seconds_count") == 1
    assert told.value("barocast_bed_served", bed="or-3") == 0
    assert told.value("barocast_bed_restarts_total", bed="or-3") == 2
    assert told.value("barocast_storage_used_bytes") >= 10_000
    assert told.value("barocast_storage_quota_bytes") == 64 * MEGABYTE
    assert told.by("barocast_alarm_transitions_total", "condition", transition="raised") == {"feed lost": 1.0}
    assert told.value("barocast_resident_bytes") > 0
    assert "Jane" not in text


def test_an_answer_of_the_engine_is_timed(bundle):
    seconds = iter([1.0, 1.3])
    health = Health(StorageSettings(), lambda: 0.0)
    health._clock = lambda: next(seconds)
    engine = SimpleNamespace(name="slow", run=lambda model_input, t_s: "answer")
    model = health.measured(Model(bundle, engine, str, lambda: True, lambda: None))

    assert (model.engine.name, model.engine.run(None, 0.0)) == ("slow", "answer")
    assert health._inference.samples({})[-2].value == pytest.approx(0.3)


def test_the_file_is_there_at_once_readable_and_gone_at_the_end(tmp_path):
    path = tmp_path / "health.prom"
    file = TextFile(path, lambda: "x 1\n")
    file._once()

    assert (path.read_text(), oct(path.stat().st_mode & 0o777), file.trouble) == ("x 1\n", "0o644", "")
    file.start()
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_a_trouble_and_ends_with_it(tmp_path):
    file = TextFile(tmp_path / "not" / "there", lambda: "x 1\n")
    file._once()
    said = file.trouble
    (tmp_path / "not").mkdir()
    file._once()

    assert "health cannot be written: No such file or directory" in said
    assert file.trouble == ""


def test_figures_that_cannot_be_had_cost_the_file_only(tmp_path):
    file = TextFile(tmp_path / "x", lambda: 1 / 0)
    file._once()

    assert "division" in file.trouble
