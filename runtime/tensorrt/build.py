"""An ONNX graph -> a plan: what TensorRT runs on this GPU and version alone.

    build(api, graph, progress, timing) -> Built        BuildError, which names the node that is refused

The network is strongly typed: what is int8 is what the graph's own Q/DQ pairs say, and no builder flag makes
anything faster by making it coarser. TF32 is switched off for the same reason: a probability is read off
these products. Minutes on a Jetson, so it happens when a bundle is installed, and says how far it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import EngineUnavailable
from barocast.runtime.tensorrt.api import KEPT_CHARACTERS, Heard, logger, progress_monitor, vendor_errors

if TYPE_CHECKING:
    from barocast.runtime.tensorrt.api import Api, Progress

PRECISION: Final = "as-typed,no-tf32"
"""Part of a plan's key: changes with every choice in this file that changes what a plan computes."""
WORKSPACE_BYTES: Final = 256 << 20
"""Most that one kernel may borrow. On a Jetson the GPU shares its memory with the service beside it."""
SAID_ERRORS: Final = 3


class BuildError(EngineUnavailable):
    """A graph that this TensorRT does not parse, or does not build."""

    def __init__(self, text: str, *, parsed: bool) -> None:
        super().__init__(text)
        self.parsed = parsed


@dataclass(frozen=True, slots=True)
class Built:
    """A plan and how it came about."""

    plan: bytes
    timing: bytes
    """Timings of kernels, for the next build; empty where this TensorRT keeps none."""
    layers: int
    """Of the network as parsed."""
    messages: tuple[str, ...]
    """TensorRT's last warnings."""


def build(api: Api, graph: bytes, progress: Progress, timing: bytes = b"") -> Built:
    """Parse and build, starting from the timings of an earlier build. Raises EngineUnavailable."""
    heard = Heard()
    with vendor_errors(api, heard):
        return _built(api, graph, progress, timing, heard)


def _built(api: Api, graph: bytes, progress: Progress, timing: bytes, heard: Heard) -> Built:
    log = logger(api, heard)  # held here: TensorRT keeps no reference
    builder = api.module.Builder(log)
    network = builder.create_network(1 << int(api.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    _parse(api, network, log, graph)
    config = _config(api, builder)
    kept = _take_timings(config, timing) if api.has_timing_cache else None
    if api.has_progress:
        config.progress_monitor = progress_monitor(api, progress)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BuildError(f"{api.name} does not build this graph: {heard.last}", parsed=True)
    timings = b"" if kept is None else bytes(kept.serialize())
    return Built(bytes(plan), timings, int(network.num_layers), tuple(heard))


def _parse(api: Api, network: Any, log: Any, graph: bytes) -> None:  # noqa: ANN401 - tensorrt has no types
    parser = api.module.OnnxParser(network, log)
    if parser.parse(graph):
        return
    errors = [parser.get_error(i) for i in range(min(parser.num_errors, SAID_ERRORS))]
    told = "; ".join(_told(error) for error in errors) or "it gave no reason"
    raise BuildError(f"{api.name} does not parse this graph: {told}", parsed=False)


def _told(error: Any) -> str:  # noqa: ANN401 - tensorrt publishes no types
    """Give the node, and the reason on one line."""
    reason = " ".join(str(error.desc()).split())[:KEPT_CHARACTERS]
    return f"node {error.node_name()!r} ({error.node_operator()}): {reason}"


def _config(api: Api, builder: Any) -> Any:  # noqa: ANN401 - tensorrt publishes no types
    config = builder.create_builder_config()
    config.set_memory_pool_limit(api.module.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.clear_flag(api.module.BuilderFlag.TF32)
    return config


def _take_timings(config: Any, timing: bytes) -> Any:  # noqa: ANN401 - tensorrt publishes no types
    """Start from what earlier builds measured; timings of another GPU or version are left aside."""
    for start in (timing, b""):
        kept = config.create_timing_cache(start)
        if kept is not None and config.set_timing_cache(kept, False):  # noqa: FBT003 - positional in 10.3
            return kept
    return None
