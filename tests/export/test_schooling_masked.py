"""Masked-patch pretraining: what is hidden, what counts, and that it is always the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from barocast.export.schooling.loop import fit
from barocast.export.schooling.masked import MaskedSettings, masked_loss, masked_source
from barocast.export.schooling.settings import SchoolSettings
from barocast.runtime.errors import InputError, SettingsError

SETTINGS = MaskedSettings(steps=60, batch=64, patch=3, hidden_share=0.5)
CHANNELS, STEPS = 2, 18
PATCHES = STEPS // SETTINGS.patch


def windows(n=40, missing=0.3, seed=0):
    """Windows of two channels, slowly falling, with holes of NaN."""
    random = np.random.default_rng(seed)
    start = random.uniform(60, 95, (n, 1, 1))
    slope = np.linspace(0, 10, STEPS)[None, None] * random.uniform(0, 2, (n, 1, 1))
    series = (start - slope + np.array([0.0, 40.0])[None, :, None]).astype(np.float32)
    mask = (random.random((n, CHANNELS, PATCHES)) >= missing).repeat(SETTINGS.patch, axis=2)
    mask[:, :, ::7] = False
    return np.where(mask, series, np.nan).astype(np.float32), mask.astype(np.float32)


def spread(hidden):
    """(n, P) -> (n, 1, STEPS)"""
    return hidden.repeat_interleave(SETTINGS.patch, dim=1)[:, None]


class Rebuilder(nn.Module):
    """The network in ten lines: it sees what is not hidden."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(2 * CHANNELS * STEPS, CHANNELS * STEPS)

    def reconstruct(self, series, mask, hidden):
        shown = mask * ~spread(hidden)
        seen = torch.cat([(series - 80) / 20 * shown, shown], dim=1)
        return self.layer(seen.flatten(1)).unflatten(1, (CHANNELS, STEPS))


class Constant(nn.Module):
    """Says the same everywhere."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def reconstruct(self, series, mask, hidden):
        return torch.as_tensor(self.answer, dtype=torch.float32).expand(series.shape)


def test_a_batch_is_the_same_for_the_same_seed_and_step_and_no_other():
    first, again = (masked_source(*windows(), SETTINGS) for _ in range(2))
    other = masked_source(*windows(), replace(SETTINGS, seed=1))

    ahead = first.batch(5)

    assert all(torch.equal(ahead[name], tensor) for name, tensor in again.batch(5).items())
    assert not torch.equal(ahead["hidden"], first.batch(6)["hidden"])
    assert not torch.equal(ahead["hidden"], other.batch(5)["hidden"])


def test_a_patch_is_hidden_only_where_something_was_measured_and_something_stays_in_sight():
    source = masked_source(*windows(missing=0.6), SETTINGS)

    for step in range(20):
        batch = source.batch(step)
        measured = batch["mask"].unflatten(2, (PATCHES, -1)).amax(dim=(1, 3)) > 0
        assert not (batch["hidden"] & ~measured).any()
        assert (batch["hidden"].sum(dim=1) >= 1).all()
        assert (batch["hidden"].sum(dim=1) < measured.sum(dim=1)).all()


def test_the_share_asked_for_is_hidden():
    whole = np.full((5, CHANNELS, STEPS), 80, np.float32), np.ones((5, CHANNELS, STEPS), np.float32)

    hidden = masked_source(*whole, replace(SETTINGS, hidden_share=1 / 3)).batch(0)["hidden"]

    assert (hidden.sum(dim=1) == PATCHES // 3).all()
    assert (hidden.float().mean(dim=0) > 0.1).all()


def test_only_hidden_valid_samples_count_and_the_loss_is_a_mean_over_rows():
    batch = masked_source(*windows(), SETTINGS).batch(0)
    counted = (batch["mask"] > 0) & spread(batch["hidden"])

    off_by_two = Constant(torch.where(counted, batch["target"] + 2, 99.0))

    assert masked_loss(off_by_two, batch).item() == pytest.approx(4)
    assert torch.equal(batch["weight"] > 0, counted)
    halves = [
        {name: tensor[part] for name, tensor in batch.items()} for part in (slice(0, 32), slice(32, 64))
    ]
    parts = [masked_loss(Constant(1.0), half).item() for half in halves]
    assert sum(parts) / 2 == pytest.approx(masked_loss(Constant(1.0), batch).item())


def test_targets_are_standardized_by_channel_and_missing_ones_are_never_read():
    series, mask = windows()
    batch = masked_source(series, mask, replace(SETTINGS, batch=4000)).batch(0)

    for channel in range(CHANNELS):
        target = batch["target"][:, channel][batch["mask"][:, channel] > 0]
        assert abs(target.mean().item()) < 0.1
        assert target.std().item() == pytest.approx(1, abs=0.1)
    assert all(tensor.isfinite().all() for tensor in batch.values())
    spoilt = masked_source(np.where(mask > 0, series, 1e9).astype(np.float32), mask, SETTINGS).batch(0)
    usual = masked_source(series, mask, SETTINGS).batch(0)
    assert all(torch.equal(usual[name], tensor) for name, tensor in spoilt.items())


def test_hypotensive_samples_of_map_weigh_more():
    batch = masked_source(*windows(), replace(SETTINGS, hypotensive_weight=5.0)).batch(0)

    weight, low = batch["weight"], batch["series"][:, 0] < 65
    counted = weight[:, 0] > 0
    light = weight[:, 0][counted & ~low].unique()
    assert len(light) == 1
    torch.testing.assert_close(weight[:, 0][counted & low].unique(), 5 * light)
    assert torch.equal(weight[:, 1][weight[:, 1] > 0].unique(), light)


def test_windows_with_nothing_to_hide_are_never_drawn():
    series, mask = windows(n=10)
    mask[:9] = 0
    mask[0, 0, :2] = 1

    source = masked_source(series, mask, SETTINGS)

    assert len(source) == 1
    assert (source.batch(0)["mask"].numpy() == mask[9]).all()


def test_windows_without_anything_are_refused():
    series, mask = windows(n=3)

    with pytest.raises(
        InputError, match="none of 3 windows has 2 patches with a valid sample; look at the masks"
    ):
        masked_source(series, 0 * mask, SETTINGS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"patch": 4}, "18 steps do not divide into patches of 4"),
        ({"hidden_share": 1.0}, "hidden_share must lie between 0 and 1"),
        ({"hypotensive_weight": 0.0}, "hypotensive_weight above 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change, told):
    with pytest.raises(SettingsError, match=told):
        masked_source(*windows(), replace(SETTINGS, **change))


def test_what_is_hidden_is_learned_from_the_rest(tmp_path):
    source, model = masked_source(*windows(n=400), SETTINGS), Rebuilder()
    before = masked_loss(model, source.batch(0)).item()

    curve = fit(
        model, source, masked_loss, SchoolSettings(steps=60, learning_rate=0.02, averaging=0.9), tmp_path
    )

    assert masked_loss(model, source.batch(0)).item() < 0.3 * before
    assert curve.points[-1].loss < 0.3 * before
