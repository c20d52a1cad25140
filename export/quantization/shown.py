"""Windows as the tick takes them, the prefix run once for every text, and a tick that is asked about all.

Many versions of one tick are compared on the same windows; the prefix is the same in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnxruntime

from barocast.export.graphs.running import Running
from barocast.export.graphs.split import SERIES_INPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from barocast.export.graphs.to_onnx import Graphs
    from barocast.export.quantization.windows import Windows

Shown: TypeAlias = "list[dict[str, NDArray[np.float32]]]"
"""Of each window, the tick's inputs by name, batch 1."""


def show(graphs: Graphs, windows: Windows) -> Shown:
    """Run the prefix; windows of one text that follow one another cost one run."""
    running, shown = Running(graphs), []
    for window in range(len(windows)):
        at = slice(window, window + 1)
        series = {name: getattr(windows, name)[at] for name in SERIES_INPUTS}
        shown.append(series | running.memory(windows.text[at]))
    return shown


def ask(tick: bytes, outputs: list[str], shown: Shown) -> Iterator[list[NDArray[Any]]]:
    """Give the tensors `outputs` of each window, at the session options of the bedside."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(tick, options, providers=["CPUExecutionProvider"])
    for given in shown:
        yield session.run(outputs, given)


def risks(tick: bytes, shown: Shown) -> NDArray[np.float64]:
    """Give p (n, horizon), not yet calibrated."""
    logits = np.concatenate([logits for (logits,) in ask(tick, ["logits"], shown)])
    return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))
