"""ONNX Runtime as an engine: on the CPU, or by its CUDA or TensorRT provider where the installed one has it.

onnxruntime gives the CPU without a word where a provider cannot be had: the one that is active is asked for
afterwards, and another than the wanted one is EngineUnavailable. What may make two machines or two runs
differ is pinned: threads, the order of execution, the level of optimization, the file's format.
"""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import onnxruntime as ort

from barocast.runtime.bundle_files import MODEL, PREFIX
from barocast.runtime.domain import Fault, ModelInput
from barocast.runtime.engines.bound import TYPES, Bound
from barocast.runtime.engines.engine import OUTPUTS, check_known_answers, forecast_of
from barocast.runtime.engines.remembered import Remembered
from barocast.runtime.errors import BundleError, EngineUnavailable, Refused
from barocast.runtime.manifest_rules import graph_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Forecast

CPU: Final = "CPUExecutionProvider"
PROVIDERS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = MappingProxyType(
    {
        "cpu": (CPU, {}),
        # TF32 keeps ten bits of a float: known answers would be off, and differ from card to card.
        "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
        "tensorrt": ("TensorrtExecutionProvider", {}),
    }
)
"""How a person calls it -> what onnxruntime calls it, and what it is told."""
ENTRIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # What a file is, is not to be guessed from its bytes: they may be onnxruntime's own format, too.
        "session.load_model_format": "ONNX",
        # A box of many beds has other work for a core than to wait busily for the next window.
        "session.intra_op.allow_spinning": "0",
        "session.inter_op.allow_spinning": "0",
    }
)


class Session(Protocol):
    """A tick that can be run."""

    def run(self, names: Sequence[str], feeds: Mapping[str, NDArray[Any]], /) -> list[NDArray[Any]]:
        """Give the outputs `names`."""


class OrtEngine:
    """ONNX Runtime. Raises BundleError where a graph is not the one that the manifest describes.

    With a `provider` other than `cpu`, EngineUnavailable where it cannot be had.
    """

    _session: Session
    _remembered: Remembered | None = None
    """None where the tick reads the text itself (bundles of format 1)."""

    def __init__(self, bundle: Bundle, threads: int = 1, provider: str = "cpu") -> None:
        self._manifest = bundle.manifest
        session = _session(bundle, MODEL, threads, provider)
        self._session = Bound(session)
        if bundle.prefix is not None:
            self._remembered = _remembered(bundle, threads, provider)
        self.name = f"onnxruntime {ort.__version__} {session.get_providers()[0]}"
        check_known_answers(self, bundle)

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window. May be called from any thread."""
        feeds = {field.name: getattr(model_input, field.name) for field in fields(ModelInput)}
        try:
            if self._remembered is not None:
                feeds |= self._remembered.of(feeds.pop("text"))
            answers = self._session.run(list(OUTPUTS), feeds)
            return forecast_of(self._manifest, dict(zip(OUTPUTS, answers, strict=True)), t_s)
        except Exception as error:  # noqa: BLE001 - a graph may give anything, and onnxruntime raise anything
            return Fault(t_s, f"engine: {error}")


def _remembered(bundle: Bundle, threads: int, provider: str) -> Remembered:
    session = _session(bundle, PREFIX, threads, provider)
    names = list(bundle.manifest.memory)
    return Remembered(lambda text: session.run(names, {"text": text}), bundle.manifest)


def _session(bundle: Bundle, file: str, threads: int, provider: str) -> Any:  # noqa: ANN401 - onnxruntime publishes no types
    graph = bundle.graphs[file]
    wanted, told = PROVIDERS[provider]
    if wanted not in ort.get_available_providers():
        raise EngineUnavailable(f"onnxruntime {ort.__version__} here has no {wanted}")
    try:
        # Without its fallback onnxruntime tells of a failure instead of going on with another provider.
        session = ort.InferenceSession(
            graph, _options(threads), providers=[(wanted, dict(told))], enable_fallback=0
        )
    except Exception as error:
        raise _refused(file, wanted, error) from error
    if (active := session.get_providers()[0]) != wanted:
        raise EngineUnavailable(f"onnxruntime {ort.__version__} gave {active} instead of {wanted}")
    _check_described(session, file, graph_shapes(bundle.manifest)[file])
    return session


def _options(threads: int) -> Any:  # noqa: ANN401 - as above
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    for key, value in ENTRIES.items():
        options.add_session_config_entry(key, value)
    return options


def _refused(file: str, provider: str, error: Exception) -> BundleError | EngineUnavailable:
    """Blame the bundle for what every machine's CPU would refuse, and the machine for the rest."""
    if provider == CPU:
        return BundleError(f"{file}: onnxruntime {ort.__version__} refuses it ({error})", Refused.GRAPH)
    return EngineUnavailable(f"{provider} of onnxruntime {ort.__version__} does not start ({error})")


def _check_described(session: Any, file: str, described: Mapping[str, tuple[int, ...]]) -> None:  # noqa: ANN401 - as above
    nodes = (*session.get_inputs(), *session.get_outputs())
    if odd := [f"{node.name} of {node.type}" for node in nodes if node.type not in TYPES]:
        raise BundleError(f"{file}: has {', '.join(odd)}, none of {', '.join(TYPES)}", Refused.GRAPH)
    found = {node.name: tuple(node.shape) for node in nodes}
    if found != dict(described):
        raise BundleError(f"{file}: has shapes {found}, its manifest says {dict(described)}", Refused.GRAPH)
