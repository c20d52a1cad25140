"""Which engines a bundle can be run by: name -> how to open it. One that this box lacks raises on opening."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.engine_kinds import engine_cache
from barocast.runtime.engines import OrtEngine
from barocast.runtime.engines.ort import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine

    Open = Callable[[Bundle, int], Engine]
    """Bundle and threads -> an engine; raises EngineUnavailable, BundleError."""


def _tensorrt(bundle: Bundle, _: int) -> Engine:
    # Only whoever asks for it pays for its import.
    from barocast.runtime.tensorrt.engine import TensorRtEngine  # noqa: PLC0415

    return TensorRtEngine(bundle, engine_cache())


def _provider(name: str) -> Open:
    return lambda bundle, threads: OrtEngine(bundle, threads, name)


ENGINES: Final[Mapping[str, Open]] = MappingProxyType(
    {**{f"onnxruntime {name}": _provider(name) for name in PROVIDERS}, "tensorrt": _tensorrt}
)
"""In the order of the table."""
OPERATORS: Final = (
    (b"\x22\x0eQuantizeLinear", "int8"),
    (b"\x22\x10DequantizeLinear", "weights in int8 or int4"),
    (b"\x22\x04Cast", "float16"),
)
"""NodeProto's op_type (field 4, its length, its name) -> what a graph with such a node computes in."""


def precision(graph: bytes) -> str:
    """Say what a graph computes in, by the first of OPERATORS that it holds; float32 with none."""
    return next((said for operator, said in OPERATORS if operator in graph), "float32")
