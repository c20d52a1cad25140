"""The wave network: missing waves cost nothing, seeds repeat, patients are not straddled, the page warns."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from toy_waves import rows, write_windows

from barocast.export.waves import command
from barocast.export.waves.judged import (
    BOTH_ALL,
    MUST_BEAT,
    OURS,
    PATTERNS,
    Study,
    cross_validate,
    figures,
    score_fold,
)
from barocast.export.waves.learning import LearningSettings, answers, learn
from barocast.export.waves.material import batch_of, find_features, make_material
from barocast.export.waves.network import MODALITIES, WaveNetwork
from barocast.export.waves.page import page
from barocast.export.waves.windows import icu_windows, read_windows
from barocast.runtime.errors import InputError

QUICK = LearningSettings(pretraining_epochs=1, epochs=1, batch=32)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_windows(tmp_path_factory.mktemp("cohort"), rows())


@pytest.fixture(scope="module")
def study(cohort):
    windows, icu = read_windows(cohort), icu_windows(cohort)
    material, more = (make_material(of, find_features(of)) for of in (windows, icu))
    return Study(windows, material, more)


def quick(study, settings=QUICK):
    return learn(study.material, study.material.beside(study.more), settings)


@pytest.fixture(scope="module")
def network(study):
    return quick(study)


def test_the_network_is_small():
    network = WaveNetwork(torch.zeros(1), torch.ones(1))

    assert sum(weights.numel() for weights in network.parameters()) < 1_000_000


@pytest.mark.parametrize("present", list(product([0.0, 1.0], repeat=len(MODALITIES))))
def test_any_missing_pattern_has_a_finite_answer_and_no_gate(study, network, present):
    batch = batch_of(study.material, np.arange(8))
    absent = dict(zip(MODALITIES, present, strict=True))
    waves = {name: wave if absent[name] else wave * torch.nan for name, wave in batch.waves.items()}

    logits, gates = network(waves, batch.features, torch.tensor(present).expand(8, -1))

    assert torch.isfinite(logits).all()
    assert ((gates > 0) == torch.tensor(present, dtype=torch.bool)).all()


def test_an_absent_wave_says_nothing_whatever_stands_in_its_place(study, network):
    noise = np.random.default_rng(0).normal(0, 100, study.material.waves["pleth"].shape).astype(np.float16)
    other = replace(study.material, waves=study.material.waves | {"pleth": noise})

    without = [answers(network, material, ("pleth",)) for material in (study.material, other)]

    assert np.array_equal(*without)
    assert not np.array_equal(*(answers(network, material) for material in (study.material, other)))


def test_a_window_without_any_known_feature_is_answered(study, network):
    blind = replace(study.material, features=np.full_like(study.material.features, np.nan))

    assert np.isfinite(answers(network, blind)).all()


def test_the_same_seed_gives_the_same_network(study, network):
    again, other = quick(study), quick(study, replace(QUICK, seed=1))

    assert np.array_equal(answers(network, study.material), answers(again, study.material))
    assert not np.array_equal(answers(network, study.material), answers(other, study.material))


def test_pretraining_teaches_the_encoders_without_a_label(study):
    unlabelled = replace(study.material, label=np.full(len(study.material), 0.0, dtype=np.float32))
    settings = replace(QUICK, pretraining_epochs=8, epochs=0)
    said = []

    learn(unlabelled, unlabelled, settings, said.append)

    losses = [float(line.rpartition(" ")[2]) for line in said]
    assert len(losses) == 8
    assert losses[-1] < losses[0]


def test_a_loss_that_is_no_number_is_named_with_its_step(study):
    broken = replace(study.material, label=np.full(len(study.material), np.nan, dtype=np.float32))

    with pytest.raises(InputError, match="WaveNetwork: the loss is no number at step 0"):
        learn(broken, study.material, QUICK)


def test_a_held_patients_labels_change_nothing_that_is_said_of_the_patient(study):
    held = np.isin(study.windows.subject, ["100", "101", "102"])
    flipped = np.where(held, 1 - study.material.label, study.material.label).astype(np.float32)
    other = replace(study, material=replace(study.material, label=flipped))

    ours, theirs = (score_fold(one, held, QUICK, lambda _: None) for one in (study, other))

    assert ours.keys() == theirs.keys() >= {*OURS, *MUST_BEAT, *PATTERNS}
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_every_judged_window_is_scored_once_by_every_arm_and_finished_folds_are_kept(study, tmp_path):
    judged, scores = cross_validate(study, QUICK, tmp_path, lambda _: None)
    said = []
    again = cross_validate(study, QUICK, tmp_path, said.append)[1]

    assert len(judged) == study.windows.judged.sum()
    assert all(np.isfinite(values).all() and len(values) == len(judged) for values in scores.values())
    assert said == []
    assert all(np.array_equal(scores[name], again[name]) for name in scores)


def report(study, better):
    """Give a report of made-up scores, in which the models with waveform are better by some amount."""
    windows = study.windows
    random = np.random.default_rng(0)
    noise = random.normal(0, 1, (2, len(windows)))
    scores = dict.fromkeys(OURS, noise[0] + better * windows.label)
    scores |= dict.fromkeys((*MUST_BEAT, *PATTERNS), noise[1])
    return {
        "windows": {"judged": len(windows)},
        "patients": 12,
        "cases": 24,
        "icu_windows": 1,
        "leads": figures(windows, scores, draws=50),
    }


@pytest.mark.parametrize(("better", "verdict"), [(9.0, "yes"), (0.0, "no (not at")])
def test_the_page_says_whether_the_wave_earns_its_place(study, better, verdict):
    text = page(report(study, better))

    assert f"*{BOTH_ALL}* beats *{MUST_BEAT[0]}* at every lead: {verdict}" in text


def test_the_page_warns_before_it_shows_any_figure(study):
    text = page(report(study, 1.0))

    assert text.splitlines()[2].startswith("**Case-control: not the performance in life.**")


def test_the_command_leaves_its_page_and_its_figures_and_counts_what_it_left_out(
    cohort, tmp_path, monkeypatch
):
    monkeypatch.setattr("barocast.export.waves.learning.LearningSettings", lambda **_: QUICK)
    parser = ArgumentParser()
    command.add_arguments(parser)
    said = []

    args = ["--cohort", str(cohort), "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    status = command.run(parser.parse_args(args), said.append)

    assert status == 0
    assert said[0] == "72 windows: judged"
    assert json.loads((tmp_path / "out" / "waves.json").read_text())["patients"] == 12
    assert (tmp_path / "out" / "waves.md").read_text().startswith("# What the waveform adds")
