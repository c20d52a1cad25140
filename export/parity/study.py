"""The whole comparison: a checkpoint and its bundle, on windows of every kind -> Study.

torch in eval mode is the reference; its weights are told by the SHA-256 of the checkpoint, the exported
graphs by their own. Every other way is compared with it on every kind, and judged; int8 at default session
options is compared with int8 that cannot saturate, too. Where a way breaks a limit, the graph that it ran is
held against the float one, node by node, on the windows that differ most.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.export.graphs.running import Running
from barocast.export.graphs.split import SERIES_INPUTS, TEXT
from barocast.export.graphs.to_onnx import Graphs
from barocast.export.packing.parent import reference
from barocast.export.parity.agreement import gaps
from barocast.export.parity.compare import Difference, differences, hear, judged
from barocast.export.parity.layers import Layer, layers
from barocast.export.parity.ways import (
    DEFAULT,
    FLOAT,
    PACKED,
    REFERENCE,
    SESSIONS,
    accelerated,
    cut_in_two,
    onnx_way,
    torch_way,
)
from barocast.runtime.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from barocast.export.packing.parent import Parent
    from barocast.export.parity.compare import Heard
    from barocast.export.parity.kinds import Kind
    from barocast.export.parity.ways import Session, Way
    from barocast.runtime.bundle import Bundle

TOOK_APART: Final = 16
"""Windows that layers are compared on: those whose risk changed most."""


@dataclass(frozen=True, slots=True)
class Study:
    """What was found."""

    bundle: str
    reference: dict[str, str]
    """Mode, and SHA-256 of checkpoint and float graphs."""
    threshold: float
    """Of the alarm, on the calibrated risk at its horizon."""
    differences: list[Difference]
    absent: dict[str, str]
    """Ways that this machine cannot go, each with its reason."""
    layers: dict[str, list[Layer]] = field(default_factory=dict)
    """Way that broke a limit -> its nodes in the order of the graph, the prefix first."""

    @property
    def holds(self) -> bool:
        """Whether every way keeps evaluation's limits."""
        return all(one.parity.holds for one in judged(self.differences) if one.exact == REFERENCE)

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold, but for NaN."""
        plain = {
            name: getattr(self, name) for name in ("bundle", "reference", "threshold", "absent", "holds")
        }
        return plain | {
            "differences": [one.to_dict() for one in self.differences],
            "layers": {way: [asdict(layer) for layer in found] for way, found in self.layers.items()},
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared."""

    network: Callable[..., Any]
    """As training left it: series, mask, trend, text -> logits, quantiles, gates."""
    parent: Parent
    exact: Graphs
    """The parent, exported in float."""
    bundle: Bundle

    def graphs(self) -> dict[str, Graphs]:
        """Give the float graphs and the packed ones. Raises InputError: the bundle is not of this network."""
        if self.bundle.prefix is None:
            raise InputError(f"{self.bundle.manifest.id}: is one graph, of an older form; export it again")
        if not self.bundle.manifest.memory.keys() == set(self.parent.split.memory):
            raise InputError(f"{self.bundle.manifest.id}: takes another memory; name the checkpoint it is of")
        return {FLOAT: self.exact, PACKED: Graphs(self.bundle.prefix, self.bundle.model)}


def study(subject: Subject, kinds: Sequence[Kind], say: Callable[[str], None]) -> Study:
    """Compare every way on every kind. Raises InputError."""
    graphs = subject.graphs()
    runs = {
        f"{of}, {name}": (of, session)
        for of in graphs
        for name, session in SESSIONS.items()
        if of == PACKED or not session.entries  # they speak of int8 alone
    }
    faster, absent = accelerated(subject.bundle)
    ways: dict[str, Way] = {
        REFERENCE: torch_way(subject.network),
        f"{REFERENCE}, cut in two": torch_way(cut_in_two(subject.parent.split)),
        **{name: onnx_way(graphs[of], session) for name, (of, session) in runs.items()},
        **faster,
    }
    heard = {name: _heard(name, way, kinds, subject.bundle, say) for name, way in ways.items()}
    pairs = [(REFERENCE, name) for name in ways if name != REFERENCE]
    saturated = (f"{PACKED}, x64quantprecision", f"{PACKED}, {DEFAULT}")
    found = differences(heard, [*pairs, saturated], kinds, subject.bundle)
    broken = {one.other for one in judged(found) if one.exact == REFERENCE and not one.parity.holds}
    taken = {
        name: _layers(graphs, *runs[name], _worst(kinds, heard[REFERENCE], heard[name]))
        for name in sorted(broken & runs.keys())
    }
    threshold = subject.bundle.manifest.alarm.trigger.p_on
    told = reference(subject.parent, graphs[FLOAT])
    return Study(subject.bundle.manifest.id, told, threshold, found, absent, taken)


def _heard(
    name: str, way: Way, kinds: Sequence[Kind], bundle: Bundle, say: Callable[[str], None]
) -> list[Heard]:
    found = [hear(way, kind, bundle) for kind in kinds]
    say(f"{name}: {sum(len(kind.rows) for kind in kinds)} windows")
    return found


def _worst(
    kinds: Sequence[Kind], exact: Sequence[Heard], other: Sequence[Heard]
) -> list[dict[str, NDArray[Any]]]:
    """Give the inputs of the windows whose risk changed most."""
    changes = [gaps(a.p, b.p).max(axis=1) for a, b in zip(exact, other, strict=True)]
    where = [(place, row) for place, change in enumerate(changes) for row in range(len(change))]
    order = np.argsort(-np.nan_to_num(np.concatenate(changes), nan=np.inf))[:TOOK_APART]
    return [_window(kinds[place], row) for place, row in (where[i] for i in order)]


def _window(kind: Kind, row: int) -> dict[str, NDArray[Any]]:
    given = {name: getattr(kind.rows, name)[row : row + 1] for name in SERIES_INPUTS}
    return given | {TEXT: kind.texts[kind.rows.case[row : row + 1]]}


def _layers(
    graphs: dict[str, Graphs], of: str, session: Session, windows: Sequence[dict[str, NDArray[Any]]]
) -> list[Layer]:
    """Hold a way's graphs against the float ones as they stand; both ticks are given the exact memory."""
    exact, other, plain = graphs[FLOAT], graphs[of], SESSIONS["not optimized"]
    remembering = Running(exact, optimized=False)
    texts = [{TEXT: window[TEXT]} for window in windows]
    ticks = [
        {name: window[name] for name in SERIES_INPUTS} | remembering.memory(window[TEXT])
        for window in windows
    ]
    return [
        *layers((exact.prefix, plain), (other.prefix, session), texts),
        *layers((exact.tick, plain), (other.tick, session), ticks),
    ]
