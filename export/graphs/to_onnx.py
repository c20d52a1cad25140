"""A Split -> two ONNX files' bytes, float32, batch 1 or any batch.

The prefix takes `text` and gives the memory; the tick takes `series`, `mask`, `trend` and the memory and
gives `logits`, `quantiles`, `gates`. Opset and IR version are what the last onnxruntime for Python 3.10 on
aarch64 loads; no custom operators, no external data, and nothing of the machine that exported: of torch's
notes only each node's module path is kept, by which a quantizer chooses.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import onnx
import torch
from torch import Tensor, nn

from barocast.export.graphs.split import OUTPUTS, SERIES_INPUTS, TEXT
from barocast.runtime.errors import BundleError, Refused, SettingsError
from barocast.runtime.graph_rules import broken_graph_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from barocast.export.graphs.split import Split

OPSET: Final = 18
IR_VERSION: Final = 10
SCOPES: Final = "pkg.torch.onnx.name_scopes"
"""Where torch's exporter leaves a node's module path."""
TRACED_ROWS: Final = 2
"""Of a dynamic batch's example: torch takes a batch of 1 for a constant."""


@dataclass(frozen=True, slots=True)
class Graphs:
    """Two ONNX files."""

    prefix: bytes
    tick: bytes


def to_onnx(split: Split, *, batched: bool = False) -> Graphs:
    """Trace and export both parts; each is checked before it is given.

    `batched`: of any batch, for whole cohorts on a workstation; else of batch 1, as a bundle runs it and as
    TensorRT builds it without a profile. Raises SettingsError where torch cannot export a part, BundleError
    where a bundle may not hold what came out.
    """
    series, mask, trend, text = (_rows(example, batched=batched) for example in split.examples)
    with torch.no_grad():
        memory = split.prefix.eval()(text)
    prefix = _Part("prefix", split.prefix, (TEXT,), split.memory)
    tick = _Part("tick", split.tick, (*SERIES_INPUTS, *split.memory), OUTPUTS)
    return Graphs(
        _exported(prefix, (text,), batched=batched),
        _exported(tick, (series, mask, trend, *memory), batched=batched),
    )


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
    """Pin the IR version, check the graph, and give its bytes.

    Raises BundleError where a bundle may not hold it: weights in other files, operators of others.
    """
    graph.ir_version = IR_VERSION
    content = bytes(graph.SerializeToString())
    if rule := broken_graph_rule(content):
        raise BundleError(f"the exported graph {rule}", Refused.GRAPH)
    onnx.checker.check_model(graph, full_check=True)
    return content


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    module: nn.Module
    inputs: Sequence[str]
    outputs: Sequence[str]


class _AnyNumber(nn.Module):
    """A part whose inputs are counted when it is called: their dynamic shapes are then told in one way."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Give what the part gives."""
        answer: tuple[Tensor, ...] = self.part(*given)
        return answer


def _exported(part: _Part, given: Sequence[Tensor], *, batched: bool) -> bytes:
    batch = {0: torch.export.Dim("batch")}
    with quietly():
        try:
            program = torch.onnx.export(
                _AnyNumber(part.module).eval(),
                tuple(given),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(part.inputs),
                output_names=list(part.outputs),
                dynamic_shapes=((batch,) * len(given),) if batched else None,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # torch gives a dozen kinds for a network that it cannot trace
            raise SettingsError(_unexported(part.name, error)) from error
    if program is None:
        raise RuntimeError("torch gave no ONNX program")
    graph = _without_traces(program.model_proto)
    if batched:
        _check_any_batch(part.name, graph)
    return settled(graph)


def _unexported(name: str, error: Exception) -> str:
    """Say why; torch puts the reason in the first lines of the innermost cause."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    said = next((line.strip() for line in str(cause).splitlines() if line.strip()), "no reason given")
    return (
        f"{name}: torch cannot export it ({type(cause).__name__}: {said}); write it without branches on what "
        "tensors hold, and with operations that ONNX has"
    )


def _check_any_batch(name: str, graph: onnx.ModelProto) -> None:
    for tensor in (*graph.graph.input, *graph.graph.output):
        if not tensor.type.tensor_type.shape.dim[0].dim_param:
            raise SettingsError(
                f"{name}: {tensor.name} is exported for {TRACED_ROWS} rows only; take a batch's size from "
                "shape[0] instead of len(), or leave it to reshape(-1, ...)"
            )


def _without_traces(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's notes (stack traces with file names, descriptions), but the nodes' module paths."""
    inner = graph.graph
    for part in (graph, inner, *inner.value_info, *inner.input, *inner.output, *inner.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    for node in inner.node:
        scopes = [entry.value for entry in node.metadata_props if entry.key == SCOPES]
        del node.metadata_props[:]
        node.doc_string = ""
        for scope in scopes:
            node.metadata_props.add(key=SCOPES, value=scope)
    return graph


def _rows(example: Tensor, *, batched: bool) -> Tensor:
    return torch.cat([example] * TRACED_ROWS) if batched else example
