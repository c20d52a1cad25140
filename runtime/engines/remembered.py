"""What the prefix made of the last texts: a patient's text is read once, not once a decision.

    Remembered(prefix, manifest)    `prefix(text)` -> the memory tensors, in the manifest's order
    remembered.of(text)             name -> memory tensor, batch 1 in front; raises whatever the prefix raises

Many beds share one engine: each has its text here, found by its very bytes. A memory that is no finite
numbers of the manifest's shapes raises ValueError and is not kept.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.runtime.manifest import Manifest

TEXTS: Final = 64
"""More than a box has beds, each with its own text and with none (runtime.influence)."""
MOST_BYTES: Final = 64 << 20
"""Of all memories that are kept; a large one is kept of fewer texts (by MEMORY_CAP of 8 or more)."""


class Remembered:
    """The memories of the texts that were asked last. May be asked from any thread."""

    def __init__(
        self, prefix: Callable[[NDArray[np.int64]], Sequence[NDArray[Any]]], manifest: Manifest
    ) -> None:
        self._prefix, self._shapes = prefix, manifest.memory
        numbers = sum(math.prod(shape) for shape in manifest.memory.values())
        self._most = min(TEXTS, MOST_BYTES // (4 * numbers))
        self._kept: OrderedDict[tuple[Any, ...], Mapping[str, NDArray[Any]]] = OrderedDict()
        self._turn = threading.Lock()

    def of(self, text: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
        """Give the memory of (1, token) ids."""
        key = (text.dtype, text.shape, text.tobytes())
        with self._turn:
            if key not in self._kept:
                self._kept[key] = self._made(text)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _made(self, text: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
        made = dict(zip(self._shapes, self._prefix(text), strict=True))
        for name, tensor in made.items():
            if tensor.shape != self._shapes[name] or not np.isfinite(tensor).all():
                raise ValueError(f"{name} of shape {tensor.shape} is not finite numbers {self._shapes[name]}")
        return MappingProxyType(made)
