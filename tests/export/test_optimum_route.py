"""Through optimum's own exporter, quantizer and loader, where optimum-onnx is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from toy_student import SMALL, toy_student

from barocast.export.checkpoint import read_student
from barocast.export.commands import optimum as command
from barocast.export.model import example_input

optimum_onnxruntime = pytest.importorskip(
    "optimum.onnxruntime", reason="no optimum-onnx: extra `optimum`, in an environment of its own"
)
from optimum.exporters.tasks import TasksManager  # noqa: E402 - behind the skip, as all below

from barocast.export.optimum.network import BarocastConfig  # noqa: E402
from barocast.export.optimum.onnx_config import (  # noqa: E402
    MODEL_TYPE,
    TASK,
    BarocastOnnxConfig,
    WindowGenerator,
)
from barocast.export.optimum.route import FOLDER, GRAPHS, INT8, ONNX, STAGES  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore"
)  # torch's older exporter, which optimum uses, warns of itself


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """The whole route, by the command."""
    root = tmp_path_factory.mktemp("route")
    parser = ArgumentParser()
    command.add_arguments(parser)
    checkpoint, said = toy_student(root / "student"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(root / "code"))
        patch.syspath_prepend(str(root / "code"))
        places = ("--from", str(checkpoint), "--out", str(root / "out"))
        status = command.run(parser.parse_args(places), said.append)
    return SimpleNamespace(checkpoint=checkpoint, out=root / "out", status=status, said=said)


def windows(batch):
    generator = torch.Generator().manual_seed(2)
    series, mask, trend, text = example_input(SMALL.network, batch)
    series = series + 10 * torch.randn(series.shape, generator=generator)
    mask[:, :, 20:40] = 0
    text = torch.randint(0, 9, text.shape, generator=generator)
    return {"series": series, "mask": mask, "trend": trend, "text": text}


def by_optimum(folder):
    config, graph = BarocastConfig.from_pretrained(folder), GRAPHS[folder.name]
    loader = optimum_onnxruntime.ORTModelForCustomTasks
    return loader.from_pretrained(folder, config=config, file_name=graph)


def by_torch(taken, given):
    with torch.no_grad():
        return read_student(taken.checkpoint).model(*given.values())


def test_the_command_leaves_a_folder_for_each_stage(taken):
    assert taken.status == 0
    assert sorted(path.name for path in taken.out.iterdir()) == sorted(STAGES)
    assert [f"{name}: " in line for name, line in zip((ONNX, INT8), taken.said, strict=True)] == [True, True]


@pytest.mark.parametrize("batch", [1, 3])
def test_the_exported_graph_gives_torchs_answers_for_any_number_of_rows(taken, batch):
    answer = by_optimum(taken.out / ONNX)(**windows(batch))

    for name, expected in zip(("logits", "quantiles", "gates"), by_torch(taken, windows(batch)), strict=True):
        torch.testing.assert_close(answer[name], expected, atol=1e-4, rtol=1e-5)


def test_the_default_int8_graph_answers_near_torch_and_has_int8_products(taken):
    answer = by_optimum(taken.out / INT8)(**windows(3))
    logits, *_ = by_torch(taken, windows(3))
    graph = onnx.load(taken.out / INT8 / GRAPHS[INT8])

    assert 0 < (answer["logits"] - logits).abs().max() < 0.5
    assert "MatMulInteger" in {node.op_type for node in graph.graph.node}


def test_the_graph_is_of_opset_18_and_of_standard_operators(taken):
    graph = onnx.load(taken.out / ONNX / GRAPHS[ONNX])

    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 18)]
    assert [node.name for node in graph.graph.input] == ["series", "mask", "trend", "text"]
    assert [node.name for node in graph.graph.output] == ["logits", "quantiles", "gates"]


def test_optimum_finds_the_onnx_config_by_the_model_type():
    make = TasksManager.get_exporter_config_constructor(
        "onnx", model_type=MODEL_TYPE, task=TASK, library_name="transformers"
    )

    assert isinstance(make(BarocastConfig()), BarocastOnnxConfig)


@pytest.mark.parametrize("framework", ["pt", "np"])
def test_inputs_to_trace_with_are_of_the_networks_shapes(framework):
    inputs = BarocastOnnxConfig(BarocastConfig(30, 8, channels=2), TASK).generate_dummy_inputs(
        framework, batch_size=4
    )

    assert {name: tuple(value.shape) for name, value in inputs.items()} == {
        "series": (4, 2, 90),
        "mask": (4, 2, 90),
        "trend": (4, 7, 6),
        "text": (4, 128),
    }
    assert int(inputs["text"].max()) < 30
    assert set(np.unique(np.asarray(inputs["mask"]))) == {0.0, 1.0}
    assert tuple(inputs) == WindowGenerator.SUPPORTED_INPUT_NAMES


def test_optimums_own_command_line_exports_the_folder_alike(taken, tmp_path):
    cli = Path(sys.executable).with_name("optimum-cli")
    words = ("--task", TASK, "--trust-remote-code", "--model", taken.out / FOLDER, tmp_path / "onnx")
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    subprocess.run([cli, "export", "onnx", *words], env=environment, check=True, capture_output=True)

    theirs, ours = (onnx.load(path / GRAPHS[ONNX]) for path in (tmp_path / "onnx", taken.out / ONNX))
    assert [node.op_type for node in theirs.graph.node] == [node.op_type for node in ours.graph.node]
