"""What a teacher is shown and corrected by: repeatable batches, every pattern taught, an honest loss."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from barocast.export.fusion.burden import BurdenLesson, burden_loss
from barocast.export.fusion.forecasting import predict
from barocast.export.fusion.lesson import LessonSettings, TeacherLesson, batch_source, with_channels
from barocast.export.fusion.loss import TeacherLoss, cross_entropy, low_weighted_pinball, straight_loss
from barocast.export.fusion.network import build_teacher
from barocast.export.fusion.outcomes import OUTCOMES
from barocast.export.fusion.presets import PRESETS
from barocast.export.fusion.settings import TeacherSettings
from barocast.export.rows import Rows
from barocast.export.texts import VARIANTS
from barocast.export.train import scaling
from barocast.runtime.errors import InputError

SETTINGS = TeacherSettings(
    trunk="tiny",
    layers=1,
    channels=("ABP_MEAN", "HR"),
    patch=6,
    text_tokens=12,
    width=16,
    text_width=4,
    dropout=0.0,
)


def _teacher(**changes):
    return build_teacher(replace(SETTINGS, **changes), scaling(_rows()))


def _rows(n=400, seed=0):
    """Rows of 10 cases where a low mean of the last minute means an event."""
    random = np.random.default_rng(seed)
    mean = random.uniform(60, 95, n).astype(np.float32)
    series = mean[:, None, None] + random.normal(0, 1, (n, 1, 90)).astype(np.float32)
    return Rows(
        series=series.astype(np.float32),
        mask=np.ones((n, 1, 90), np.float32),
        trend=np.broadcast_to(mean[:, None, None], (n, 7, 6)).copy(),
        labels=(mean[:, None] < np.array([66, 70, 74])).astype(np.float32),
        future=np.where(random.random((n, 30)) < 0.1, np.nan, mean[:, None] - 2).astype(np.float32),
        case=random.integers(0, 10, n).astype(np.int32),
        at=np.arange(n, dtype=np.int32),
    )


def _lesson(**changes):
    texts = np.random.default_rng(1).integers(0, 256, (10, VARIANTS, 12))
    return replace(TeacherLesson(_rows(), _rows(seed=1), texts), **changes)


def _source(lesson=None, **changes):
    chosen = replace(LessonSettings(steps=40, batch=64), **changes)
    return batch_source(lesson or _lesson(), chosen, SETTINGS.channels)


def test_the_same_step_gives_the_same_batch_in_any_order_and_run():
    one, two = _source(), _source()
    ahead = two.batch(7)

    assert all(
        torch.equal(a.nan_to_num(), b.nan_to_num())
        for a, b in zip(one.batch(7).values(), ahead.values(), strict=True)
    )
    assert not torch.equal(one.batch(8)["series"], ahead["series"])
    assert not torch.equal(_source(seed=1).batch(7)["series"], ahead["series"])


def test_half_the_rows_lose_their_text_and_every_pattern_of_channels_is_taught():
    source = _source(batch=2000, channel_dropout=0.5)
    source_rows = source.batch(0)
    patterns = {
        (bool(heart), bool(words))
        for heart, words in zip(
            source_rows["mask"].amax(dim=(1, 2)), source_rows["text"][:, 0] >= 0, strict=True
        )
    }

    without = (source_rows["text"] < 0).all(dim=1).float().mean()
    assert without == pytest.approx(0.5, abs=0.05)
    assert patterns == set(itertools.product((True, False), repeat=2))
    assert (source_rows["series"][source_rows["mask"] == 0] == 0).all()


def test_a_share_of_each_batch_is_augmented_unless_there_is_nothing_augmented():
    real, stretched = _rows(), _rows(seed=1)
    known = {float(value) for value in real.trend[:, 0, 0]}

    def share(lesson):
        trend = _source(lesson, batch=100, augmented_share=0.3).batch(0)["trend"][:, 0, 0]
        return sum(float(value) not in known for value in trend) / 100

    assert share(_lesson(rows=real, augmented=stretched)) == pytest.approx(0.3)
    assert share(_lesson(rows=real, augmented=stretched.take(np.arange(0)))) == 0


def test_made_and_simulated_rows_have_shares_of_their_own_and_leave_them_to_the_stretched():
    kinds = {name: _rows(seed=seed) for seed, name in enumerate(("rows", "augmented", "made", "simulated"))}

    def drawn(**lesson):
        shown = _source(_lesson(**lesson), batch=100, augmented_share=0.6).batch(0)["trend"][:, 0, 0].tolist()
        return [sum(value in of.trend[:, 0, 0].tolist() for value in shown) for of in kinds.values()]

    assert drawn(**kinds) == [40, 36, 15, 9]
    assert drawn(**kinds | {"made": None}) == [40, 51, 0, 9]
    assert drawn(**kinds | {"augmented": _rows().take(np.arange(0))}) == [76, 0, 15, 9]


def test_a_channel_that_the_rows_do_not_hold_is_missing_and_a_wrong_number_is_refused():
    wide = with_channels(_rows(), ("HR", "ABP_MEAN"))

    assert (wide.mask[:, 0] == 0).all()
    assert np.array_equal(wide.series[:, 1:], _rows().series)
    with pytest.raises(InputError, match="2 channels"):
        with_channels(wide, ("ABP_MEAN", "HR", "SPO2"))


def test_a_lesson_of_nothing_and_targets_of_another_length_are_refused():
    with pytest.raises(InputError, match="no row to learn from"):
        _source(_lesson(rows=_rows().take(np.arange(0))))
    with pytest.raises(InputError, match="targets of shape"):
        _source(_lesson(soft=np.zeros((3, 3), np.float32)))


def test_the_loss_falls_and_what_was_taught_is_predicted():
    lesson = _lesson()
    model = _teacher().train()
    source, loss = _source(lesson, channel_dropout=0.0), TeacherLoss()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    curve = []
    for step in range(source.steps):
        value = loss(model, source.batch(step))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        curve.append(float(value.detach()))

    rows = _rows(seed=2)
    given = predict(model, rows, lesson.texts[:, 0])
    assert np.mean(curve[-5:]) < 0.7 * np.mean(curve[:5])
    assert given.logits[rows.labels == 1].mean() > given.logits[rows.labels == 0].mean() + 1
    assert given.quantiles.shape == (len(rows), 3, 30)


def test_prediction_is_the_same_in_one_batch_and_in_several(monkeypatch):
    model, lesson = _teacher(), _lesson()
    whole = predict(model, lesson.rows, lesson.texts[:, 0])
    monkeypatch.setattr("barocast.export.fusion.forecasting.PREDICT_BATCH", 64)

    parts = predict(model, lesson.rows, lesson.texts[:, 0])

    np.testing.assert_allclose(whole.logits, parts.logits, atol=1e-4)


def test_soft_targets_pull_where_there_are_any_and_outcomes_count():
    batch = _source().batch(0)
    model, loss = _teacher(), TeacherLoss()

    with torch.no_grad():
        plain = loss(model, batch)
        soft = loss(model, {**batch, "soft": 1 - batch["labels"]})
        told = loss(model, {**batch, "outcomes": torch.ones(64, len(OUTCOMES))})

    assert soft > plain
    assert told > plain


def test_unknown_targets_cost_nothing():
    unknown = torch.full((2, 3), torch.nan)

    assert float(cross_entropy(torch.randn(2, 3), unknown)) == 0
    assert float(low_weighted_pinball(torch.randn(2, 3, 3), unknown, 3.0)) == 0


def test_a_mmhg_below_the_limit_counts_more_and_the_best_answer_stays_the_true_quantile():
    drawn = torch.from_numpy(np.random.default_rng(0).normal(68, 6, (4000, 1)).astype(np.float32))
    candidates = torch.arange(55.0, 85.0, 0.5)

    def best(low_weight):
        """The answer that costs least: its low, middle and high quantile, mmHg."""
        costs = [low_weighted_pinball(c.expand(len(drawn), 3, 1), drawn, low_weight) for c in candidates]
        return float(candidates[int(torch.stack(costs).argmin())])

    def cost(low_weight):
        return float(low_weighted_pinball(torch.full((1, 3, 1), 50.0), torch.tensor([[60.0]]), low_weight))

    assert cost(3.0) == pytest.approx(3 * cost(1.0))
    assert best(1.0) == pytest.approx(68, abs=1)
    assert best(3.0) == best(1.0)


def test_the_text_side_learns_the_burden_of_descriptions():
    texts = np.random.default_rng(0).integers(0, 256, (8, 1, 12)).repeat(VARIANTS, axis=1)
    lesson = BurdenLesson(texts, np.linspace(-1, 1, 8).astype(np.float32), steps=60, rows=32)
    model = _teacher(text_width=8)
    optimizer = torch.optim.Adam(model.text_side.parameters(), lr=0.02)
    curve = []
    for step in range(lesson.steps):
        loss = burden_loss(model, lesson.batch(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(float(loss.detach()))

    assert curve[-1] < 0.3 * curve[0]
    assert all(
        torch.equal(a, b) for a, b in zip(lesson.batch(3).values(), lesson.batch(3).values(), strict=True)
    )


def test_the_straight_way_is_taught_without_the_language_model_or_the_text():
    model, batch = _teacher().train(), _source(channel_dropout=0.0).batch(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    curve = []
    for _ in range(20):
        loss = straight_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(float(loss.detach()))

    learned = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert curve[-1] < 0.8 * curve[0]
    assert learned == {"forecast", "head", "outcome_head"}


def test_before_the_language_model_has_learned_anything_the_whole_teacher_says_what_the_straight_way_says():
    batch, model = _source().batch(0), _teacher().eval()
    given = [batch[name] for name in ("series", "mask", "trend")]
    with torch.no_grad():
        whole, straight = model(*given, batch["text"]), model.straight(*given)

    assert torch.equal(whole.logits, straight.logits)
    assert (straight.gates == 0).all()


@pytest.mark.parametrize("name", ["small", "full"])
def test_a_preset_is_a_network_that_answers(name):
    shape = replace(PRESETS[name].network, trunk="tiny", layers=1)
    model = build_teacher(shape, scaling(_rows()))
    texts = np.random.default_rng(0).integers(0, 256, (10, shape.text_tokens))

    given = predict(model, _rows(n=4), texts)

    assert given.features.shape == (4, shape.width)
    assert np.isfinite(given.outcomes).all()
