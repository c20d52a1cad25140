"""A network of someone else's: taken where it keeps the contract, else one error that names the mend."""

from __future__ import annotations

import pytest
import torch
from toy_split import Told, forecast, toy_split, words

from barocast.export.graphs.adapter import split_by
from barocast.export.graphs.checked import check_split
from barocast.runtime.errors import InputError, SettingsError

ADAPTER = """
from toy_split import toy_split

number = 5

def cut(checkpoint):
    if checkpoint.read_text() != "weights":
        raise KeyError("layer.0.weight")
    return toy_split()

def forgotten(checkpoint):
    return None

def odd(checkpoint):
    return toy_split(memory=("text",))
"""


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A checkpoint beside a module of adapters that can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_adapters.py").write_text(ADAPTER, encoding="utf-8")
    (tmp_path / "my_broken.py").write_text("import a_package_that_is_not_there\n", encoding="utf-8")
    (tmp_path / "weights.pt").write_text("weights", encoding="utf-8")
    return tmp_path / "weights.pt"


def test_an_adapter_gives_its_network(checkpoint):
    split = split_by("my_adapters:cut", checkpoint)

    assert split.memory == ("share",)
    assert split.prefix(split.examples[3])[0].tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("adapter", "why"),
    [
        ("my_adapters", "not of the form package.module:function"),
        ("my adapters:cut", "not of the form"),
        (":cut", "not of the form"),
        ("no_such_module:cut", "no_such_module cannot be imported .* PYTHONPATH"),
        ("my_broken:cut", "my_broken cannot be imported .*a_package_that_is_not_there"),
        ("my_adapters:gone", "my_adapters has no function 'gone'"),
        ("my_adapters:number", "my_adapters has no function 'number'"),
        ("my_adapters:forgotten", "gives a NoneType; return a .*Split"),
        ("my_adapters:odd", "memory 'text' cannot be"),
    ],
)
def test_an_adapter_that_cannot_be_used_is_one_error_that_names_it(checkpoint, adapter, why):
    with pytest.raises(SettingsError, match=f"--adapter {adapter}: .*{why}"):
        split_by(adapter, checkpoint)


def test_a_checkpoint_that_does_not_fit_is_named(checkpoint):
    other = checkpoint.with_name("other.pt")
    other.write_text("of another network", encoding="utf-8")

    with pytest.raises(
        SettingsError, match=r"--adapter my_adapters:cut: fails on .*other.pt \(KeyError: 'layer"
    ):
        split_by("my_adapters:cut", other)
    with pytest.raises(InputError, match=r"absent.pt: no checkpoint there for --adapter my_adapters:cut"):
        split_by("my_adapters:cut", checkpoint.with_name("absent.pt"))


def _ticking(change):
    """The toy's tick, its three answers changed."""
    return Told(lambda *given: change(*forecast(*given)))


def _drops_at_random(*given):
    logits, quantiles, gates = forecast(*given)
    return logits + torch.rand(1), quantiles, gates


def _mixes(series, mask, trend, share):
    return forecast(series, mask, trend - trend.mean(dim=0), share)


SHARED = torch.ones(1, 1, 90)


def _examples(**changes):
    """The toy's examples, some of them changed."""
    named = dict(zip(("series", "mask", "trend", "text"), toy_split().examples, strict=True))
    return tuple({**named, **changes}.values())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"examples": _examples()[:3]}, "3 examples; give one each of series, mask, trend, text"),
        (
            {"examples": _examples(trend=torch.ones(1, 6, 7))},
            r"'trend' is torch.float32 \(1, 6, 7\); give .*\(1, 7, 6",
        ),
        ({"examples": _examples(series=torch.ones(2, 1, 90))}, r"'series' is .*\(2, 1, 90\)"),
        ({"examples": _examples(text=torch.ones(1, 16))}, "'text' is torch.float32"),
        ({"examples": _examples(mask=None)}, "'mask' is a NoneType"),
        ({"examples": _examples(text=None)}, "'text' is a NoneType"),
        ({"examples": _examples(series=SHARED, mask=SHARED)}, "two examples share their memory"),
        ({"memory": ()}, "name every tensor"),
        ({"memory": ("a", "a")}, "each once"),
        ({"memory": ("logits",)}, "'logits' cannot be a graph's input of its own"),
        ({"memory": ("a b",)}, "'a b' cannot be"),
        ({"memory": ("one", "two")}, "prefix gives 1 tensors; give 2, in this order: one, two"),
        ({"prefix": words}, "prefix is a function; give a torch.nn.Module"),
        ({"prefix": Told(lambda text: text.float())}, "prefix gives torch.float32 .*; give a tuple of share"),
        (
            {"prefix": Told(lambda _: (torch.ones(1, 1),))},
            r"'share' is torch.float32 \(1, 1\); give .*\(4, 1\)",
        ),
        ({"prefix": Told(lambda text: (text.amax(dim=1, keepdim=True),))}, "'share' is torch.int64"),
        ({"prefix": Told(lambda text: (words(text)[0] / 0,))}, "'share' holds a NaN"),
        ({"tick": Told(lambda a, b: None)}, r"tick fails on 4 inputs of .* \(TypeError"),
        (
            {"tick": _ticking(lambda logits, quantiles, gates: (logits, quantiles))},
            "tick gives 2 tensors; give 3",
        ),
        (
            {"tick": _ticking(lambda logits, quantiles, gates: (quantiles, logits, gates))},
            "'logits' is .* 3, 30",
        ),
        ({"tick": _ticking(lambda logits, *rest: (logits.double(), *rest))}, "'logits' is torch.float64"),
        ({"tick": _ticking(lambda logits, *rest: (logits.log(), *rest))}, "'logits' holds a NaN"),
        ({"tick": _ticking(lambda logits, *rest: (-logits, *rest))}, "logits fall"),
        ({"tick": _ticking(lambda logits, q, gates: (logits, q.flip(1), gates))}, "quantiles cross"),
        ({"tick": Told(_drops_at_random)}, "answered otherwise each time"),
        ({"tick": Told(_mixes)}, "depends on the rows beside it"),
    ],
)
def test_a_network_that_breaks_the_contract_is_told_how_to_mend_it(changes, why):
    with pytest.raises(SettingsError, match=f"mine: .*{why}"):
        check_split(toy_split(**changes), "mine")


def test_a_network_that_keeps_the_contract_is_not_spoken_of():
    assert check_split(toy_split()) is None
