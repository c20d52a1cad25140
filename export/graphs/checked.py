"""What is wrong with a Split, said before an exporter or a bedside stumbles over it.

In: a Split. Out: nothing, or one SettingsError that names the part and the mend: examples or memory of
another shape than the contract's, a part that raises, a NaN, answers out of order, answers that differ from
call to call, or that depend on the rows beside them. Both parts are run on a few drawn rows to find out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn

from barocast.export.graphs.split import INPUTS, OUTPUTS, SERIES_INPUTS
from barocast.export.model import FORECAST_MINUTES, GATES, HORIZONS, QUANTILES, SCALES
from barocast.export.rows import MODEL_CHANNELS
from barocast.runtime.errors import SettingsError
from barocast.runtime.timeline import WINDOW_STEPS
from barocast.runtime.tokens import TREND_FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from barocast.export.graphs.split import Split

SHAPES: Final = {
    "series": (1, len(MODEL_CHANNELS), WINDOW_STEPS),
    "mask": (1, len(MODEL_CHANNELS), WINDOW_STEPS),
    "trend": (1, SCALES, len(TREND_FEATURES)),
    "logits": (1, HORIZONS),
    "quantiles": (1, QUANTILES, len(FORECAST_MINUTES)),
    "gates": (1, len(GATES)),
}
"""Of one row; the text is as long as the network wants it."""
ROWS: Final = 4
SAME: Final = 1e-3
"""Relative and absolute: sums in another order, in float32."""
SPREAD: Final = 5.0
"""Standard deviation, mmHg, of what is added to the examples."""


class _OddError(Exception):
    """The Split breaks its contract; its text says where, and what to do."""


def check_split(split: Split, of: str = "the network") -> None:
    """Raise SettingsError where an exported `split` could not be a bundle; `of` names it."""
    try:
        _check_examples(split)
        _check_names(split)
        with torch.no_grad():
            _check_answers(split)
    except _OddError as odd:
        raise SettingsError(f"{of}: {odd}") from odd


def _check_examples(split: Split) -> None:
    if len(split.examples) != len(INPUTS):
        raise _OddError(f"{len(split.examples)} examples; give one each of {', '.join(INPUTS)}")
    for name, example in zip(SERIES_INPUTS, split.examples, strict=False):
        _check_tensor(f"example {name!r}", example, SHAPES[name])
    text = split.examples[-1]
    if not isinstance(text, Tensor) or text.dtype != torch.int64 or text.ndim != 2 or len(text) != 1:  # noqa: PLR2004
        raise _OddError(f"example 'text' is {_kind(text)}; give token ids, int64 (1, tokens)")
    if len({example.data_ptr() for example in split.examples}) < len(INPUTS):
        raise _OddError("two examples share their memory; clone them, or they are exported as one input")


def _check_names(split: Split) -> None:
    names = split.memory
    if not names or len(set(names)) < len(names):
        raise _OddError(f"memory {names}: name every tensor that the prefix gives, each once")
    for name in names:
        if name in {*INPUTS, *OUTPUTS} or not name.isidentifier():
            raise _OddError(f"memory {name!r} cannot be a graph's input of its own; choose another name")


def _check_answers(split: Split) -> None:
    series, text = _drawn(split.examples)
    answers = _ask(split, series, text)
    logits, quantiles, _ = answers
    if (logits.diff(dim=1) < 0).any():
        raise _OddError(
            "logits fall from one horizon to the next; order them: what comes within 5 min comes within 15"
        )
    if (quantiles.diff(dim=1) < 0).any():
        raise _OddError("quantiles cross; order them along the second axis: 10 %, 50 %, 90 %")
    if not _same(answers, _ask(split, series, text)):
        raise _OddError("the same input is answered otherwise each time; leave no dropout on in eval()")
    alone = [
        _ask(split, [part[row : row + 1] for part in series], text[row : row + 1]) for row in range(ROWS)
    ]
    if not _same(answers, [torch.cat(parts) for parts in zip(*alone, strict=True)]):
        raise _OddError("a row's answer depends on the rows beside it; compute nothing across the batch")


def _ask(split: Split, series: Sequence[Tensor], text: Tensor) -> tuple[Tensor, ...]:
    memory = _called("prefix", split.prefix, [text], split.memory)
    for name, part in zip(split.memory, memory, strict=True):
        _check_tensor(f"memory {name!r}", part, (len(text), *part.shape[1:]))
    answers = _called("tick", split.tick, [*series, *memory], OUTPUTS)
    for name, part in zip(OUTPUTS, answers, strict=True):
        _check_tensor(f"output {name!r}", part, (len(text), *SHAPES[name][1:]))
    return answers


def _called(name: str, part: nn.Module, given: Sequence[Tensor], names: Sequence[str]) -> tuple[Tensor, ...]:
    if not isinstance(part, nn.Module):
        raise _OddError(f"{name} is {_kind(part)}; give a torch.nn.Module")
    try:
        said = part.eval()(*given)
    except Exception as error:  # whatever another's code raises
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in given)
        raise _OddError(
            f"{name} fails on {len(given)} inputs of {shapes} ({type(error).__name__}: {error})"
        ) from error
    wanted = ", ".join(names)
    if not isinstance(said, (tuple, list)):
        raise _OddError(f"{name} gives {_kind(said)}; give a tuple of {wanted}")
    if len(said) != len(names):
        raise _OddError(f"{name} gives {len(said)} tensors; give {len(names)}, in this order: {wanted}")
    for tensor in said:
        if not isinstance(tensor, Tensor) or not tensor.ndim:
            raise _OddError(
                f"{name} gives {_kind(tensor)} among its tensors; give {wanted}, the batch in front"
            )
    return tuple(said)


def _check_tensor(name: str, tensor: Any, shape: tuple[int, ...]) -> None:  # noqa: ANN401 - another's code made it
    if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape or tensor.dtype != torch.float32:
        raise _OddError(f"{name} is {_kind(tensor)}; give torch.float32 {shape}")
    if not tensor.isfinite().all():
        raise _OddError(f"{name} holds a NaN or an infinity; look for a division by nothing or a lost weight")


def _drawn(examples: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Give series, mask, trend and text of ROWS rows: the last without text, the one before it with gaps."""
    random = torch.Generator().manual_seed(0)
    series, mask, trend, text = (torch.cat([example] * ROWS) for example in examples)
    series = series + SPREAD * torch.randn(series.shape, generator=random)
    trend = trend + SPREAD * torch.randn(trend.shape, generator=random)
    mask[-2, :, ::2] = 0
    text[-1] = 0
    return [series * mask, mask, trend], text


def _same(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=SAME, atol=SAME) for a, b in zip(one, other, strict=True))


def _kind(thing: object) -> str:
    return f"{thing.dtype} {tuple(thing.shape)}" if isinstance(thing, Tensor) else f"a {type(thing).__name__}"
