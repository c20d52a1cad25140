"""The student's two parts: the Model's own answers, all members in one pass."""

from __future__ import annotations

import onnx
import pytest
import torch

from barocast.export.graphs.checked import check_split
from barocast.export.graphs.described import described
from barocast.export.graphs.student import QUANTIZABLE, split_student
from barocast.export.graphs.to_onnx import SCOPES, to_onnx
from barocast.export.model import Model, ModelSettings, Scaling, example_input
from barocast.export.text_encoder import TextEncoder


def _model(**settings):
    """A network whose every weight is drawn, as if it had been trained."""
    torch.manual_seed(1)
    rest = torch.tensor([-6.0, 0.0, 6.0])[:, None].repeat(1, 30)
    scaling = Scaling(torch.full((7, 6), 70.0), torch.full((7, 6), 20.0), rest, (-2.7, -2.0, -1.7))
    model = Model(ModelSettings(width=16, **settings), scaling, TextEncoder(vocabulary=30, width=8))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.eval()


def _rows(model, count, *, with_text=True):
    """Drawn rows with gaps, and a number where the mask says that there is none."""
    random = torch.Generator().manual_seed(2)
    series, mask, trend, text = example_input(model.settings, count)
    series = series + 12 * torch.randn(series.shape, generator=random)
    mask = (torch.rand(mask.shape, generator=random) > 0.2).float()
    trend = trend + 15 * torch.randn(trend.shape, generator=random)
    words = torch.randint(1, 30, text.shape, generator=random)
    words[:, 40:] = 0
    return series, mask, trend, words if with_text else torch.zeros_like(text)


def _answer(split, rows):
    with torch.no_grad():
        return split.tick(*rows[:3], *split.prefix(rows[3]))


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize(
    "settings",
    [
        {"members": 3, "heads": 2},
        {"members": 1, "heads": 4, "layers": 2},
        {"members": 2, "channels": 2, "recent": 3},
    ],
)
def test_the_tick_answers_as_the_whole_model_does(settings, with_text, count):
    model = _model(**settings)
    rows = _rows(model, count, with_text=with_text)

    found = _answer(split_student(model), rows)

    with torch.no_grad():
        for part, expected in zip(found, model(*rows), strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-5, atol=1e-5)


def test_text_moves_the_tick():
    model = _model()
    split = split_student(model)

    with_text, without = (_answer(split, _rows(model, 2, with_text=has)) for has in (True, False))

    assert (with_text[0] != without[0]).all()
    assert (without[2][:, 0] == 0).all()


@pytest.mark.parametrize("mmhg", [-1e4, 0.0, 30.0, 300.0, 1e4])
def test_answers_stay_in_order_far_from_any_patient(mmhg):
    model = _model()
    series, mask, trend, text = _rows(model, 4)

    logits, quantiles, _ = _answer(split_student(model), (series + mmhg, mask, trend + mmhg, text))

    assert (logits.diff(dim=1) >= 0).all()
    assert (quantiles.diff(dim=1) >= 0).all()


def test_ours_is_held_to_what_an_adapter_is_held_to():
    split = split_student(_model())

    check_split(split)

    assert split.memory == ("aspects", "present")


@pytest.fixture(scope="module")
def ticks():
    """One member's tick, and three members', as ONNX."""
    return [to_onnx(split_student(_model(members=members))).tick for members in (1, 3)]


def test_three_members_are_as_many_operations_as_one(ticks):
    one, three = map(described, ticks)

    assert three.by_op == one.by_op
    assert three.bytes > 1.5 * one.bytes
    assert three.nodes < 120


def test_what_may_become_int8_can_be_told_by_its_module_path(ticks):
    graph = onnx.load_from_string(ticks[1]).graph
    weights = {initializer.name for initializer in graph.initializer}
    paths = [
        next(entry.value for entry in node.metadata_props if entry.key == SCOPES)
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in weights
    ]

    counts = {part: sum(part in path for path in paths) for part in (*QUANTIZABLE, ".to_self", ".head")}

    assert counts == {".to_text": 2, ".to_series": 2, ".think": 2, ".to_self": 2, ".head": 1}
