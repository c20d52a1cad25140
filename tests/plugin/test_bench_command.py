"""`barocast bench` on a toy bundle: every figure is there, and what is absent is named."""

from __future__ import annotations

import json
from argparse import ArgumentParser

import numpy as np
import pytest
from toy_bundle import toy_bundle

from barocast.plugin.bench import beds, command, fresh, measure, ticks
from barocast.plugin.bench.engines import precision
from barocast.runtime.domain import Fault, Forecast
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError, SettingsError
from barocast.runtime.trust import write_keys


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A bundle of two graphs, with a file of the key that signed it."""
    root = tmp_path_factory.mktemp("bench")
    made = toy_bundle(root / "bundle", prefix=True)
    write_keys(root / "trusted.json", {"toy": made.public_key})
    return made, root / "trusted.json"


class Counting:
    """An engine that takes a second by its own clock, and counts its texts."""

    name = "counting"

    def __init__(self):
        self.now_s = 0.0
        self.texts = set()

    def run(self, model_input, t_s):
        self.now_s += 1.0
        self.texts.add(model_input.text.tobytes())
        flat = np.full(30, 80.0)
        return Forecast(np.zeros(3), np.arange(30) / 2, flat, flat, flat, {"text": 0.0})


def _run(*words):
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(words)))


def test_ticks_are_of_one_patient_and_new_patients_are_all_different(toy):
    bundle, engine = toy[0].read(), Counting()

    seconds = ticks.timed_for(engine, ticks.windows(bundle), 10.0, lambda: engine.now_s)
    assert seconds == [1.0] * 10
    assert len(engine.texts) == 1

    ticks.timed(engine, ticks.new_patients(bundle, 30), lambda: engine.now_s)
    assert len(engine.texts) == 31


def test_a_fault_is_not_timed(toy):
    bundle, engine = toy[0].read(), Counting()
    engine.run = lambda model_input, t_s: Fault(t_s, "engine: broken")

    with pytest.raises(BundleError, match=r"engine: broken.*cannot be timed"):
        ticks.timed(engine, ticks.windows(bundle))


def test_more_forecasts_cost_a_bed_more(toy):
    bundle = toy[0].read()
    engine = Counting()
    told = beds.NUMBERS

    costs = {
        every_s: beds.cpu_s_per_bed_s(bundle, engine, every_s, told, beds=2, seconds=30)
        for every_s in (1.0, 30.0)
    }

    assert engine.now_s >= 2 * 30
    assert costs[1.0] > costs[30.0] > 0


def test_a_bed_that_is_told_waves_makes_its_forecasts_too(toy):
    bundle, engine = toy[0].read(), Counting()

    cost = beds.cpu_s_per_bed_s(bundle, engine, 10.0, beds.WITH_WAVE, beds=1, seconds=20)

    assert cost > 0
    assert engine.now_s >= 2


def test_a_fresh_process_answers_and_tells_its_memory(toy):
    start = fresh.fresh_start("onnxruntime cpu", toy[0].directory, toy[1], 1)

    assert start.cold_s > start.verify_s + start.open_s > 0
    assert 20 < start.rss_mb <= start.peak_mb < 400


def test_a_fresh_process_that_gives_no_answer_is_one_clear_error(toy):
    with pytest.raises(BundleError, match=r"gave no answer \(.*no trusted key signed"):
        fresh.fresh_start("onnxruntime cpu", toy[0].directory, None, 1)


def test_the_command_prints_one_table_and_keeps_the_figures(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measure, "STARTS", 1)
    monkeypatch.setattr(measure, "REPEATS", 1)
    monkeypatch.setattr(measure, "BED_SECONDS", 2)
    places = ("--bundle", str(toy[0].directory), "--trust", str(toy[1]), "--json", str(tmp_path / "b.json"))

    status = _run(*places, "--seconds", "0.05")

    printed, kept = capsys.readouterr().out, json.loads((tmp_path / "b.json").read_text("utf-8"))
    assert status == 0
    assert "tick p50 / p99 / p999, ms" in printed
    assert "toy-1, onnxruntime cuda: not here: onnxruntime" in printed
    assert "toy-1, tensorrt: not here:" in printed
    (one,) = kept["measured"]
    assert one["engine"].endswith("CPUExecutionProvider")
    assert one["precision"] == "float32"
    assert one["tick"]["n"] > 1
    assert set(kept["absent"]) == {
        f"toy-1, {name}" for name in ("onnxruntime cuda", "onnxruntime tensorrt", "tensorrt")
    }


def test_a_duration_that_cannot_be_meant_is_refused():
    with pytest.raises(SettingsError, match="--seconds and --threads"):
        _run("--seconds", "0")


def test_a_bundle_nobody_trusts_is_not_measured(toy):
    with pytest.raises(BundleError, match="no trusted key"):
        _run("--bundle", str(toy[0].directory))


def test_the_engine_of_the_table_is_the_bedsides(toy):
    bundle = toy[0].read()

    assert isinstance(measure.ENGINES["onnxruntime cpu"](bundle, 1), OrtEngine)


def test_precision_is_read_off_the_graph(toy):
    graph = toy[0].read().model

    assert precision(graph) == "float32"
    assert precision(graph + b"\x22\x0eQuantizeLinear") == "int8"
    assert precision(graph + b"\x22\x10DequantizeLinear") == "weights in int8 or int4"
