"""What is in an ONNX file: how many nodes of which kinds, how large it is, which opset it needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Described:
    """One graph, counted."""

    by_op: Mapping[str, int]
    """Nodes by operator, the most frequent first."""
    bytes: int
    opset: int

    @property
    def nodes(self) -> int:
        """Nodes in all."""
        return sum(self.by_op.values())


def described(graph: bytes) -> Described:
    """Count what is in `graph`; subgraphs count as the node that holds them."""
    model = onnx.load_from_string(graph)
    by_op = Counter(node.op_type for node in model.graph.node)
    opset = next(entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})
    return Described(dict(by_op.most_common()), len(graph), opset)
