"""All that is taken of optimum-onnx, or the one error that names the extra which brings it."""

from __future__ import annotations

from barocast.runtime.errors import SettingsError

try:
    from optimum.exporters.onnx import OnnxConfig, main_export
    from optimum.exporters.tasks import TasksManager
    from optimum.onnxruntime import AutoQuantizationConfig, ORTQuantizer
    from optimum.utils import DummyInputGenerator, NormalizedConfig
except ImportError as error:
    raise SettingsError(
        f"optimum-onnx cannot be used here ({error}): pip install 'barocast[optimum]' into an environment of "
        "its own, since it needs transformers < 4.58"
    ) from error

__all__ = [
    "AutoQuantizationConfig",
    "DummyInputGenerator",
    "NormalizedConfig",
    "ORTQuantizer",
    "OnnxConfig",
    "TasksManager",
    "main_export",
]
