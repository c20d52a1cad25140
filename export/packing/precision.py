"""The float graphs -> the graphs that a bundle ships, in the precision that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.answers import of_role
from barocast.export.parity.kinds import made_kinds
from barocast.export.quantization.precisions import precision
from barocast.export.quantization.qat import FineTuning, fine_tune
from barocast.export.quantization.quantize import Plan, ranges
from barocast.export.rows import MODEL_CHANNELS, join
from barocast.runtime.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.packing.parent import Parent
    from barocast.export.recipe import Material
    from barocast.export.rows import Rows

MEASURED_ON: Final = "train"
"""The role whose rows activations are measured on."""
SUMMARIES: Final[Mapping[str, str]] = {
    "float": "float32 throughout.",
    "fp16": "matrix products in float16 between casts, all else in float32.",
    "int8w": "weights of the matrix products in int8, of the text encoder too; activations in float32.",
    "int8": (
        "static Q/DQ of the tick's matrix products, symmetric, no bias quantized, the same file for ONNX "
        "Runtime and TensorRT; normalization, gates, text encoder, wide path and head in float."
    ),
}
"""For the card, by name (quantization.precisions)."""
STRANGE: Final = ("artefact", "extreme")
"""Kinds of windows (parity.kinds) that training patients lack and ranges must hold."""
STRANGE_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Packed:
    """What a bundle ships."""

    graphs: Graphs
    told: Mapping[str, Any]
    """For the record and the card: `name`, `summary`, `in_float` (layers), and what was measured."""


def in_precision(
    name: str,
    exact: Graphs,
    parent: Parent,
    material: Material,
    texts: NDArray[np.int64],
    say: Callable[[str], None],
) -> Packed:
    """Give the graphs in that precision; where int8 loses the network, fine-tuned for it.

    Raises SettingsError, InputError or BundleError.
    """
    rows = material.rows.take(of_role(material, MEASURED_ON))
    plan = Plan(strange=_strange(texts.shape[1]), seed=parent.seed)
    try:
        made = precision(name)(exact, parent.split.quantizable, rows, texts, plan)
    except BundleError as error:
        say(f"{error}: fine-tuning")
        scales = ranges(exact, parent.split.quantizable, rows, texts, plan)
        tuned = fine_tune(parent.split, scales, rows, texts, FineTuning(seed=parent.seed), say)
        made = precision(name)(exact, parent.split.quantizable, rows, texts, replace(plan, tuned=tuned))
    told = {"name": name, "summary": SUMMARIES[name], "in_float": list(made.in_float)}
    return Packed(made.graphs, told | made.to_dict())


def _strange(tokens: int) -> Rows:
    """Give artefacts and extremes, drawn otherwise than those that `export parity` judges on."""
    unread = np.zeros(tokens, dtype=np.int64)
    kinds = made_kinds(MODEL_CHANNELS, lambda _: unread, STRANGE_SEED)
    return join([kind.rows for kind in kinds if kind.name.startswith(STRANGE)])
