"""A trained Model -> one ONNX file's bytes, float32, batch 1.

Inputs are named as ModelInput's fields, outputs `logits`, `quantiles`, `gates`. Opset and IR version
are what the last onnxruntime for Python 3.10 on aarch64 loads; no custom operators, no external data.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
import torch

from barocast.export.model import example_input
from barocast.runtime.domain import ModelInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from barocast.export.model import Model
    from barocast.export.rows import Rows

OPSET: Final = 18
IR_VERSION: Final = 10
INPUTS: Final = tuple(field.name for field in fields(ModelInput))
OUTPUTS: Final = ("logits", "quantiles", "gates")


def to_onnx(model: Model) -> bytes:
    """Trace and export; the graph is checked before it is given."""
    with quietly():
        program = torch.onnx.export(
            model.eval(),
            example_input(model.settings),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch gave no ONNX program")
    return settled(program.model_proto)


@contextmanager
def quietly() -> Iterator[None]:
    """Silence what exporter and quantizer say of their own internals; errors still come."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def settled(graph: onnx.ModelProto) -> bytes:
    """Pin the IR version, check the graph, and give its bytes."""
    graph.ir_version = IR_VERSION
    onnx.checker.check_model(graph, full_check=True)
    return bytes(graph.SerializeToString())


def shapes(graph: bytes) -> dict[str, tuple[int, ...]]:
    """Give the shape of every input and output."""
    session = open_session(graph)
    return {node.name: tuple(node.shape) for node in (*session.get_inputs(), *session.get_outputs())}


def open_session(graph: bytes) -> Any:  # noqa: ANN401 - onnxruntime publishes no types
    """Open a graph on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def feeds(rows: Rows, texts: NDArray[np.int64], row: int) -> dict[str, NDArray[Any]]:
    """Give one row as the graph takes it; `texts` is (case, token)."""
    arrays = (rows.series[row], rows.mask[row], rows.trend[row], texts[rows.case[row]])
    return {name: array[None] for name, array in zip(INPUTS, arrays, strict=True)}


def run_rows(
    graph: bytes, rows: Rows, texts: NDArray[np.int64], say: Callable[[str], None] = lambda _: None
) -> tuple[NDArray[np.float64], ...]:
    """Give logits (n, 3), quantiles (n, 3, 30) and gates (n, 2), row by row as the bedside does."""
    session = open_session(graph)
    answers = []
    for row in range(len(rows)):
        answers.append(session.run(list(OUTPUTS), feeds(rows, texts, row)))
        if row and row % 10_000 == 0:
            say(f"{row} of {len(rows)} rows")
    return tuple(np.concatenate(parts).astype(np.float64) for parts in zip(*answers, strict=True))
