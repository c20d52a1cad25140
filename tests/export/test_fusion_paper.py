"""IOHFuseLM's configuration: its shapes, what it tunes, its event rule, and the flaw that it is known for."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from barocast.export.fusion.network import TeacherAnswer
from barocast.export.fusion.paper import (
    HALF_STEP,
    HORIZON_STEPS,
    LAYERS,
    PaperSettings,
    build_paper_teacher,
    on_3_s,
    paper_loss,
    published_auc,
    worst_minute,
)
from barocast.export.fusion.presets import PRESETS

SETTINGS = PaperSettings(trunk="tiny", layers=(1, 2, 3), text_tokens=12, heads=4)


def _paper():
    return build_paper_teacher(SETTINGS).eval()


def _input(batch=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    series = 75 + 10 * torch.randn((batch, 1, 90), generator=generator)
    text = torch.randint(0, 256, (batch, 12), generator=generator)
    text[:, 8:] = -1
    return series, torch.ones_like(series), torch.full((batch, 7, 6), 75.0), text


def test_the_preset_is_the_published_configuration():
    settings = PRESETS["paper"].network

    assert settings == PaperSettings(trunk="smollm2")
    assert (settings.layers, settings.text_tokens, settings.heads) == ((3, 4, 5), 80, 8)
    assert (LAYERS, HORIZON_STEPS) == ((3, 4, 5), (100, 200, 300))
    assert PRESETS["paper"].lesson.batch == 8


def test_shapes_and_names_are_those_of_the_paper():
    model = _paper()
    width, slots = 32, SETTINGS.text_tokens + 30

    assert [tuple(network.head.weight.shape) for network in model.networks] == [
        (steps, slots * width) for steps in HORIZON_STEPS
    ]
    assert tuple(model.networks[0].patch.weight.shape) == (width, 10)
    assert [len(network.trunk.decoder.layers) for network in model.networks] == [1, 2, 3]
    assert {name.split(".")[2] for name, _ in model.named_parameters()} == {
        "trunk", "patch", "padding", "crossing", "head"
    }  # fmt: skip


def test_of_the_language_model_only_the_norms_are_tuned():
    tuned = {
        name.split(".")[-2]
        for name, p in _paper().named_parameters()
        if p.requires_grad and ".trunk." in name
    }

    assert tuned == {"attention_norm", "think_norm", "norm"}


def test_it_answers_as_the_teacher_does_and_says_what_it_does_not_know():
    with torch.no_grad():
        answer = _paper()(*_input())

    shapes = [tuple(getattr(answer, field.name).shape) for field in fields(TeacherAnswer)]
    assert shapes == [(3, 3), (3, 3, 30), (3, 2), (3, 96), (3, 4)]
    assert torch.isfinite(answer.logits).all()
    assert torch.equal(answer.quantiles[:, 0], answer.quantiles[:, 2])
    assert answer.outcomes.isnan().all()


@pytest.mark.parametrize(
    ("low", "share"),
    [
        (slice(0, 40), 0.0),  # the first two minutes never count
        (slice(100, 112), 0.6),
        (slice(100, 111), 0.55),
        (slice(100, 300), 1.0),
        (slice(288, 300), 0.6),
    ],
)
def test_an_event_is_a_minute_of_which_most_is_forecast_low(low, share):
    forecast = torch.full((1, 300), 80.0)
    forecast[:, low] = 64.0

    assert worst_minute(forecast).item() == pytest.approx(share)


def test_the_papers_auc_is_that_of_its_alarm_and_not_of_a_ranking():
    shares = np.array([0.0, 0.55, 0.6, 0.6, 1.0, 0.9])
    labels = np.array([0, 0, 0, 1, 1, np.nan])
    logits = torch.logit(torch.from_numpy(shares), HALF_STEP).numpy()

    assert published_auc(labels, logits) == pytest.approx((2 / 2 + 2 / 3) / 2)


def test_a_coarser_grid_is_repeated_to_3_s():
    repeated = on_3_s(torch.arange(90.0))

    assert repeated.shape == (300,)
    assert repeated[:11].tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert torch.equal(on_3_s(torch.arange(300.0)), torch.arange(300.0))


def test_no_text_can_move_its_forecast_of_a_flat_series_but_of_another_it_can():
    series, mask, _, text = _input(batch=1)
    flat, other, model = torch.full_like(series, 75.0), text.flip(1).roll(-4, 1), _paper()

    with torch.no_grad():
        on_flat = [model.forecast(flat, mask, words)[0][2] for words in (text, other)]
        on_real = [model.forecast(series, mask, words)[0][2] for words in (text, other)]

    torch.testing.assert_close(*on_flat, rtol=0, atol=1e-3)
    assert (on_real[0] - on_real[1]).abs().max() > 0.01


def test_hypotensive_steps_weigh_ten_times_more_and_missing_ones_nothing():
    series, mask, _, text = _input()
    batch = {"series": series, "mask": mask, "text": text}

    def loss(future):
        with torch.no_grad():
            return float(paper_loss(model, {**batch, "future": future}))

    model = _paper()
    for network in model.networks:
        torch.nn.init.zeros_(network.head.weight)
        torch.nn.init.zeros_(network.head.bias)  # every forecast is the centre, 75 mmHg

    assert loss(torch.full((3, 30), 90.0)) == pytest.approx(3.0, abs=1e-4)
    assert loss(torch.full((3, 30), 60.0)) == pytest.approx(33.0, abs=1e-4)
    assert loss(torch.full((3, 30), torch.nan)) == 0


def test_the_loss_falls_on_a_toy_lesson():
    model = build_paper_teacher(replace(SETTINGS, layers=(1, 1, 1))).train()
    series, mask, _, text = _input(batch=8)
    batch = {"series": series, "mask": mask, "text": text, "future": series[:, 0, :30]}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    curve = []
    for _ in range(12):
        loss = paper_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(float(loss.detach()))

    assert curve[-1] < 0.5 * curve[0]
