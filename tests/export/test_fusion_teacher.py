"""The teacher's promises: order, gates, every missing pattern, modes, and weights that fit."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from barocast.export.fusion.loss import cross_entropy
from barocast.export.fusion.network import Teacher, TeacherAnswer, build_teacher
from barocast.export.fusion.outcomes import OUTCOMES
from barocast.export.fusion.settings import MODES, TeacherSettings
from barocast.export.fusion.weights import load_weights
from barocast.export.language.trunk import load_trunk
from barocast.export.model import GATES, Scaling
from barocast.runtime.errors import InputError, SettingsError

SETTINGS = TeacherSettings(
    trunk="tiny",
    layers=1,
    channels=("ABP_MEAN", "HR"),
    patch=6,
    text_tokens=12,
    width=16,
    text_width=4,
    rank=2,
)
TEXT, SERIES = (GATES.index(name) for name in ("text", "series"))
NO_TEXT = torch.full((1, 12), -1)


def _scaling():
    rest = torch.tensor([-6.0, 0.5, 7.0])[:, None].repeat(1, 30)
    return Scaling(torch.full((7, 6), 75.0), torch.full((7, 6), 10.0), rest, (-2.7, -2.0, -1.7))


def _teacher(seed=0, scale=0.2, **changes):
    """A teacher whose every weight but the language model's is drawn, as if it had been taught."""
    model = build_teacher(replace(SETTINGS, **changes), _scaling())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def _input(batch=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    series = 75 + 10 * torch.randn((batch, 2, 90), generator=generator)
    trend = 75 + 10 * torch.randn((batch, 7, 6), generator=generator)
    text = torch.randint(0, 256, (batch, 12), generator=generator)
    text[:, 9:] = -1
    return series, torch.ones_like(series), trend, text


def _ask(model, *given):
    with torch.no_grad():
        return model(*given)


def _parts(answer):
    return [getattr(answer, field.name) for field in fields(TeacherAnswer)]


def _same(one, other):
    return all(torch.equal(x, y) for x, y in zip(_parts(one), _parts(other), strict=True))


@pytest.mark.parametrize("mode", MODES)
def test_shapes_are_those_of_the_contract(mode):
    model = _teacher(mode=mode)

    answer = _ask(model, *_input(batch=5))

    shapes = [tuple(part.shape) for part in _parts(answer)]
    assert shapes == [(5, 3), (5, 3, 30), (5, 2), (5, 16), (5, len(OUTCOMES))]


def test_in_half_precision_the_risks_still_come_in_full():
    model = _teacher()

    with torch.autocast("cpu", torch.bfloat16):
        answer = _ask(model, *_input())

    assert answer.logits.dtype == answer.quantiles.dtype == torch.float32
    torch.testing.assert_close(answer.logits, _ask(model, *_input()).logits, atol=0.3, rtol=0.1)


@given(seed=st.integers(0, 2**16), scale=st.floats(0.01, 3.0))
@settings(max_examples=20, deadline=None)
def test_risks_rise_with_the_horizon_quantiles_do_not_cross_and_deeper_is_rarer(seed, scale):
    answer = _ask(_teacher(seed, scale), *_input(batch=16, seed=seed))

    assert (answer.logits.diff(dim=1) >= 0).all()
    assert (answer.quantiles.diff(dim=1) >= 0).all()
    assert (answer.outcomes[:, OUTCOMES.index("map_below_55")] <= answer.logits[:, 2]).all()
    assert ((answer.gates >= 0) & (answer.gates <= 1)).all()


def test_before_it_is_taught_it_says_the_prevalence_and_the_usual_spread():
    series, mask, trend, text = _input(batch=1)
    trend[:, 0, 0] = 70

    answer = _ask(build_teacher(SETTINGS, _scaling()).eval(), series, mask, trend, text)

    torch.testing.assert_close(answer.logits, torch.tensor([[-2.7, -2.0, -1.7]]))
    torch.testing.assert_close(answer.quantiles[0, :, 0], torch.tensor([64.0, 70.5, 77.0]))


def test_two_texts_move_the_forecast_of_a_flat_series():
    _, mask, _, text = _input(batch=1)
    flat, trend = torch.full_like(mask, 75.0), torch.full((1, 7, 6), 75.0)

    one, two = (_ask(_teacher(), flat, mask, trend, words) for words in (text, text.flip(1).roll(-3, 1)))

    assert (one.logits - two.logits).abs().max() > 1e-3
    assert (one.quantiles - two.quantiles).abs().max() > 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_a_few_steps_of_teaching_tell_two_texts_apart_on_a_flat_series(mode):
    model = build_teacher(replace(SETTINGS, mode=mode, dropout=0.0), _scaling()).train()
    _, mask, _, text = _input(batch=2)
    flat, trend = torch.full_like(mask, 75.0), torch.full((2, 7, 6), 75.0)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)

    for _ in range(15):
        loss = cross_entropy(model(flat, mask, trend, text).logits, torch.tensor([[0.0] * 3, [1.0] * 3]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    calm, falling = _ask(model.eval(), flat, mask, trend, text).logits
    assert (falling > calm + 0.5).all()


def test_without_text_the_gate_is_zero_and_the_answer_is_the_series_only_model_bit_for_bit():
    model, (series, mask, trend, text) = _teacher(), _input()

    answer = _ask(model, series, mask, trend, NO_TEXT.expand(4, -1))
    alone = _ask(model, series, mask, trend)

    assert (answer.gates[:, TEXT] == 0).all()
    assert _same(answer, alone)
    assert not _same(answer, _ask(model, series, mask, trend, text))


def test_a_row_without_text_says_the_same_whoever_stands_beside_it():
    model, (series, mask, trend, text) = _teacher(), _input()
    mixed = text.clone()
    mixed[0] = -1

    beside, alone = (
        _ask(model, series, mask, trend, mixed),
        _ask(model, series, mask, trend, NO_TEXT.expand(4, -1)),
    )

    assert torch.equal(beside.logits[0], alone.logits[0])
    assert beside.gates[0, TEXT] == 0
    assert (beside.gates[1:, TEXT] > 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_padding_of_a_text_changes_nothing(mode):
    model, (series, mask, trend, text) = _teacher(mode=mode), _input()
    longer = torch.cat([text, torch.full((4, 20), -1)], dim=1)

    short, padded = _ask(model, series, mask, trend, text), _ask(model, series, mask, trend, longer)

    for one, other in zip(_parts(short), _parts(padded), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)


def test_every_missing_pattern_gives_a_finite_answer_of_its_own():
    model, (series, mask, trend, text) = _teacher(), _input(batch=1)
    answers = []
    for pressure, heart, words in itertools.product((1, 0), repeat=3):
        shown = mask * torch.tensor([pressure, heart])[None, :, None]
        answers.append(_ask(model, series, shown, trend, text if words else NO_TEXT))
        assert bool(answers[-1].gates[0, SERIES] > 0) == bool(pressure or heart)
        assert bool(answers[-1].gates[0, TEXT] > 0) == bool(words)

    assert all(torch.isfinite(part).all() for answer in answers for part in _parts(answer))
    assert len({tuple(answer.logits[0].tolist()) for answer in answers}) == 8


def test_what_lies_under_the_mask_is_never_read_nor_the_trend_where_map_is_absent():
    model, (series, mask, trend, text) = _teacher(), _input()
    mask[:, 1, 20:40] = 0
    mask[:, 0] = 0
    hidden = series.clone()
    hidden[:, 1, 20:40] = torch.nan
    hidden[:, 0] = 199.0

    one, two = _ask(model, series, mask, trend, text), _ask(model, hidden, mask, trend + 50, text)

    assert _same(one, two)


def test_without_gates_a_modality_that_is_there_counts_in_full():
    model, (series, mask, trend, text) = _teacher(gated=False), _input()
    text[0] = -1

    gates = _ask(model, series, mask, trend, text).gates

    assert gates[:, TEXT].tolist() == [0, 1, 1, 1]
    assert (gates[:, SERIES] == 1).all()


@pytest.mark.parametrize(
    ("mode", "tuned"),
    [("frozen", set()), ("text-only", {"text_side.adapter"}), ("joint", {"text_side.adapter", "tuned"})],
)
def test_the_mode_says_which_pass_through_the_language_model_is_tuned(mode, tuned):
    model = _teacher(mode=mode)
    answer = model(*_input())
    (answer.logits.sum() + answer.quantiles.sum()).backward()

    moved = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    adapters = {
        name for name in ("text_side.adapter", "tuned") if any(m.startswith(f"{name}.") for m in moved)
    }
    assert adapters == tuned
    assert not any(name.startswith("trunk.") for name in moved)


@pytest.mark.parametrize("mode", MODES)
def test_where_there_is_no_language_model_the_trunk_itself_is_learned(mode):
    model = Teacher(replace(SETTINGS, trunk="none", mode=mode), _scaling(), load_trunk("tiny", 1))
    with torch.no_grad():
        for part in (model.from_trunk, model.from_text, model.head.risk):
            torch.nn.init.normal_(part.weight)

    model(*_input()).logits.sum().backward()

    moved = [p for p in model.trunk.parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert len(moved) == len(list(model.trunk.parameters()))
    assert not any("adapter" in name or name.startswith("tuned") for name, _ in model.named_parameters())


def test_a_frozen_text_is_read_once(monkeypatch):
    model, (series, mask, trend, text) = _teacher(), _input()
    read = []
    embed = model.trunk.embed
    monkeypatch.setattr(model.trunk, "embed", lambda ids: read.append(ids) or embed(ids))

    first, second = (_ask(model, series, mask, trend, text[[0, 1, 0, 1]]) for _ in range(2))

    assert len(read) == 2
    assert _same(first, second)


def test_what_other_weights_have_read_is_forgotten_when_weights_are_loaded():
    series, mask, trend, text = _input()
    model, other = _teacher(), Teacher(SETTINGS, _scaling(), load_trunk("tiny", 1, seed=7)).eval()
    _ask(model, series, mask, trend, text)

    model.load_state_dict(other.state_dict())

    with torch.no_grad():
        assert torch.equal(model.burden(text), other.burden(text))


def test_reconstruction_sees_nothing_of_what_is_hidden():
    model, (series, mask, _, _) = _teacher(), _input()
    hidden = torch.zeros((4, SETTINGS.patches), dtype=torch.bool)
    hidden[:, 5:8] = True
    other = series.clone()
    other[..., 30:48] += 40

    with torch.no_grad():
        one, two = (model.reconstruct(given, mask, hidden) for given in (series, other))
        open_ = model.reconstruct(other, mask, torch.zeros_like(hidden))

    assert one.shape == series.shape
    assert torch.equal(one, two)
    assert not torch.equal(open_, two)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mode": "half"}, "mode 'half'"),
        ({"channels": ("ABP_MEAN", "MOOD")}, "MOOD"),
        ({"channels": ("HR",)}, "ABP_MEAN is missing"),
        ({"patch": 7}, "patches of 7"),
        ({"heads": 3}, "3 heads"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, named):
    with pytest.raises(SettingsError, match=named):
        replace(SETTINGS, **changes)


def test_weights_come_back_from_a_file(tmp_path):
    taught, path = _teacher(seed=3), tmp_path / "teacher.safetensors"
    save_file(taught.state_dict(), path)
    fresh = build_teacher(SETTINGS, _scaling()).eval()

    load_weights(fresh, path, "train anew")

    assert _same(_ask(fresh, *_input()), _ask(taught, *_input()))


def test_a_checkpoint_of_another_shape_is_refused_with_the_tensor_and_both_shapes(tmp_path):
    path = tmp_path / "wide.safetensors"
    save_file(_teacher(text_width=8).state_dict(), path)

    with pytest.raises(
        InputError,
        match=r"wide\.safetensors: .*text_side\.narrow\.weight is \(8, 32\).* and \(4, 32\).*; train anew",
    ):
        load_weights(_teacher(), path, "train anew")


@pytest.mark.parametrize(("here", "there"), [("frozen", "joint"), ("joint", "frozen")])
def test_a_checkpoint_of_another_mode_is_refused_with_the_absent_tensor(tmp_path, here, there):
    path = tmp_path / "other.safetensors"
    save_file(_teacher(mode=there).state_dict(), path)

    with pytest.raises(InputError, match=r"tensor (tuned|text_side\.adapter).* absent"):
        load_weights(_teacher(mode=here), path, "train anew")


@pytest.mark.parametrize("name", ["cut.safetensors", "missing.safetensors"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, name):
    path = tmp_path / name
    if "cut" in name:
        path.write_bytes(b"PK\x03\x04 cut short")

    with pytest.raises(InputError, match="no readable checkpoint"):
        load_weights(_teacher(), path, "train anew")
