"""What optimum's exporter has to know of model type `barocast`: names, axes and inputs to trace with.

Registered with its TasksManager on import, for the task `feature-extraction`: the one that its command line
loads by AutoModel, as it does every model that is none of its own. Raises SettingsError without the extra.
"""

from __future__ import annotations

from typing import Any, Final

from barocast.export.graphs.split import INPUTS, OUTPUTS
from barocast.export.model import SCALES
from barocast.export.optimum.extra import DummyInputGenerator, NormalizedConfig, OnnxConfig, TasksManager
from barocast.runtime.tokens import TEXT_TOKENS, TREND_FEATURES

MODEL_TYPE: Final = "barocast"
TASK: Final = "feature-extraction"
TRACED_MMHG: Final = (45.0, 120.0)
"""Range of the pressures that the graph is traced and compared with."""


class WindowGenerator(DummyInputGenerator):  # type: ignore[misc]  # optimum publishes no types
    """Draws one batch of windows with their trends and texts."""

    SUPPORTED_INPUT_NAMES = INPUTS

    def __init__(self, task: str, config: NormalizedConfig, batch_size: int = 2, **_: Any) -> None:  # noqa: ANN401 - shapes of other models
        self.task = task
        self.config = config
        self.batch_size = batch_size

    def generate(
        self, input_name: str, framework: str = "pt", int_dtype: str = "int64", float_dtype: str = "fp32"
    ) -> Any:  # noqa: ANN401 - the framework's array
        """Give one input by name."""
        window = [self.batch_size, self.config.channels, self.config.steps]
        low, high = TRACED_MMHG
        if input_name == "text":
            shape, tokens = [self.batch_size, TEXT_TOKENS], self.config.vocab_size
            return self.random_int_tensor(shape, tokens, framework=framework, dtype=int_dtype)
        if input_name == "mask":
            return self.random_mask_tensor(window, framework=framework, dtype=float_dtype)
        shape = window if input_name == "series" else [self.batch_size, SCALES, len(TREND_FEATURES)]
        return self.random_float_tensor(shape, low, high, framework=framework, dtype=float_dtype)


class BarocastOnnxConfig(OnnxConfig):  # type: ignore[misc]  # optimum publishes no types
    """One graph: the text encoder runs with every answer, and any number of rows is taken at once."""

    NORMALIZED_CONFIG_CLASS = NormalizedConfig
    DUMMY_INPUT_GENERATOR_CLASSES = (WindowGenerator,)
    ATOL_FOR_VALIDATION = 2e-4
    """mmHg and logits. float32 resolves 1e-5 mmHg at 100 mmHg."""

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        """Give each input with its dynamic axes."""
        return {name: {0: "batch_size"} for name in INPUTS}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        """Give each output with its dynamic axes."""
        return {name: {0: "batch_size"} for name in OUTPUTS}


TasksManager.create_register("onnx", overwrite_existing=True)(MODEL_TYPE, TASK)(BarocastOnnxConfig)
