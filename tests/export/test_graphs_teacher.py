"""A teacher cut for a bundle answers as the whole one does, and its graphs as the cut."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from barocast.export.fusion.network import build_teacher
from barocast.export.fusion.settings import MODES, TeacherSettings
from barocast.export.graphs.running import Running
from barocast.export.graphs.teacher import split_teacher
from barocast.export.graphs.to_onnx import to_onnx
from barocast.export.language.reduced import Reduced
from barocast.export.model import Scaling
from barocast.runtime.errors import InputError
from barocast.runtime.graph_rules import broken_graph_rule

SETTINGS = TeacherSettings(
    trunk="tiny",
    layers=2,
    channels=("ABP_MEAN", "HR"),
    patch=6,
    text_tokens=24,
    width=16,
    text_width=4,
    rank=2,
)
SMALL = replace(SETTINGS, trunk="smollm2", layers=1)
KEPT = (256, 3, 250, 7, 99, 100, 101, 14, 0)
"""Ids of the whole model: the begin token, then the words of ids 1 to 8."""
TEXTS = torch.tensor([[1, 2, 3, 8, *[0] * 19], [0] * 23, [5, 4, 6, 7] * 5 + [1, 2, 3], [7, *[0] * 22]])
WHOLE_TEXTS = torch.cat([(TEXTS[:, :1] > 0) * (KEPT[0] + 1) - 1, torch.tensor((-1, *KEPT[1:]))[TEXTS]], dim=1)


def taught(settings):
    """A teacher whose every weight but the language model's is drawn, as if it had been taught."""
    rest = torch.tensor([-6.0, 0.5, 7.0])[:, None].repeat(1, 30)
    scaling = Scaling(torch.full((7, 6), 75.0), torch.full((7, 6), 10.0), rest, (-2.7, -2.0, -1.7))
    try:
        teacher = build_teacher(settings, scaling)
    except InputError as error:
        pytest.skip(str(error))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in teacher.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return teacher.eval()


def windows(settings):
    """One for each text: whole, with a gap, a channel short, empty."""
    generator = torch.Generator().manual_seed(1)
    shape = len(TEXTS), len(settings.channels), settings.steps
    series = 75 + 10 * torch.randn(shape, generator=generator)
    mask = torch.ones(shape)
    mask[1, :, 20:35], mask[2, -1], mask[3] = 0, 0, 0
    return series, mask, 75 + 10 * torch.randn((len(TEXTS), 7, 6), generator=generator)


def whole_answer(teacher):
    with torch.no_grad():
        answer = teacher(*windows(teacher.settings), WHOLE_TEXTS)
    return [answer.logits, answer.quantiles, answer.gates]


def cut(teacher):
    return split_teacher(teacher, Reduced("{}", KEPT))


@pytest.mark.parametrize(
    "settings",
    [
        *(replace(SETTINGS, mode=mode) for mode in MODES),
        replace(SETTINGS, gated=False),
        replace(SETTINGS, trunk="none", layers=0),
        SMALL,
    ],
    ids=[*MODES, "ungated", "no language model", "smollm2"],
)
def test_the_cut_teacher_gives_the_same_answers_with_and_without_text(settings):
    teacher = taught(settings)
    split = cut(teacher)

    with torch.no_grad():
        answers = split.tick(*windows(settings), *split.prefix(TEXTS))

    for found, expected in zip(answers, whole_answer(teacher), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert [gate > 0 for gate in answers[2][:, 0]] == [True, False, True, True]


def test_the_text_moves_the_cut_teachers_answer():
    split = cut(taught(SETTINGS))
    window = [part[:1] for part in windows(SETTINGS)]

    with torch.no_grad():
        said, unsaid = (split.tick(*window, *split.prefix(TEXTS[n : n + 1]))[0] for n in (0, 1))

    assert (said - unsaid).abs().max() > 1e-3


def test_cutting_leaves_the_teacher_as_it_was():
    teacher = taught(replace(SETTINGS, mode="joint"))
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}

    cut(teacher)

    assert before.keys() == teacher.state_dict().keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in teacher.state_dict().items())


def test_only_the_words_of_the_reduced_tokenizer_go_along():
    split = cut(taught(replace(SETTINGS, mode="joint")))
    weights = [tuple(weight.shape) for part in (split.prefix, split.tick) for weight in part.parameters()]

    assert (len(KEPT), 32) in weights
    assert not [shape for shape in weights if 300 in shape]


@pytest.fixture(scope="module")
def exported():
    teacher = taught(replace(SETTINGS, mode="joint", layers=1))
    split = cut(teacher)
    return teacher, split, to_onnx(split)


def test_the_graphs_answer_as_the_teacher_does(exported):
    teacher, _, graphs = exported
    running, given = Running(graphs), [part.numpy() for part in (*windows(teacher.settings), TEXTS)]

    rows = [running(*(part[n : n + 1] for part in given)) for n in range(len(TEXTS))]

    for found, wanted in zip(zip(*rows, strict=True), whole_answer(teacher), strict=True):
        np.testing.assert_allclose(np.concatenate(found), wanted.numpy(), atol=1e-4)


def test_the_graphs_break_no_rule_of_a_bundle(exported):
    *_, graphs = exported
    assert [broken_graph_rule(graph) for graph in (graphs.prefix, graphs.tick)] == [None, None]


def test_the_tick_holds_no_words_and_names_the_language_models_products(exported):
    _, split, graphs = exported
    tick = onnx.load_from_string(graphs.tick)
    shapes = [tuple(weight.dims) for weight in tick.graph.initializer]
    paths = Counter(
        part
        for node in tick.graph.node
        for part in split.quantizable
        if node.op_type == "MatMul" and any(part in entry.value for entry in node.metadata_props)
    )

    assert not [shape for shape in shapes if len(KEPT) in shape]
    assert paths[".attention."] >= 4
    assert paths[".think."] == 3
