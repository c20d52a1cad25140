"""Two ONNX files of a network: what they hold, what they answer, and what is never exported."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from toy_split import Told, forecast, toy_split

from barocast.export.graphs import running as running_module
from barocast.export.graphs.described import described
from barocast.export.graphs.running import Running, run_rows, shapes
from barocast.export.graphs.to_onnx import settled, to_onnx
from barocast.export.rows import Rows
from barocast.runtime.errors import BundleError, SettingsError


@pytest.fixture(scope="module")
def graphs():
    """The toy network of batch 1, and of any batch."""
    return SimpleNamespace(one=to_onnx(toy_split()), many=to_onnx(toy_split(), batched=True))


def _rows(count):
    random = np.random.default_rng(0)
    series = random.normal(80, 10, (count, 1, 90)).astype(np.float32)
    trend = random.normal(80, 10, (count, 7, 6)).astype(np.float32)
    case = np.repeat(np.arange(count // 4 + 1), 4)[:count].astype(np.int32)
    unread = np.zeros((count, 3), dtype=np.float32)
    return Rows(series, np.ones_like(series), trend, unread, unread, case, case)


def _texts(rows):
    return np.random.default_rng(1).integers(0, 3, (rows.case.max() + 1, 16))


def test_the_prefix_gives_what_the_tick_takes(graphs):
    assert shapes(graphs.one) == {
        "text": (1, 16),
        "share": (1, 1),
        "series": (1, 1, 90),
        "mask": (1, 1, 90),
        "trend": (1, 7, 6),
        "logits": (1, 3),
        "quantiles": (1, 3, 30),
        "gates": (1, 2),
    }
    assert shapes(graphs.many)["logits"] == ("batch", 3)


def test_the_graphs_answer_as_the_network_does(graphs):
    rows = _rows(1)
    text = _texts(rows)

    logits, quantiles, gates = Running(graphs.one)(rows.series, rows.mask, rows.trend, text)

    expected = forecast(*(torch.tensor(part) for part in (rows.series, rows.mask, rows.trend)), _share(text))
    for found, part in zip((logits, quantiles, gates), expected, strict=True):
        np.testing.assert_allclose(found, part, rtol=1e-6)


def _share(text):
    return torch.tensor((text != 0).mean(axis=1, keepdims=True), dtype=torch.float32)


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_rows_in_batches_are_answered_as_row_by_row(graphs, batch, monkeypatch):
    monkeypatch.setattr(running_module, "BATCH", batch)
    rows = _rows(10)

    many, one = (run_rows(which, rows, _texts(rows)) for which in (graphs.many, graphs.one))

    assert [part.shape for part in many] == [(10, 3), (10, 3, 30), (10, 2)]
    for found, expected in zip(many, one, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_cohort_says_how_far_it_is(graphs, monkeypatch):
    monkeypatch.setattr(running_module, "TOLD_EVERY", 4)
    rows, said = _rows(10), []

    run_rows(graphs.one, rows, _texts(rows), said.append)

    assert said == ["4 of 10 rows", "8 of 10 rows"]


def test_the_prefix_is_run_once_per_text(graphs):
    running, texts = Running(graphs.one), []
    prefix = running._prefix
    running._prefix = SimpleNamespace(
        run=lambda names, given: texts.append(given["text"]) or prefix.run(names, given)
    )
    rows = _rows(9)

    for row in range(9):
        at = slice(row, row + 1)
        running(rows.series[at], rows.mask[at], rows.trend[at], _texts(rows)[rows.case[at]])

    assert len(texts) == 3


def test_a_batch_asks_for_each_distinct_text_once(graphs):
    running = Running(graphs.many)
    texts = np.array([[1] * 16, [0] * 16, [1] * 16, [1] * 8 + [0] * 8])

    share = running.memory(texts)["share"]

    assert share.ravel().tolist() == [1, 0, 1, 0.5]


def test_unoptimized_and_otherwise_configured_sessions_answer_alike(graphs):
    rows = _rows(1)
    given = (rows.series, rows.mask, rows.trend, _texts(rows))

    plain = Running(graphs.one, optimized=False)(*given)
    precise = Running(graphs.one, threads=2, session_entries={"session.x64quantprecision": "1"})(*given)

    for found, expected in zip(plain, precise, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_graph_tells_nothing_of_the_machine_it_was_made_on(graphs):
    for content in (graphs.one.prefix, graphs.one.tick, graphs.many.tick):
        assert b".py" not in content
        assert b"stack_trace" not in content


def test_the_same_network_gives_the_same_bytes(graphs):
    assert to_onnx(toy_split()) == graphs.one


def test_a_graph_is_described_by_its_operators(graphs):
    found = described(graphs.one.prefix)

    assert found.nodes == sum(found.by_op.values()) > 0
    assert found.by_op["ReduceMean"] == 1
    assert (found.bytes, found.opset) == (len(graphs.one.prefix), 18)


def _graph(*nodes, weights=()):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "toy", ends[:1], ends[1:], list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def _with_external_weight():
    model = _graph(
        helper.make_node("Add", ["x", "w"], ["y"]),
        weights=[onnx.numpy_helper.from_array(np.ones(1, np.float32), "w")],
    )
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "elsewhere.bin")
    return model


def _of_newer_opset():
    model = _graph(helper.make_node("Neg", ["x"], ["y"]))
    model.opset_import[0].version = 25
    return model


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (_with_external_weight(), "keeps weights outside the file"),
        (
            _graph(helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")),
            "operators of 'com.microsoft'",
        ),
        (_of_newer_opset(), "opset 25; at most 20"),
    ],
)
def test_a_graph_that_no_bundle_may_hold_is_refused(model, why):
    with pytest.raises(BundleError, match=f"the exported graph .*{why}"):
        settled(model)


def test_a_network_that_branches_on_its_numbers_is_one_clear_error():
    def branching(series, mask, trend, share):
        answer = forecast(series, mask, trend, share)
        return answer if series.mean() > 70 else tuple(-part for part in answer)

    with pytest.raises(
        SettingsError, match=r"tick: torch cannot export it \(.+\); write it without branches"
    ):
        to_onnx(toy_split(tick=Told(branching)))


def test_a_network_that_holds_on_to_its_first_batch_has_no_batched_graph():
    def counted(series, mask, trend, share):
        logits, quantiles, gates = forecast(series, mask, trend, share)
        return logits.reshape(len(logits), 3), quantiles, gates

    split = toy_split(tick=Told(counted))

    with pytest.raises(SettingsError, match=r"tick: .* take a batch's size from shape\[0\]"):
        to_onnx(split, batched=True)
