"""Graphs -> answers, by ONNX Runtime: row by row as the bedside asks, or in batches for a whole cohort.

The prefix is run once per distinct text; its memory is kept until another text comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime

from barocast.export.graphs.split import OUTPUTS, SERIES_INPUTS, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.rows import Rows

BATCH: Final = 256
"""Rows of a batched graph's one run: their activations stay within a processor's cache."""
TOLD_EVERY: Final = 10_000
"""Rows between two words of progress."""


class Running:
    """Graphs, opened; `optimized=False` runs every node as it stands, to compare layers by."""

    def __init__(
        self,
        graphs: Graphs,
        *,
        threads: int = 1,
        session_entries: Mapping[str, str] = {},
        optimized: bool = True,
    ) -> None:
        self._prefix, self._tick = (
            open_session(graph, threads, session_entries, optimized=optimized)
            for graph in (graphs.prefix, graphs.tick)
        )
        self._memory_names = [node.name for node in self._prefix.get_outputs()]
        self._text = b""
        self._memory: list[NDArray[np.float32]] = []

    @property
    def batch(self) -> int:
        """Rows that one call takes at most."""
        rows = self._tick.get_inputs()[0].shape[0]
        return rows if isinstance(rows, int) else BATCH

    def __call__(
        self,
        series: NDArray[np.float32],
        mask: NDArray[np.float32],
        trend: NDArray[np.float32],
        text: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Give logits (B, 3), quantiles (B, 3, 30) and gates (B, 2) for B rows, `batch` at most."""
        given = dict(zip(SERIES_INPUTS, (series, mask, trend), strict=True))
        logits, quantiles, gates = self._tick.run(list(OUTPUTS), given | self.memory(text))
        return logits, quantiles, gates

    def memory(self, text: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """Give what the prefix says of texts (B, T), by name: the tick's inputs besides the series."""
        asked = text.tobytes()
        if asked != self._text or not self._memory:
            distinct, which = np.unique(text, axis=0, return_inverse=True)
            said = self._prefix.run(self._memory_names, {TEXT: distinct})
            self._text, self._memory = asked, [part[which.ravel()] for part in said]
        return dict(zip(self._memory_names, self._memory, strict=True))


def run_rows(
    graphs: Graphs, rows: Rows, texts: NDArray[np.int64], say: Callable[[str], None] = lambda _: None
) -> tuple[NDArray[np.float64], ...]:
    """Give logits (n, 3), quantiles (n, 3, 30) and gates (n, 2); `texts` is (case, token)."""
    running = Running(graphs)
    answers, told = [], TOLD_EVERY
    for start in range(0, len(rows), running.batch):
        at = slice(start, start + running.batch)
        answers.append(running(rows.series[at], rows.mask[at], rows.trend[at], texts[rows.case[at]]))
        if start >= told:
            say(f"{start} of {len(rows)} rows")
            told += TOLD_EVERY
    return tuple(np.concatenate(parts).astype(np.float64) for parts in zip(*answers, strict=True))


def shapes(graphs: Graphs) -> dict[str, tuple[int, ...]]:
    """Give the shape of every input and output of both graphs, the memory among them."""
    nodes = []
    for graph in (graphs.prefix, graphs.tick):
        session = open_session(graph, 1, {}, optimized=False)
        nodes += [*session.get_inputs(), *session.get_outputs()]
    return {node.name: tuple(node.shape) for node in nodes}


def open_session(graph: bytes, threads: int, entries: Mapping[str, str], *, optimized: bool) -> Any:  # noqa: ANN401 - onnxruntime publishes no types
    """Open one graph on the CPU; `entries` are ONNX Runtime's session configuration."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for key, value in entries.items():
        options.add_session_config_entry(key, value)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
