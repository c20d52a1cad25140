"""The engine: known answers or nothing, and a broken answer is a fault."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper
from toy_bundle import SHAPES, known_answers, prefix_graph, toy_bundle

from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.engines import OrtEngine
from barocast.runtime.engines.engine import check_known_answers
from barocast.runtime.engines.remembered import TEXTS, Remembered
from barocast.runtime.errors import BundleError
from barocast.runtime.manifest_rules import MEMORY_CAP


def window(map_mmhg: float, first_id: int = 0) -> ModelInput:
    rows = known_answers(1)
    trend, text = rows["trend"].copy(), rows["text"].copy()
    trend[:, 0, 0] = map_mmhg
    text[:, 0] = first_id
    return ModelInput(rows["series"], rows["mask"], trend, text)


def test_the_graph_answers_with_ordered_risks_and_a_band(tmp_path):
    forecast = OrtEngine(toy_bundle(tmp_path / "b").read()).run(window(75.0), 900.0)

    assert isinstance(forecast, Forecast)
    assert forecast.logits.tolist() == [0.0, 0.5, 1.0]
    assert (forecast.q10[0], forecast.q50[0], forecast.q90[0]) == (70.0, 75.0, 80.0)
    assert forecast.gates == {"text": 0.25}


@pytest.mark.req("INF-01")
def test_the_same_window_gives_the_same_bytes(tmp_path):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    answers = {engine.run(window(71.3), 0.0).logits.tobytes() for _ in range(100)}

    assert len(answers) == 1


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ({"quantiles": (5.0, 0.0, -5.0)}, "out of order"),
        ({"quantiles": (float("nan"), 0.0, 5.0)}, "quantiles"),
        ({"gates": (float("inf"),)}, "gates"),
    ],
)
def test_a_graph_that_gives_nonsense_is_refused_by_its_known_answers(tmp_path, graph, reason):
    with pytest.raises(BundleError, match=reason):
        OrtEngine(toy_bundle(tmp_path / "b", graph).read())


@pytest.mark.req("INF-03")
def test_a_graph_that_has_drifted_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"row 0 is off by 0\.\d+"):
        OrtEngine(toy_bundle(tmp_path / "b", {"logits": (0.1, 0.6, 1.1)}).read())


@pytest.mark.parametrize("band", [(-5.0, 0.0, 5.6), (-5.6, 0.0, 5.0), (-5.0, 0.6, 5.0)])
def test_a_graph_whose_map_fan_is_off_is_refused_though_its_risks_are_right(tmp_path, band):
    with pytest.raises(BundleError, match=r"row 0 is off by 0\.60\d\d mmHg of MAP"):
        OrtEngine(toy_bundle(tmp_path / "b", {"quantiles": band}).read())


def test_rounding_of_the_map_fan_is_allowed(tmp_path):
    engine = OrtEngine(toy_bundle(tmp_path / "b", {"quantiles": (-5.0, 0.0, 5.4)}).read())

    assert isinstance(engine.run(window(75.0), 0.0), Forecast)


def test_known_answers_without_a_map_fan_are_compared_by_their_risks(tmp_path):
    bundle = toy_bundle(tmp_path / "b", {"quantiles": (-9.0, 0.0, 9.0)}).read()
    risks_only = {name: array for name, array in bundle.known_answers.items() if name != "quantiles"}

    engine = OrtEngine(replace(bundle, known_answers=risks_only))

    assert isinstance(engine.run(window(75.0), 0.0), Forecast)


def test_a_graph_of_another_shape_than_its_manifest_is_refused(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    other = replace(bundle.manifest, shapes=SHAPES | {"series": (1, 2, 90)})

    with pytest.raises(BundleError, match="has shapes"):
        OrtEngine(replace(bundle, manifest=other))


@pytest.mark.req("INF-06")
@pytest.mark.parametrize(
    "change", [{"gates": ("text", "series")}, {"gates": ()}, {"forecast_minutes": (1.0,)}]
)
def test_an_answer_of_another_layout_than_the_manifest_names_is_a_fault_and_raises_nothing(tmp_path, change):
    bundle = toy_bundle(tmp_path / "b").read()

    with pytest.raises(BundleError, match=r"row 0 gives a fault \(engine: \w+ of shape \(1, [13]"):
        OrtEngine(replace(bundle, manifest=replace(bundle.manifest, **change)))


ANYTHING = ([], [None] * 3, [[], [], []], [np.array([["a", "b", "c"]])] * 3, [np.zeros(())] * 3)


@pytest.mark.req("INF-06")
def test_whatever_the_graph_gives_is_a_fault_at_worst(tmp_path, monkeypatch):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    for answers in ANYTHING:
        monkeypatch.setattr(engine, "_session", SimpleNamespace(run=lambda *_, given=answers: given))

        assert isinstance(engine.run(window(75.0), 5.0), Fault)


def test_what_is_no_graph_is_refused(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    bundle = toy.read()
    broken = type(bundle)(
        bundle.manifest, b"not onnx", bundle.tokenizer, bundle.calibrators, bundle.known_answers, bundle.card
    )

    with pytest.raises(BundleError, match="refuses it"):
        OrtEngine(broken)


@pytest.mark.req("INF-06")
def test_a_window_with_nan_is_a_fault_and_never_a_calm_risk(tmp_path):
    answer = OrtEngine(toy_bundle(tmp_path / "b").read()).run(window(float("nan")), 900.0)

    assert isinstance(answer, Fault)
    assert answer.t_s == 900.0


def test_an_input_of_the_wrong_shape_is_a_fault(tmp_path):
    wrong = ModelInput(
        np.zeros((1, 1, 89), np.float32),
        *(np.zeros((1, 1, 90), np.float32) for _ in range(2)),
        np.zeros((1, 128)),
    )

    assert isinstance(OrtEngine(toy_bundle(tmp_path / "b").read()).run(wrong, 0.0), Fault)


def test_an_input_that_could_be_spread_over_the_bound_array_is_a_fault(tmp_path):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    for narrow in (np.ones((1, 1, 1), np.float32), np.ones((90,), np.float32), np.ones((1, 1, 90))):
        assert isinstance(engine.run(replace(window(75.0), series=narrow), 0.0), Fault)

    assert isinstance(engine.run(window(75.0), 0.0), Forecast)


@pytest.mark.req("INF-06")
def test_an_answer_that_is_not_written_is_a_fault_and_not_the_last_windows(tmp_path, monkeypatch):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    assert isinstance(engine.run(window(75.0), 0.0), Forecast)
    monkeypatch.setattr(engine._session, "_session", SimpleNamespace(run_with_iobinding=lambda _: None))

    assert isinstance(engine.run(window(75.0), 10.0), Fault)


def test_a_forecast_is_not_changed_by_the_next_window(tmp_path):
    engine = OrtEngine(toy_bundle(tmp_path / "b").read())
    first = engine.run(window(75.0), 0.0)
    engine.run(window(50.0), 10.0)

    assert (first.logits.tolist(), first.q50[0]) == ([0.0, 0.5, 1.0], 75.0)


# --- two graphs: the text's, and the tick's -----------------------------------------------------


@pytest.fixture
def two_graphs(tmp_path):
    return toy_bundle(tmp_path / "b", prefix=True).read()


class Counted:
    """A session that counts how often it is asked."""

    def __init__(self, session):
        self.session, self.asked = session, 0

    def run(self, names, feeds):
        self.asked += 1
        return self.session.run(names, feeds)


def counted_prefix(engine):
    counted = Counted(SimpleNamespace(run=lambda _, text, made=engine._remembered._prefix: made(text)))
    engine._remembered._prefix = lambda text: counted.run([], text)
    return counted


def test_the_tick_takes_what_the_prefix_made_of_the_text(two_graphs):
    engine = OrtEngine(two_graphs)
    silent, spoken = (engine.run(window(75.0, first_id), 0.0) for first_id in (0, 20))

    assert silent.logits.tolist() == [0.0, 0.5, 1.0]
    assert spoken.logits.tolist() == [2.0, 2.5, 3.0]


@pytest.mark.req("INF-01")
def test_a_text_is_read_once_and_gives_the_same_bytes_again_when_it_was_forgotten(two_graphs):
    engine = OrtEngine(two_graphs)
    prefix = counted_prefix(engine)
    first = [engine.run(window(71.3, 900), 0.0).logits.tobytes() for _ in range(50)]
    assert prefix.asked == 1

    for other in range(TEXTS):
        engine.run(window(71.3, 100 + other), 0.0)
    again = engine.run(window(71.3, 900), 0.0).logits.tobytes()

    assert prefix.asked == 1 + TEXTS + 1
    assert {*first, again} == {first[0]}


def test_the_texts_of_the_last_beds_are_kept_and_the_oldest_goes_first(two_graphs):
    engine = OrtEngine(two_graphs)
    prefix = counted_prefix(engine)
    for bed in range(TEXTS):
        engine.run(window(80.0, 100 + bed), 0.0)
    engine.run(window(80.0, 100), 0.0)  # used again: the next one is the oldest now
    engine.run(window(80.0, 500), 0.0)
    asked = prefix.asked
    engine.run(window(80.0, 100), 0.0)
    kept = prefix.asked
    engine.run(window(80.0, 101), 0.0)

    assert (asked, kept, prefix.asked) == (TEXTS + 1, TEXTS + 1, TEXTS + 2)


def test_large_memories_are_kept_of_fewer_texts(two_graphs):
    manifest = replace(two_graphs.manifest, memory={"aspects": (1, MEMORY_CAP)})
    remembered = Remembered(lambda _: [np.zeros((1, MEMORY_CAP), np.float32)], manifest)

    assert remembered._most == 8


def test_beds_on_several_threads_get_each_their_own_answer(two_graphs):
    engine = OrtEngine(two_graphs)
    ids = [3 * bed for bed in range(100)]
    with ThreadPoolExecutor(8) as beds:
        answers = list(beds.map(lambda first_id: engine.run(window(75.0, first_id), 0.0), ids))

    assert [answer.logits[0] for answer in answers] == pytest.approx([first_id / 10 for first_id in ids])


@pytest.mark.req("INF-03")
def test_a_prefix_that_has_drifted_is_refused_by_the_known_answers(tmp_path, two_graphs):
    drifted = prefix_graph()
    tenth = next(w for w in drifted.graph.initializer if w.name == "tenth")
    tenth.CopyFrom(numpy_helper.from_array(np.array(0.3, np.float32), "tenth"))

    with pytest.raises(BundleError, match=r"row 1 is off by 0\.\d+ of risk"):
        OrtEngine(replace(two_graphs, prefix=drifted.SerializeToString()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"memory": {"weight": (1, 1)}}, r"model\.onnx: has shapes"),
        ({"memory": {"weight": (1, 1), "present": (1, 2)}}, r"model\.onnx: has shapes"),
        ({"shapes": SHAPES | {"text": (1, 64)}}, r"prefix\.onnx: has shapes"),
        ({"shapes": SHAPES | {"trend": (1, 7, 7)}}, r"model\.onnx: has shapes"),
    ],
)
def test_each_graph_is_held_against_the_manifest(two_graphs, change, said):
    with pytest.raises(BundleError, match=said):
        OrtEngine(replace(two_graphs, manifest=replace(two_graphs.manifest, **change)))


def test_a_graph_of_numbers_that_no_bundle_has_is_refused(two_graphs):
    odd = prefix_graph()
    odd.graph.node[-1].attribute[0].i = odd.graph.output[-1].type.tensor_type.elem_type = TensorProto.INT32

    with pytest.raises(BundleError, match=r"prefix\.onnx: has present of tensor\(int32\)"):
        OrtEngine(replace(two_graphs, prefix=odd.SerializeToString()))


def test_graphs_that_changed_places_are_refused(two_graphs):
    with pytest.raises(BundleError, match="has shapes"):
        OrtEngine(replace(two_graphs, model=two_graphs.prefix, prefix=two_graphs.model))


def test_a_prefix_that_is_no_graph_is_named(two_graphs):
    with pytest.raises(BundleError, match=r"prefix\.onnx: onnxruntime .* refuses it"):
        OrtEngine(replace(two_graphs, prefix=b"not onnx"))


@pytest.mark.req("INF-06")
@pytest.mark.parametrize("made", [*ANYTHING, [np.full((1, 1), np.nan, np.float32)] * 2])
def test_whatever_the_prefix_gives_is_a_fault_at_worst_and_is_not_kept(two_graphs, made):
    engine = OrtEngine(two_graphs)
    whole = engine._remembered._prefix
    engine._remembered._prefix = lambda _: made
    assert isinstance(engine.run(window(75.0, 7), 5.0), Fault)

    engine._remembered._prefix = whole
    assert engine.run(window(75.0, 7), 5.0).logits[0] == pytest.approx(0.7)


@pytest.mark.parametrize("text", [np.zeros((1, 127), np.int64), np.zeros(128, np.int64), np.zeros((1, 128))])
def test_a_text_of_the_wrong_shape_or_type_is_a_fault_though_its_bytes_are_known(two_graphs, text):
    engine = OrtEngine(two_graphs)
    assert isinstance(engine.run(window(75.0), 0.0), Forecast)

    assert isinstance(engine.run(replace(window(75.0), text=text), 0.0), Fault)


@pytest.mark.req("INF-01")
def test_an_engine_that_answers_otherwise_each_time_is_refused(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    real, asked = OrtEngine(bundle), []

    def wavering(model_input, t_s):
        asked.append(t_s)
        forecast = real.run(model_input, t_s)
        return replace(forecast, logits=forecast.logits + 1e-9 * len(asked))

    with pytest.raises(BundleError, match="answered otherwise each time"):
        check_known_answers(SimpleNamespace(name="wavering", run=wavering), bundle)
