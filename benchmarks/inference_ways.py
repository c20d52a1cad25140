"""The ways to an answer that benchmarks.inference lets take turns: bundle, student, teachers.

A teacher has random heads on SmolLM2's own layers: what it would say is not asked, only how long it takes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import onnxruntime
import torch

from barocast.export.checkpoint import read_student
from barocast.export.fusion.network import build_teacher
from barocast.export.fusion.presets import PRESETS
from barocast.export.fusion.settings import TeacherSettings
from barocast.export.graphs.running import Running
from barocast.export.graphs.student import split_student
from barocast.export.graphs.to_onnx import Graphs, to_onnx
from barocast.export.language.reading import load_reader
from barocast.export.model import Scaling
from barocast.plugin.bench.engines import ENGINES
from barocast.plugin.bench.spread import spread
from barocast.plugin.bench.ticks import windows
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.domain import ModelInput
from barocast.runtime.errors import BarocastError, InputError
from barocast.runtime.prompt import describe
from benchmarks.optimum_route import optimum_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.export.model import Model
    from barocast.plugin.bench.spread import Spread
    from barocast.runtime.bundle import Bundle

    Answer = Callable[[ModelInput], object]

FAST, SLOW = 30, 1
"""Answers a round of what takes a millisecond, and of a teacher."""
ENGINE: Final = "onnxruntime cpu"
OPTIMUM: Final = "student, optimum's"
TEACHER: Final = "teacher"
TEACHERS: Final = ("small", "full")
PATIENT: Final = SCENARIOS["stable"].patient


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to an answer."""

    name: str
    answer: Answer
    each_round: int = FAST
    size_bytes: int | None = None
    took_s: list[float] = field(default_factory=list)

    @property
    def spread(self) -> Spread:
        """Give how long it took."""
        return spread(self.took_s)


def contestants(student: Path, bundle: Bundle) -> tuple[list[Contestant], dict[str, str]]:
    """Give those that this machine has, and of the others the reason."""
    engine = ENGINES[ENGINE](bundle, 1)
    size = sum(map(len, bundle.graphs.values()))
    found = [
        Contestant(
            "bundle, through the bedside's engine", lambda window: engine.run(window, 0.0), size_bytes=size
        )
    ]
    found += _packed(bundle)
    found += _student(read_student(student).model, windows(bundle)[0])
    absent: dict[str, str] = {}
    further = {
        OPTIMUM: lambda: _optimum(student),
        **{f"{TEACHER} {name}": _by_name(name) for name in TEACHERS},
    }
    for name, more in further.items():
        _add(name, more, found, absent)
    return found, absent


def _add(
    name: str, more: Callable[[], list[Contestant]], found: list[Contestant], absent: dict[str, str]
) -> None:
    try:
        found += more()
    except BarocastError as why:
        absent[name] = str(why)


def _packed(bundle: Bundle) -> list[Contestant]:
    """Give the bundle's graphs as they stand, to be compared with the float ones."""
    if bundle.prefix is None:
        return []
    running = Running(Graphs(bundle.prefix, bundle.model))
    return [Contestant("bundle's graphs alone, text kept", lambda window: running(*_arrays(window)))]


def _student(model: Model, window: ModelInput) -> list[Contestant]:
    split = split_student(model)
    graphs = to_onnx(split)
    running = Running(graphs)
    with torch.no_grad():
        memory = split.prefix.eval()(torch.from_numpy(window.text))
    tick = split.tick.eval()
    return [
        Contestant(
            "float graphs alone, text kept",
            lambda window: running(*_arrays(window)),
            size_bytes=len(graphs.prefix) + len(graphs.tick),
        ),
        Contestant("student, torch eager, text kept", lambda window: tick(*_tensors(window)[:3], *memory)),
        Contestant("student, torch eager, whole", lambda window: model(*_tensors(window))),
    ]


def _optimum(student: Path) -> list[Contestant]:
    with tempfile.TemporaryDirectory() as work:
        graphs = dict(
            zip(("float", "default int8 (dynamic)"), optimum_graph(student, Path(work)), strict=True)
        )
    return [
        Contestant(f"{OPTIMUM} {name}, whole", _session(graph), size_bytes=len(graph))
        for name, graph in graphs.items()
    ]


def _session(graph: bytes) -> Answer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda window: session.run(None, {f.name: getattr(window, f.name) for f in fields(ModelInput)})


def _by_name(preset: str) -> Callable[[], list[Contestant]]:
    return lambda: _teacher(preset)


def _teacher(preset: str) -> list[Contestant]:
    """Give a teacher twice. Raises InputError: SmolLM2's weights are not here."""
    settings = PRESETS[preset].network
    if not isinstance(settings, TeacherSettings):
        raise InputError(f"{preset}: no teacher of ours")
    rest = torch.tensor([-5.0, 0.0, 5.0])[:, None].expand(3, 30)
    scaling = Scaling(torch.full((7, 6), 75.0), torch.full((7, 6), 10.0), rest, (-2.7, -2.0, -1.7))
    teacher = build_teacher(settings, scaling).eval()
    ids = torch.from_numpy(load_reader(settings.trunk).ids(describe(PATIENT), settings.text_tokens))[None]
    with torch.no_grad():
        read = teacher.text_side(teacher.trunk, ids)

    def whole(window: ModelInput) -> object:
        teacher.text_side._kept.clear()  # noqa: SLF001 - else a text that was read stays read
        return teacher(*_wide(window, settings), ids)

    def kept(window: ModelInput) -> object:
        last = lambda tokens: teacher._through(tokens)[:, -1]  # noqa: E731, SLF001 - as its forward does
        return teacher.answer(*_wide(window, settings), read, last)

    return [
        Contestant(f"{TEACHER} `{preset}`, torch eager, {what}", answer, SLOW)
        for what, answer in (("text kept", kept), ("whole", whole))
    ]


def _wide(window: ModelInput, settings: TeacherSettings) -> list[torch.Tensor]:
    """Give series, mask and trend with as many channels as the teacher reads."""
    series, mask, trend, _ = _tensors(window)
    channels = len(settings.channels)
    return [series.expand(-1, channels, -1), mask.expand(-1, channels, -1), trend]


def _arrays(window: ModelInput) -> tuple[Any, ...]:
    return window.series, window.mask, window.trend, window.text


def _tensors(window: ModelInput) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in _arrays(window))
