"""Two graphs with the same node names, on the same windows -> how far each node's output lies apart.

    layers(exact, other, feeds) -> in the order of the graph, the signal-to-noise ratio of every shared output
    first_off(layers)           -> the first of them that lies off

Signal is the exact output's energy, noise that of the difference, over all windows. A quantizer keeps the
names of what it does not replace, so every layer of the parent can be held against its int8 version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx

from barocast.export.quantization.products import layer_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.parity.ways import Session

    Feeds = Sequence[Mapping[str, NDArray[Any]]]

OFF_DB: Final = 25.0
"""Below it a layer lies off: int8 of seven bits leaves about 37 dB of a layer, saturated sums about 10."""
SILENCE: Final = 1e-30


@dataclass(frozen=True, slots=True)
class Layer:
    """One node's output in both graphs."""

    node: str
    operator: str
    path: str
    """Of the module in the network that it comes from, as far as it is known."""
    snr_db: float
    """Infinite where both are equal; NaN where only one of them is a number."""


def layers(exact: tuple[bytes, Session], other: tuple[bytes, Session], feeds: Feeds) -> list[Layer]:
    """Compare every output that both graphs have, over all windows."""
    (graph, session), (changed, other_session) = exact, other
    parent = onnx.load_from_string(graph)
    there = {name for node in onnx.load_from_string(changed).graph.node for name in node.output}
    shared = {node.output[0]: node for node in parent.graph.node if node.output[0] in there}
    shared = {name: node for name, node in shared.items() if node.op_type != "Constant"}
    ours = _outputs(graph, session, list(shared), feeds)
    theirs = _outputs(changed, other_session, list(shared), feeds)
    return [
        Layer(node.name, node.op_type, layer_of(node), snr_db(a, b))
        for (name, node), a, b in zip(shared.items(), ours, theirs, strict=True)
        if a.dtype.kind == "f" and a.shape == b.shape
    ]


def first_off(found: Sequence[Layer]) -> Layer | None:
    """Give the first layer below OFF_DB; None where none is."""
    return next((layer for layer in found if not layer.snr_db >= OFF_DB), None)


def snr_db(exact: NDArray[Any], other: NDArray[Any]) -> float:
    """Give the ratio of energies in decibels."""
    signal = float(np.sum(np.square(exact, dtype=np.float64)))
    noise = float(np.sum(np.square(exact.astype(np.float64) - other)))
    if noise == 0:
        return np.inf
    return 10 * float(np.log10(max(signal, SILENCE) / noise))


def _outputs(graph: bytes, session: Session, names: list[str], feeds: Feeds) -> list[NDArray[Any]]:
    """Give each named tensor of every window, windows one behind the other."""
    opened = session.open(_told_all(graph, names))
    runs = [opened.run(names, dict(given)) for given in feeds]
    return [np.stack(parts) for parts in zip(*runs, strict=True)]


def _told_all(graph: bytes, names: list[str]) -> bytes:
    """Make every named tensor an output of the graph."""
    model = onnx.load_from_string(graph)
    told = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in told)
    return bytes(model.SerializeToString())
