"""Any decoder of the hub from a local folder; the network is never tried."""

from __future__ import annotations

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

from barocast.export.language.reading import load_reader
from barocast.export.language.trunk import load_trunk
from barocast.runtime.errors import InputError

SHAPE = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
DECODERS = {
    "llama": LlamaConfig(**SHAPE, intermediate_size=32, num_key_value_heads=1),
    "mistral": MistralConfig(**SHAPE, intermediate_size=32, num_key_value_heads=1),
    "qwen2": Qwen2Config(**SHAPE, intermediate_size=32, num_key_value_heads=1),
    "gpt2": GPT2Config(vocab_size=60, n_embd=16, n_layer=3, n_head=2, n_positions=32),
}
WORDS = ["<s>", "</s>", "asa", "3", "elective"]


def saved(config, folder):
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    return str(folder)


def tokenizer(**special):
    words = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="</s>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, **special)


@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_from_a_folder_computes_what_its_first_layers_compute(family, tmp_path):
    folder = saved(DECODERS[family], tmp_path)
    trunk = load_trunk(folder, 2).eval()
    whole = AutoModel.from_pretrained(folder).eval()
    blocks = "h" if family == "gpt2" else "layers"
    setattr(whole, blocks, getattr(whole, blocks)[:2])
    ids = torch.tensor([[4, 9, 23, 7, 51]])
    with torch.no_grad():
        actual = trunk(trunk.embed(ids), torch.ones_like(ids, dtype=torch.bool))
        expected = whole(input_ids=ids).last_hidden_state
    assert (trunk.width, trunk.vocabulary) == (16, 60)
    assert torch.allclose(actual, expected, atol=1e-5)


def test_no_weight_of_a_hub_trunk_is_held_twice(tmp_path):
    """Checkpoint formats refuse tensors that share memory."""
    trunk = load_trunk(saved(DECODERS["llama"], tmp_path), 1)
    places = [weight.data_ptr() for weight in trunk.state_dict().values()]
    assert len(places) == len(set(places))


def test_a_hub_trunk_sees_no_hidden_token_even_if_it_is_no_number(tmp_path):
    trunk = load_trunk(saved(DECODERS["gpt2"], tmp_path), 1).eval()
    tokens = torch.randn((1, 4, 16), generator=torch.Generator().manual_seed(1))
    tokens[:, 1] = torch.nan
    seen = torch.tensor([[True, False, True, True]])
    with torch.no_grad():
        said = trunk(tokens, seen)
        bare = trunk(tokens[:, [0, 2, 3]], torch.ones((1, 3), dtype=torch.bool))
    assert torch.allclose(said[:, [0, 2, 3]], bare, atol=1e-5)


def test_fewer_layers_than_asked_for_is_said(tmp_path):
    folder = saved(DECODERS["llama"], tmp_path)
    with pytest.raises(InputError, match="has 3 layers: ask for 1 to 3, not 4"):
        load_trunk(folder, 4)


def test_an_encoder_is_refused(tmp_path):
    folder = saved(BertConfig(**SHAPE, intermediate_size=32), tmp_path)
    with pytest.raises(InputError, match="is no decoder language model but 'bert': name one that"):
        load_trunk(folder, 1)


def test_a_model_that_cannot_be_told_which_tokens_are_there_is_refused(tmp_path):
    folder = saved(MambaConfig(vocab_size=60, hidden_size=16, num_hidden_layers=1), tmp_path)
    with pytest.raises(InputError, match="cannot be told which tokens are there"):
        load_trunk(folder, 1)


def test_weights_of_another_model_are_refused(tmp_path):
    folder = saved(DECODERS["llama"], tmp_path)
    DECODERS["gpt2"].save_pretrained(folder)
    with pytest.raises(InputError, match=r"the weights lack .*: they are of another model"):
        load_trunk(folder, 1)


@pytest.mark.parametrize("name", ["/no/such/folder", "./no/such/folder", "~/no/such/folder"])
def test_a_folder_that_is_not_there_is_not_asked_of_the_hub(name):
    with pytest.raises(InputError, match="no such folder"):
        load_trunk(name, 1)


def test_a_folder_without_a_model_is_named_with_what_it_needs(tmp_path):
    with pytest.raises(InputError, match=r"cannot be loaded: .* Mend: the folder needs config.json"):
        load_trunk(str(tmp_path), 1)


def test_a_hub_out_of_reach_is_named_with_the_ways_round(monkeypatch):
    def unreachable(name, **_):
        raise OSError(f"We couldn't connect to the hub to load {name}.\nsecond line")

    monkeypatch.setattr(AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(
        InputError, match=r"load owner/model\. Mend: check the id and the network.*local folder"
    ):
        load_trunk("owner/model", 1)


@pytest.mark.parametrize(
    ("special", "begin"),
    [({"bos_token": "<s>", "eos_token": "</s>"}, 0), ({"eos_token": "</s>"}, 1)],
    ids=["begin token", "end token only"],
)
def test_a_hub_reader_opens_with_the_begin_token_or_else_the_end_token(special, begin, tmp_path):
    tokenizer(**special).save_pretrained(tmp_path)
    reader = load_reader(str(tmp_path))
    assert reader.ids("asa 3 elective", 6).tolist() == [begin, 2, 3, 4, -1, -1]
    assert reader.ids("asa 3 elective", 3).tolist() == [begin, 2, 3]
    assert reader.ids("", 2).tolist() == [-1, -1]


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    folder = saved(DECODERS["llama"], tmp_path)
    with pytest.raises(InputError, match=r"cannot be loaded: .* Mend: the folder needs"):
        load_reader(folder)


def test_the_log_level_of_transformers_is_left_as_it_was(tmp_path):
    logger = transformers.logging.get_logger("transformers.modeling_utils")
    before = logger.level
    load_trunk(saved(DECODERS["llama"], tmp_path), 1)
    assert logger.level == before
