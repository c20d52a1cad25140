"""`--adapter PACKAGE.MODULE:FUNCTION`: a torch network of your own, taken as ours are.

The function is called with the path of your checkpoint and gives a Split:

    def cut(checkpoint: Path) -> Split:
        network = MyNetwork.load(checkpoint)
        series, trend = torch.zeros(1, 1, 90), torch.zeros(1, 7, 6)
        examples = (series, torch.ones_like(series), trend, torch.ones(1, 64, dtype=torch.int64))
        return Split(network.read_text, network.forecast, ("patient",), examples, quantizable=(".trunk",))

`series` is MAP, mmHg, every 10 s over 15 min, 0 where `mask` is 0; `trend` is runtime.tokens.trend; `text`
holds ids of your tokenizer, 0 where there is no token. The tick must give: logits of hypotension within 5, 10
and 15 min, never falling; the 10, 50 and 90 % quantiles of MAP, mmHg, in each half minute ahead, never
crossing; and two numbers in 0..1, how much text and series moved the answer.

Whatever is wrong with adapter, checkpoint or network is one error that names them and the mend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from barocast.export.graphs.checked import check_split
from barocast.export.graphs.split import Split
from barocast.runtime.errors import BarocastError, InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def split_by(adapter: str, checkpoint: Path) -> Split:
    """Give the network that `adapter` reads from `checkpoint`, checked.

    Raises InputError without a checkpoint, SettingsError where the adapter cannot be called or what it gives
    cannot be packed.
    """
    cut, asked = _function(adapter), f"--adapter {adapter}"
    if not checkpoint.exists():
        raise InputError(f"{checkpoint}: no checkpoint there for {asked}; name the file or folder of yours")
    try:
        split = cut(checkpoint)
    except BarocastError:
        raise
    except Exception as error:  # whatever another's code raises
        raise SettingsError(f"{asked}: fails on {checkpoint} ({type(error).__name__}: {error})") from error
    if not isinstance(split, Split):
        raise SettingsError(
            f"{asked}: gives a {type(split).__name__}; return a barocast.export.graphs.split.Split"
        )
    check_split(split, asked)
    return split


def _function(adapter: str) -> Callable[[Path], object]:
    module_name, _, name = adapter.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module_name.split(".")):
        raise SettingsError(f"--adapter {adapter}: not of the form package.module:function")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # importing runs another's code
        raise SettingsError(
            f"--adapter {adapter}: {module_name} cannot be imported ({type(error).__name__}: {error}); "
            "install it beside barocast, or add its folder to PYTHONPATH"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise SettingsError(
            f"--adapter {adapter}: {module_name} has no function {name!r}; name one that it has"
        )
    return function  # type: ignore[no-any-return]  # what it gives is looked at
