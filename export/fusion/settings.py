"""The shape of the teacher; what cannot be meant is refused when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from barocast.export.fusion.units import UNITS
from barocast.export.rows import MODEL_CHANNELS
from barocast.runtime.errors import SettingsError
from barocast.runtime.timeline import WINDOW_STEPS
from barocast.runtime.tokens import TREND_CHANNEL

Mode: TypeAlias = Literal["frozen", "text-only", "joint"]
"""Which passes through the language model are tuned: none, the text's, or the text's and the series'."""
NO_LANGUAGE_MODEL: Final = "none"
"""The trunk of a small decoder that starts at random and is learned with the rest: an arm of the ledger."""
MODES: Final[tuple[Mode, ...]] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """Every number that fixes a tensor of the teacher. Raises SettingsError."""

    trunk: str
    """As export.language.trunk.load_trunk names it."""
    layers: int
    """The language model's first layers that are kept."""
    mode: Mode = "frozen"
    channels: tuple[str, ...] = MODEL_CHANNELS
    """Channels of the series, MAP among them."""
    steps: int = WINDOW_STEPS
    """Columns of the window."""
    patch: int = 3
    """Columns of 10 s in a patch."""
    text_tokens: int = 96
    """Ids of a text; a longer one is cut."""
    gated: bool = True
    """Learned gates; without, a modality that is there counts in full (an arm of the ledger)."""
    width: int = 64
    """Of the forecast token and inside the crossing."""
    heads: int = 2
    """Of the crossing; divides `width`."""
    text_width: int = 16
    """What is left of each text token: through anything much wider, 120 patients are known by name."""
    rank: int = 8
    """Of the low-rank changes to the language model's matrices where a pass through it is tuned."""
    dropout: float = 0.2
    recent: int = 6
    """Newest columns of each channel that the head sees as they are."""
    seed: int = 0
    """Of every weight that is not pretrained."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        unknown = [channel for channel in self.channels if channel not in UNITS]
        faults = {
            f"mode {self.mode!r}: name one of {', '.join(MODES)}": self.mode not in MODES,
            f"channels {unknown}: the teacher knows {', '.join(UNITS)}": bool(unknown),
            f"channels: {TREND_CHANNEL} is missing, which the trend is made of": TREND_CHANNEL
            not in self.channels,
            f"steps {self.steps}: must divide into patches of {self.patch}": bool(self.steps % self.patch),
            f"width {self.width}: must divide into {self.heads} heads": bool(self.width % self.heads),
        }
        for fault, found in faults.items():
            if found:
                raise SettingsError(f"teacher: {fault}")

    @property
    def pretrained(self) -> bool:
        """Whether there is a language model, to be left as it is or tuned; without, the trunk is learned."""
        return self.trunk != NO_LANGUAGE_MODEL

    @property
    def patches(self) -> int:
        """Patches in a window."""
        return self.steps // self.patch
