"""A real, signed bundle around a graph that a person can compute in the head.

logits = (75 - mean MAP of the last minute) / 5 + (0, 0.5, 1); quantiles = that mean - 5, + 0, + 5;
the one gate is 0.25. Everything else (hashes, signature, tokenizer, known answers) is as in a true bundle.

With `prefix=True` it is of two graphs (format 2): the prefix gives `weight`, a tenth of the sum of the text's
ids, and `present`, 1 where there is a text; the tick adds the weight to the logits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from onnx import TensorProto, helper, numpy_helper

from barocast.calibration.events import HYPOTENSION
from barocast.calibration.parametric import TemperatureBias
from barocast.calibration.trigger import TriggerRules
from barocast.runtime.bundle import Bundle, read_bundle, sign, write_manifest
from barocast.runtime.engines.engine import OUTPUTS
from barocast.runtime.manifest import AlarmPoint, Manifest
from barocast.runtime.prompt import TEMPLATE_VERSION

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = {
    "series": (1, 1, 90),
    "mask": (1, 1, 90),
    "trend": (1, 7, 6),
    "text": (1, 128),
    "logits": (1, 3),
    "quantiles": (1, 3, 30),
    "gates": (1, 1),
}
WINDOW = ("series", "mask", "trend")
INPUTS = (*WINDOW, "text")
MEMORY = {"weight": (1, 1), "present": (1, 1)}


@dataclass(frozen=True, slots=True)
class Toy:
    """Where it lies and whose key signed it."""

    directory: Path
    key_pem: bytes
    public_key: bytes

    def read(self) -> Bundle:
        """Read it back, verified."""
        return read_bundle(self.directory, [self.public_key])

    def resign(self) -> None:
        """Sign whatever the manifest says now."""
        sign(self.directory, self.key_pem)


def manifest(**changes: Any) -> Manifest:
    """The toy's manifest."""
    fields: dict[str, Any] = {
        "id": "toy-1",
        "sequence": 1,
        "intended_use": "tests",
        "event": HYPOTENSION,
        "channels": ("ABP_MEAN",),
        "step_s": 10.0,
        "window_min": 15.0,
        "shapes": SHAPES,
        "horizons_min": (5, 10, 15),
        "forecast_minutes": tuple(0.5 * step for step in range(1, 31)),
        "gates": ("text",),
        "text_template": TEMPLATE_VERSION,
        "calibrator": TemperatureBias().to_dict(),
        "alarm": AlarmPoint(10, TriggerRules(p_on=0.5, p_off=0.4)),
        "known_answer_tolerance": 1e-3,
    }
    return Manifest(**(fields | changes))


def toy_bundle(
    directory: Path,
    graph_changes: dict[str, Any] | None = None,
    *,
    prefix: bool = False,
    **manifest_changes: Any,
) -> Toy:
    """Write and sign one. `graph_changes` replaces the constants `logits`, `quantiles` or `gates`."""
    directory.mkdir(parents=True, exist_ok=True)
    model = graph(**(graph_changes or {}), prefix=prefix)
    (directory / "model.onnx").write_bytes(model.SerializeToString())
    if prefix:
        (directory / "prefix.onnx").write_bytes(prefix_graph().SerializeToString())
        manifest_changes = {"memory": MEMORY} | manifest_changes
    (directory / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (directory / "model_card.md").write_text("# A toy for tests\n")
    np.savez(directory / "known_answers.npz", **known_answers(prefix=prefix))
    write_manifest(directory, manifest(**manifest_changes))
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Toy(directory, pem, sign(directory, pem))


TOKENIZER = {
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "vocab": {"[PAD]": 0, "[UNK]": 1, "asa": 2, "years": 3},
    }
}


def known_answers(rows: int = 20, *, prefix: bool = False) -> dict[str, np.ndarray]:
    """Windows of steady pressure, 60 to 98 mmHg; with a prefix, every other one with a text."""
    means = 60 + 2 * np.arange(rows, dtype=np.float32)
    trend = np.zeros((rows, 7, 6), np.float32)
    trend[:, 0, 0] = means
    text = np.zeros((rows, 128), np.int64)
    text[:, 0] = np.arange(rows) % 2 * prefix
    logits = (75 - means)[:, None] / 5 + np.array([0, 0.5, 1], np.float32) + text[:, :1] / 10
    return {
        "series": np.repeat(means, 90).reshape(rows, 1, 90),
        "mask": np.ones((rows, 1, 90), np.float32),
        "trend": trend,
        "text": text,
        "logits": logits.astype(np.float32),
        "quantiles": np.repeat(means[:, None] + np.array([-5, 0, 5], np.float32), 30).reshape(rows, 3, 30),
    }


def graph(
    logits: tuple[float, ...] = (0.0, 0.5, 1.0),
    quantiles: tuple[float, ...] = (-5.0, 0.0, 5.0),
    gates: tuple[float, ...] = (0.25,),
    *,
    prefix: bool = False,
) -> onnx.ModelProto:
    """The graph of the module's docstring, with its constants."""
    constants = {
        "weights": np.eye(1, 42, dtype=np.float32).T,  # picks the mean of the first scale
        "flat": np.array([1, 42], np.int64),
        "centre": np.array([[75.0]], np.float32),
        "width": np.array([[5.0]], np.float32),
        "steps": np.array([logits], np.float32),
        "band": np.repeat(np.array(quantiles, np.float32), 30).reshape(1, 3, 30),
        "as_band": np.array([1, 1, 1], np.int64),
        "gate": np.array([gates], np.float32),
        "nothing": np.array(0, np.float32),
    }
    of_window = [
        helper.make_node("Reshape", ["trend", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["mean"]),
        helper.make_node("Sub", ["centre", "mean"], ["below"]),
        helper.make_node("Div", ["below", "width"], ["score"]),
        helper.make_node("Reshape", ["mean", "as_band"], ["level"]),
        helper.make_node("Add", ["level", "band"], ["quantiles"]),
    ]
    if prefix:
        of_text = [
            helper.make_node("Sum", ["score", "steps", "weight"], ["logits"]),
            helper.make_node("ReduceSum", ["present"], ["t"], keepdims=0),
        ]
    else:
        of_text = [
            helper.make_node("Add", ["score", "steps"], ["logits"]),
            helper.make_node("Cast", ["text"], ["ids"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", ["ids"], ["t"], keepdims=0),
        ]
    # Every input is used, as in a true graph.
    unmoved = [
        helper.make_node("ReduceSum", ["series"], ["s"], keepdims=0),
        helper.make_node("ReduceSum", ["mask"], ["m"], keepdims=0),
        helper.make_node("Sum", ["s", "m", "t"], ["all"]),
        helper.make_node("Mul", ["all", "nothing"], ["zero"]),
        helper.make_node("Add", ["gate", "zero"], ["gates"]),
    ]
    inputs = (*WINDOW, *MEMORY) if prefix else INPUTS
    return _model([*of_window, *of_text, *unmoved], inputs, OUTPUTS, constants)


def prefix_graph() -> onnx.ModelProto:
    """The text's graph of the module's docstring."""
    constants = {"tenth": np.array(0.1, np.float32), "none": np.array(0.0, np.float32)}
    nodes = [
        helper.make_node("Cast", ["text"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["ids"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "tenth"], ["tenths"]),
        helper.make_node("Reshape", ["tenths", "as_memory"], ["weight"]),
        helper.make_node("Greater", ["weight", "none"], ["any"]),
        helper.make_node("Cast", ["any"], ["present"], to=TensorProto.FLOAT),
    ]
    return _model(nodes, ("text",), tuple(MEMORY), constants | {"as_memory": np.array([1, 1], np.int64)})


def _model(
    nodes: list[onnx.NodeProto], inputs: tuple[str, ...], outputs: tuple[str, ...], constants: dict[str, Any]
) -> onnx.ModelProto:
    kinds, shapes = {"text": TensorProto.INT64}, SHAPES | MEMORY
    given, taken = (
        [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), shapes[n]) for n in names]
        for names in (inputs, outputs)
    )
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    body = helper.make_graph(nodes, "toy", given, taken, weights)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
