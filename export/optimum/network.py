"""The student as a transformers model: BarocastConfig and BarocastForForecasting.

`save_pretrained` leaves config.json, model.safetensors and a copy of this file, so that any tool of that
ecosystem loads the folder with `trust_remote_code` where barocast is installed. The folder holds the whole
network, text encoder included; its answers are export.model's, number for number.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from barocast.export.model import Model, ModelSettings, blank
from barocast.export.text_encoder import TextEncoder

if TYPE_CHECKING:
    from torch import Tensor


class BarocastConfig(PretrainedConfig):
    """The shape of the network: ModelSettings' fields, and the text encoder's vocabulary and width."""

    model_type = "barocast"

    def __init__(self, vocab_size: int = 2, text_width: int = 8, **settings: Any) -> None:  # noqa: ANN401 - ModelSettings' and transformers' own
        self.vocab_size = vocab_size
        self.text_width = text_width
        for name, usual in asdict(ModelSettings()).items():
            setattr(self, name, settings.pop(name, usual))
        super().__init__(**settings)

    @property
    def network(self) -> ModelSettings:
        """What export.model takes."""
        return ModelSettings(**{field.name: getattr(self, field.name) for field in fields(ModelSettings)})


@dataclass
class BarocastAnswer(ModelOutput):
    """A batch's answers, B rows."""

    logits: Tensor | None = None
    """(B, 3): hypotension within 5, 10 and 15 min, before the bundle's calibrator."""
    quantiles: Tensor | None = None
    """(B, 3, 30) mmHg: MAP's 10, 50 and 90 % at every half minute ahead."""
    gates: Tensor | None = None
    """(B, 2): what text and series were let in by, 0 to 1."""


class BarocastForForecasting(PreTrainedModel):
    """A network of the config's shape."""

    config_class = BarocastConfig
    base_model_prefix = "network"

    def __init__(self, config: BarocastConfig) -> None:
        super().__init__(config)
        self.network = blank(config.network, TextEncoder(config.vocab_size, config.text_width))
        self.post_init()

    @classmethod
    def of(cls, model: Model) -> BarocastForForecasting:
        """Wrap a trained network, whose tensors it shares."""
        vocabulary, width = model.text_encoder.embedding.weight.shape
        wrapped = cls(BarocastConfig(vocabulary, width, **asdict(model.settings)))
        wrapped.network = model
        wrapped.eval()
        return wrapped

    def forward(self, series: Tensor, mask: Tensor, trend: Tensor, text: Tensor) -> BarocastAnswer:
        """Take ModelInput's four: (B, C, 90), (B, C, 90), (B, 7, 6), text ids (B, 128) int64."""
        return BarocastAnswer(*self.network(series, mask, trend, text))


BarocastConfig.register_for_auto_class()
BarocastForForecasting.register_for_auto_class("AutoModel")

if find_spec("optimum") and find_spec("optimum.exporters.onnx"):
    # optimum asks for a model type's OnnxConfig right after it has run the folder's code, which is this file.
    import barocast.export.optimum.onnx_config  # noqa: F401 - registers itself
