"""Every way to run one network, behind one call: rows and texts -> risk logits and MAP quantiles.

    torch                    as training left it, in eval mode: the reference
    torch, cut in two        prefix and tick (graphs.split)
    ONNX float               the exported parent, at default session options, and with no optimization at all
    bundle                   the packed graphs likewise, and with `session.x64quantprecision=1`, which forbids
                             the kernels whose 16-bit sums may saturate
    TensorRT, CUDA           where this machine has them

A way that this machine cannot go is named with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import torch

from barocast.export.graphs.running import Running, open_session
from barocast.runtime.domain import Forecast, ModelInput
from barocast.runtime.engine_kinds import engine_cache
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.export.graphs.split import Split
    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.rows import Rows
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine

Floats: TypeAlias = "NDArray[np.float64]"
Way: TypeAlias = "Callable[[Rows, NDArray[np.int64]], Answers]"
"""Texts are (case, token), as the rows number them."""
TORCH_BATCH: Final = 512
REFERENCE, FLOAT, PACKED = "torch", "ONNX float", "bundle"
DEFAULT: Final = "default"
PRECISE: Final[Mapping[str, str]] = {"session.x64quantprecision": "1"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What a way says of n rows; NaN where it gave no number, or refused to."""

    logits: Floats
    """(n, 3)"""
    quantiles: Floats
    """(n, 3, 30) mmHg."""


@dataclass(frozen=True, slots=True)
class Session:
    """How ONNX Runtime is told to open a graph."""

    entries: Mapping[str, str]
    optimized: bool = True

    def open(self, graph: bytes) -> Any:  # noqa: ANN401 - onnxruntime publishes no types
        """Open one graph."""
        return open_session(graph, 1, self.entries, optimized=self.optimized)


SESSIONS: Final[Mapping[str, Session]] = {
    DEFAULT: Session({}),
    "x64quantprecision": Session(PRECISE),
    "not optimized": Session({}, optimized=False),
}


def torch_way(network: Callable[..., tuple[torch.Tensor, ...]]) -> Way:
    """Run `network(series, mask, trend, text)`, which is in eval mode, in batches."""

    def way(rows: Rows, texts: NDArray[np.int64]) -> Answers:
        parts = [_asked(network, rows, texts, at) for at in _slices(len(rows), TORCH_BATCH)]
        return _joined(parts)

    return way


def cut_in_two(split: Split) -> Callable[..., tuple[torch.Tensor, ...]]:
    """Give prefix and tick as one network."""
    prefix, tick = split.prefix.eval(), split.tick.eval()

    def network(
        series: torch.Tensor, mask: torch.Tensor, trend: torch.Tensor, text: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        answer: tuple[torch.Tensor, ...] = tick(series, mask, trend, *prefix(text))
        return answer

    return network


def onnx_way(graphs: Graphs, session: Session) -> Way:
    """Run graphs by ONNX Runtime on the CPU."""
    running = Running(graphs, session_entries=session.entries, optimized=session.optimized)

    def way(rows: Rows, texts: NDArray[np.int64]) -> Answers:
        slices = _slices(len(rows), running.batch)
        return _joined([running(*_arrays(rows, texts, at))[:2] for at in slices])

    return way


def engine_way(engine: Engine) -> Way:
    """Run a bedside's engine, window by window; what it answers with a fault is NaN."""

    def way(rows: Rows, texts: NDArray[np.int64]) -> Answers:
        return _joined([_said(engine, ModelInput(*_arrays(rows, texts, at))) for at in _slices(len(rows), 1)])

    return way


def accelerated(bundle: Bundle) -> tuple[dict[str, Way], dict[str, str]]:
    """Give the ways over accelerators that are here, and of the others the reason."""
    ways, absent = {}, {}
    for name, start in ACCELERATORS.items():
        try:
            ways[name] = engine_way(start(bundle))
        except (BundleError, EngineUnavailable) as why:  # noqa: PERF203 - each has its own reason
            absent[name] = str(why)
    return ways, absent


def _tensorrt(bundle: Bundle) -> Engine:
    from barocast.runtime.tensorrt.engine import TensorRtEngine  # noqa: PLC0415 only whoever asks pays for it

    return TensorRtEngine(bundle, engine_cache())


ACCELERATORS: Final[Mapping[str, Callable[[Bundle], Engine]]] = {
    f"{PACKED}, ONNX Runtime CUDA": lambda bundle: OrtEngine(bundle, provider="cuda"),
    f"{PACKED}, ONNX Runtime TensorRT": lambda bundle: OrtEngine(bundle, provider="tensorrt"),
    f"{PACKED}, TensorRT": _tensorrt,
}


def _asked(
    network: Callable[..., tuple[torch.Tensor, ...]], rows: Rows, texts: NDArray[np.int64], at: slice
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with torch.no_grad():
        logits, quantiles, *_ = network(*(torch.from_numpy(array) for array in _arrays(rows, texts, at)))
    return logits.numpy(), quantiles.numpy()


def _said(engine: Engine, model_input: ModelInput) -> tuple[Floats, Floats]:
    answer = engine.run(model_input, 0.0)
    if not isinstance(answer, Forecast):
        return np.full((1, 3), np.nan), np.full((1, 3, 30), np.nan)
    return answer.logits[None], np.stack([answer.q10, answer.q50, answer.q90])[None]


def _arrays(
    rows: Rows, texts: NDArray[np.int64], at: slice
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    return rows.series[at], rows.mask[at], rows.trend[at], texts[rows.case[at]]


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _joined(parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Answers:
    logits, quantiles = (np.concatenate(column).astype(np.float64) for column in zip(*parts, strict=True))
    return Answers(logits, quantiles)
