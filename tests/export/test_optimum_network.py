"""The student as a transformers model: the same network, whoever loads it; one error without the extra."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from toy_student import SMALL, drawn, toy_student

from barocast.export.checkpoint import read_student
from barocast.export.commands import optimum as command
from barocast.export.known_answers import INVENTED
from barocast.export.model import example_input
from barocast.runtime import wordpiece
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.prompt import describe
from barocast.runtime.tokens import text_ids

transformers = pytest.importorskip("transformers", reason="comes with the extra `train` or `optimum`")
from barocast.export.optimum.folder import write_folder  # noqa: E402 - needs transformers
from barocast.export.optimum.network import BarocastConfig, BarocastForForecasting  # noqa: E402

HAS_OPTIMUM = find_spec("optimum") is not None


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return toy_student(tmp_path_factory.mktemp("checkpoint") / "student")


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory):
    place = tmp_path_factory.mktemp("hub") / "student"
    write_folder(checkpoint, place)
    return place


@pytest.fixture
def code_cache(tmp_path, monkeypatch):
    """Keep the folder's code, which transformers copies before it runs it, out of the user's cache."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))


def windows(batch=5):
    generator = torch.Generator().manual_seed(1)
    series, mask, trend, text = example_input(SMALL.network, batch)
    series = series + 10 * torch.randn(series.shape, generator=generator)
    return series, mask, trend, torch.randint(0, 9, text.shape, generator=generator)


def same(answer, expected):
    return all(torch.equal(answer[name], part) for name, part in zip(answer, expected, strict=True))


def test_a_student_comes_back_from_its_folder_with_the_same_answers(checkpoint, folder):
    with torch.no_grad():
        expected = read_student(checkpoint).model(*windows())
        answer = BarocastForForecasting.from_pretrained(folder)(*windows())

    assert list(answer) == ["logits", "quantiles", "gates"]
    assert same(answer, expected)


def test_any_tool_loads_the_folder_by_the_code_in_it(checkpoint, folder, code_cache):
    model = transformers.AutoModel.from_pretrained(folder, trust_remote_code=True)
    with torch.no_grad():
        answer, expected = model(*windows()), read_student(checkpoint).model(*windows())

    assert type(model).__module__.startswith("transformers_modules.")
    assert same(answer, expected)


def test_a_folder_saved_once_more_is_the_same_folder(folder, tmp_path):
    BarocastForForecasting.from_pretrained(folder).save_pretrained(tmp_path)

    names = ("config.json", "model.safetensors", "network.py")
    assert [(tmp_path / n).read_bytes() for n in names] == [(folder / n).read_bytes() for n in names]


def test_the_config_holds_every_setting_of_the_network():
    settings = replace(SMALL.network, channels=2, members=3, recent=4)

    config = BarocastConfig.from_dict(BarocastConfig(30, 8, **asdict(settings)).to_dict())

    assert (config.network, config.vocab_size, config.text_width) == (settings, 30, 8)


def test_the_folders_tokenizer_gives_the_bedsides_ids(checkpoint, folder):
    texts = [describe(patient) for patient in INVENTED]
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    ours = wordpiece.load(read_student(checkpoint).tokenizer_json)

    ids = tokenizer(texts, padding="max_length", truncation=True)["input_ids"]

    assert ids == [text_ids(text, ours).tolist() for text in texts]


def test_a_wrapped_network_is_in_eval_mode_and_keeps_its_tensors():
    model = drawn().model
    wrapped = BarocastForForecasting.of(model)

    assert not wrapped.training
    assert wrapped.network is model


def test_a_folder_that_is_no_student_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="barocast train student"):
        write_folder(tmp_path, tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(HAS_OPTIMUM, reason="optimum is installed here")
@pytest.mark.parametrize("module", ["extra", "onnx_config", "route"])
def test_without_the_extra_one_error_names_it(module):
    with pytest.raises(SettingsError, match=r"pip install 'barocast\[optimum\]'"):
        import_module(f"barocast.export.optimum.{module}")


@pytest.mark.skipif(HAS_OPTIMUM, reason="optimum is installed here")
def test_without_the_extra_the_command_writes_nothing(checkpoint, tmp_path):
    with pytest.raises(SettingsError, match=r"barocast\[optimum\]"):
        command.run(Namespace(source=checkpoint, out=tmp_path / "out"), print)

    assert list(tmp_path.iterdir()) == []
