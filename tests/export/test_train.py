"""Training: it learns, it is repeatable, and nobody is taught on himself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from barocast.calibration.discrimination import auroc
from barocast.export import teacher
from barocast.export import train as train_module
from barocast.export.cohort import Burden
from barocast.export.model import ModelSettings
from barocast.export.rows import Rows, join
from barocast.export.soft_targets import SoftTargets
from barocast.export.teacher import TeacherSettings, soft_targets
from barocast.export.texts import (
    VARIANTS,
    PretrainingSettings,
    pretrain,
    standardized_shares,
    variants,
)
from barocast.export.tokenizer import train_tokenizer
from barocast.export.train import Lesson, TrainSettings, predict, scaling, train
from barocast.runtime import wordpiece
from barocast.runtime.domain import Patient
from barocast.runtime.prompt import describe
from barocast.runtime.tokens import text_ids

SHAPE = ModelSettings(width=8, heads=2, layers=1, members=2)
SETTINGS = TrainSettings(epochs=3, rows_per_epoch=1500, batch=100, learning_rate=5e-3, averaging=0.9)
CASES = 20
SUBJECTS = [str(number) for number in range(CASES)]


def _rows(n=1000, seed=0):
    """Rows where a low mean of the last minute means an event."""
    random = np.random.default_rng(seed)
    mean = random.uniform(65, 95, n).astype(np.float32)
    trend = np.repeat(mean[:, None, None], 7, axis=1).repeat(6, axis=2)
    labels = (mean[:, None] < np.array([70, 74, 77])).astype(np.float32)
    labels[::17, 0] = np.nan
    series = mean[:, None, None] + random.normal(0, 1, (n, 1, 90)).astype(np.float32)
    return Rows(
        series=series.astype(np.float32),
        mask=np.ones((n, 1, 90), np.float32),
        trend=trend,
        labels=labels,
        future=np.where(random.random((n, 30)) < 0.1, np.nan, mean[:, None] - 2).astype(np.float32),
        case=random.integers(0, CASES, n).astype(np.int32),
        at=np.arange(n, dtype=np.int32),
    )


def _encoder(seed=0):
    tokenizer = wordpiece.load(train_tokenizer([describe(Patient(asa=n)) for n in range(1, 5)]))
    burdens = [Burden(str(i), Patient(asa=1 + i % 4), (i % 4) / 8, "samples") for i in range(80)]
    return pretrain(burdens, tokenizer, seed, PretrainingSettings(epochs=20, width=8)), tokenizer, burdens


def _lesson(risk=np.nan, quantiles=None, features=None):
    rows, augmented = _rows(), _rows(seed=1)
    n = len(rows) + len(augmented)
    texts = np.zeros((CASES, VARIANTS, 128), dtype=np.int64)
    texts[::2, :, :5] = 3
    told = None if quantiles is None else np.full((n, 3, 30), quantiles, np.float32)
    soft = SoftTargets(np.full((n, 3), risk, np.float32), told, features)
    return Lesson(rows, augmented, soft, texts)


def test_training_learns_what_the_rows_hold():
    encoder, _, _ = _encoder()
    lesson = _lesson()

    model = train(lesson, encoder, SHAPE, SETTINGS)

    held_out = _rows(seed=2)
    logits, quantiles, gates = predict(model, held_out, lesson.texts[:, 0])
    known = np.isfinite(held_out.labels[:, 0])
    assert auroc(held_out.labels[known, 0], logits[known, 0]) > 0.95
    assert np.abs(quantiles[:, 1] - held_out.trend[:, 0, :1] + 2).mean() < 2
    assert (gates[held_out.case % 2 == 1][:, 0] == 0).all()


def test_the_same_seed_gives_the_same_model():
    one, two = (train(_lesson(), _encoder()[0], SHAPE, replace(SETTINGS, epochs=1)) for _ in range(2))

    assert all(torch.equal(x, y) for x, y in zip(one.parameters(), two.parameters(), strict=True))


def test_the_text_encoder_stays_as_it_was_pretrained():
    encoder, _, _ = _encoder()
    before = [parameter.clone() for parameter in encoder.parameters()]

    model = train(_lesson(), encoder, SHAPE, replace(SETTINGS, epochs=1))

    assert all(torch.equal(x, y) for x, y in zip(before, model.text_encoder.parameters(), strict=True))


def test_soft_targets_pull_where_labels_say_the_contrary():
    lesson = _lesson(risk=0.9)
    distilled = replace(SETTINGS, distilled_share=1.0)

    model = train(lesson, _encoder()[0], SHAPE, distilled)

    logits, _, _ = predict(model, lesson.rows, lesson.texts[:, 0])
    assert logits[:, 0].mean() > 0


def test_a_teacher_that_draws_map_ahead_pulls_the_quantiles():
    distilled = replace(SETTINGS, distilled_share=1.0, quantile_weight=1.0, epochs=6)
    lesson = _lesson(quantiles=np.array([60.0, 70.0, 80.0])[:, None])

    model = train(lesson, _encoder()[0], SHAPE, distilled)

    _, quantiles, _ = predict(model, lesson.rows, lesson.texts[:, 0])
    assert np.abs(quantiles.mean(axis=(0, 2)) - [60, 70, 80]).max() < 3


def test_features_are_read_off_each_members_token_and_what_is_missing_teaches_nothing(monkeypatch):
    rows = [_rows(), _rows(seed=1)]
    features = np.concatenate([r.trend[:, 0, :2] * [1.0, 1000.0] for r in rows]).astype(np.float32)
    features[::3, 1] = np.nan
    misread = []
    original = train_module.mean_distance

    def spy(said, told, distance):
        found = original(said, told, distance)
        if told.shape[-1] == features.shape[1]:
            misread.append(float(found.detach()))
        return found

    monkeypatch.setattr(train_module, "mean_distance", spy)
    model = train(_lesson(features=features), _encoder()[0], SHAPE, SETTINGS)

    members = SHAPE.members
    assert np.mean(misread[-10 * members :]) < 0.3 < np.mean(misread[:members])
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    assert not any("reader" in name for name, _ in model.named_parameters())


def test_scaling_is_measured_on_the_rows_given():
    rows = _rows()

    measured = scaling(rows)

    np.testing.assert_allclose(measured.mean.numpy(), rows.trend.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(measured.rest[1].numpy(), -2, atol=1e-4)
    assert measured.prevalence_logits[0] < measured.prevalence_logits[2]


def test_the_trees_never_speak_of_a_patient_they_saw(monkeypatch):
    seen = []

    class Spy:
        def predict(self, rows, num_threads):
            assert num_threads == 1
            assert not set(rows[:, 0].tolist()) & seen[-1]
            return np.full(len(rows), 0.1)

    def boost(features, labels, weight, settings):
        assert len(features) == len(labels) == len(weight)
        seen.append(set(features[:, 0].tolist()))
        return Spy()

    rows = _rows()
    rows.trend[:, 0, 0] = rows.case  # the patient's number stands in the first feature
    monkeypatch.setattr(teacher, "_boost", boost)

    soft = soft_targets(rows, rows, SUBJECTS, TeacherSettings(folds=3))

    assert soft.risk.shape == (2000, 3)
    assert np.isfinite(soft.risk).all()
    assert len(seen) == 9


def test_soft_targets_keep_the_order_of_horizons():
    rows = join([_rows(seed=s) for s in range(3)])

    soft = soft_targets(rows, rows, SUBJECTS, TeacherSettings(folds=2, trees=5))

    assert (np.diff(soft.risk, axis=1) >= 0).all()


def test_the_trees_find_who_is_at_risk_though_a_newest_sample_is_missing():
    rows = join([_rows(seed=s) for s in range(3)])
    rows.series[::5, :, -1], rows.mask[::5, :, -1] = 0, 0

    soft = soft_targets(rows, rows, SUBJECTS, TeacherSettings(folds=2, trees=20))

    assert auroc(rows.labels[:, 2], soft.risk[: len(rows), 2]) > 0.9


def test_pretraining_finds_what_goes_with_burden():
    encoder, tokenizer, burdens = _encoder()

    texts = np.stack([text_ids(describe(burden.patient), tokenizer) for burden in burdens])
    predicted = encoder.predict_burden(torch.from_numpy(texts)).detach().numpy()
    assert spearmanr(predicted, standardized_shares(burdens)).statistic > 0.5
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_the_text_branch_speaks_in_standard_deviations_of_burden():
    encoder, tokenizer, burdens = _encoder()
    texts = torch.from_numpy(variants([b.patient for b in burdens], tokenizer, seed=0)[:, 0])

    aspects, _ = encoder(texts)

    assert aspects.sum(dim=(1, 2)).std().item() == pytest.approx(1, rel=1e-3)


def test_shares_are_standardized_within_their_source():
    burdens = [Burden("1", Patient(), s, src) for s, src in ((0, "a"), (1, "a"), (0.25, "b"), (0.36, "b"))]

    np.testing.assert_allclose(standardized_shares(burdens), [-1, 1, -1, 1], atol=1e-5)


def test_the_first_variant_is_the_whole_text_and_others_leave_sections_out():
    _, tokenizer, _ = _encoder()
    patients = [Patient(age_years=50, sex="F", asa=2, anaesthesia="General")] * 12

    made = variants(patients, tokenizer, seed=0)

    assert made.shape == (12, VARIANTS, 128)
    assert (made[:, 0] == made[0, 0]).all()
    assert (made[:, 1:] != made[:, :1]).any()
