"""The network's promises: order, no crossing, gates, and that text can move a flat forecast."""

from __future__ import annotations

import pytest
import torch

from barocast.export.model import GATES, Model, ModelSettings, Scaling, example_input
from barocast.export.text_encoder import ASPECTS, TextEncoder

SETTINGS = ModelSettings(width=16, heads=2, layers=1, members=2, dropout=0.0)
TEXT_GATE, SERIES_GATE = GATES.index("text"), GATES.index("series")


def _model(seed=0, settings=SETTINGS):
    """A network whose every weight is drawn, as if it had been trained."""
    torch.manual_seed(seed)
    rest = torch.tensor([-6.0, 0.0, 6.0])[:, None].repeat(1, 30)
    scaling = Scaling(torch.full((7, 6), 70.0), torch.full((7, 6), 20.0), rest, (-2.7, -2.0, -1.7))
    model = Model(settings, scaling, TextEncoder(vocabulary=30, width=8))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def _input(batch=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    series, mask, trend, text = example_input(SETTINGS, batch)
    series = series + 10 * torch.randn(series.shape, generator=generator)
    text = torch.randint(1, 30, text.shape, generator=generator)
    return series, mask, trend + torch.randn(trend.shape, generator=generator), text


def test_shapes_are_those_of_the_contract():
    with torch.no_grad():
        logits, quantiles, gates = _model()(*_input(batch=5))

    assert (logits.shape, quantiles.shape, gates.shape) == ((5, 3), (5, 3, 30), (5, len(GATES)))


@pytest.mark.parametrize("seed", range(5))
def test_risks_rise_with_the_horizon_and_quantiles_do_not_cross(seed):
    with torch.no_grad():
        logits, quantiles, gates = _model(seed)(*_input(batch=64, seed=seed))

    assert (logits.diff(dim=1) >= 0).all()
    assert (quantiles.diff(dim=1) >= 0).all()
    assert ((gates >= 0) & (gates <= 1)).all()


def test_text_moves_the_forecast_of_a_flat_series():
    series, mask, trend, text = example_input(SETTINGS)
    other = torch.full_like(text, 7)

    with torch.no_grad():
        one, two = (_model()(series, mask, trend, words) for words in (text, other))

    assert not torch.equal(one[0], two[0])
    assert not torch.equal(one[1], two[1])


def test_without_text_its_gate_is_zero_and_the_text_branch_says_nothing():
    series, mask, trend, text = _input()
    model = _model()
    none = torch.zeros_like(text)
    with torch.no_grad():
        before = model(series, mask, trend, none)
        for part in (model.text_encoder, *(member.to_text for member in model.members)):
            for parameter in part.parameters():
                parameter.mul_(-3)
        after = model(series, mask, trend, none)

    assert before[2][0, TEXT_GATE] == 0
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))


def test_padding_is_no_text():
    _, _, _, text = _input()
    padded = text.clone()
    padded[:, 40:] = 0
    encoder = _model().text_encoder
    with torch.no_grad():
        aspects, present = encoder(padded)
        shorter, _ = encoder(torch.cat([padded[:, :60], torch.zeros_like(padded[:, :8])], dim=1))

    assert aspects.shape == (1, ASPECTS, ASPECTS)
    assert present.item() == 1
    torch.testing.assert_close(aspects, shorter)


def test_what_lies_under_the_mask_is_never_read():
    series, mask, trend, text = _input()
    mask[..., 20:40] = 0
    hidden = series.clone()
    hidden[..., 20:40] = 199.0
    model = _model()
    with torch.no_grad():
        one, two = model(series, mask, trend, text), model(hidden, mask, trend, text)

    assert all(torch.equal(x, y) for x, y in zip(one, two, strict=True))


def test_an_untrained_network_says_the_prevalence_and_the_usual_spread():
    rest = torch.tensor([-6.0, 0.5, 7.0])[:, None].repeat(1, 30)
    scaling = Scaling(torch.zeros(7, 6), torch.ones(7, 6), rest, (-2.7, -2.0, -1.7))
    model = Model(SETTINGS, scaling, TextEncoder(vocabulary=30, width=8)).eval()
    series, mask, trend, text = example_input(SETTINGS)
    with torch.no_grad():
        logits, quantiles, _ = model(series, mask, trend, text)

    torch.testing.assert_close(logits, torch.tensor([[-2.7, -2.0, -1.7]]))
    torch.testing.assert_close(quantiles[0, :, 0], torch.tensor([69.0, 75.5, 82.0]))


def test_an_artefact_in_the_trend_is_held_inside_the_clip():
    series, mask, trend, text = _input()
    wild, wilder = trend.clone(), trend.clone()
    wild[0, 3, 2], wilder[0, 3, 2] = 1e4, 1e9
    model = _model()
    with torch.no_grad():
        one, two = model(series, mask, wild, text), model(series, mask, wilder, text)

    assert torch.equal(one[0], two[0])


def test_a_window_that_does_not_divide_into_patches_is_refused():
    with pytest.raises(ValueError, match="patches"):
        _ = ModelSettings(steps=91).patches
