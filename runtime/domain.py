"""The nouns, as frozen values with a unit behind each field.

    decoder    bytes -> Sample | WaveChunk | DeviceAlarm | Corrupt      (an Event)
    timeline   Events -> Window
    tokens     Window + Patient text -> ModelInput
    engine     ModelInput -> Forecast
    calibrator Forecast -> Risk
    pipeline   each decision is a Risk, an Abstain with its reason, or a Fault

Missing is NaN with a reason, never 0 and never the last value. Corrupt input is a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from barocast.runtime.stored import stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


class Reason(str, Enum):
    """Why a value must not be used. The text is what the wire contract prints."""

    CALIBRATING = "calibrating"
    CODE = "code"  # the feed sent a code in place of a number
    DEMO = "demo"
    DISAGREE = "disagree"  # two arterial lines tell different pressures
    DISCONNECTED = "disconnected"
    FLAT = "flat"
    FLUSH = "flush"
    INVALID = "invalid"
    MISSING = "missing"
    RANGE = "range"
    SPIKE = "spike"
    TEST = "test"
    UNAVAILABLE = "unavailable"
    UNIT = "unit"
    ZEROING = "zeroing"

    def __str__(self) -> str:
        """Print the contract's word, on every Python alike."""
        return self.value


@stored
@dataclass(frozen=True, slots=True)
class Sample:
    """One numeric value as the device reported it."""

    channel: str | None
    """Canonical channel (tracks.CHANNELS), None when the code has none."""
    code: str
    """The feed's own code or column name."""
    t_s: float | None
    """Seconds on the device's clock, None when the feed gave no time."""
    value: float
    """In `unit`; NaN when missing."""
    unit: str
    """The channel's canonical unit once converted, else the feed's own."""
    valid: bool = True
    reason: Reason | None = None
    """Set exactly when `valid` is False."""
    rival_of: str | None = None
    """The channel that this arterial line would feed if a better one did not; `channel` is then None."""


@stored
@dataclass(frozen=True, slots=True)
class WaveChunk:
    """A run of evenly spaced waveform samples."""

    channel: str | None
    code: str
    t_s: float | None
    """Seconds on the device's clock of the first sample."""
    rate_hz: float
    values: Floats
    """(n,) in `unit`; NaN where a sample is marked invalid."""
    unit: str
    valid: bool = True
    reason: Reason | None = None
    rival_of: str | None = None
    """As in Sample."""


@dataclass(frozen=True, slots=True)
class DeviceAlarm:
    """An alarm that the monitor itself holds active."""

    code: str
    text: str
    t_s: float | None
    """Seconds on the device's clock."""
    priority: str
    """`high`, `medium` or `low`."""
    technical: bool


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A stretch of input that could not be used: counted and reported, never raised."""

    offset: int
    """Bytes from the start of the stream (lines, for text files)."""
    length: int
    """Bytes given up."""
    reason: str
    """One of the decoder's own fixed words, such as `fcs` or `cut short`."""


DERIVED = "derived"
"""Sample.code of numerics that were computed from the waveform, not told by the monitor."""

Event: TypeAlias = "Sample | WaveChunk | DeviceAlarm | Corrupt"


@dataclass(frozen=True, slots=True)
class FeedCounts:
    """What a decoder has seen so far."""

    bytes: int = 0
    frames: int = 0
    """Sound frames (messages, rows)."""
    corrupt: int = 0
    samples: int = 0
    """Numeric values plus waveform samples."""
    corrupt_by_reason: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patient:
    """The static description (patient file of the design, part 4). Every field may be missing."""

    age_years: float | None = None
    sex: str | None = None
    """`F`, `M` or None."""
    height_cm: float | None = None
    weight_kg: float | None = None
    asa: int | None = None
    """ASA physical status, 1 to 6."""
    emergency: bool | None = None
    department: str | None = None
    procedure: str | None = None
    diagnosis: str | None = None
    approach: str | None = None
    position: str | None = None
    anaesthesia: str | None = None
    history: tuple[str, ...] = ()
    labs: tuple[tuple[str, float], ...] = ()
    """(name with its unit, value), sorted by name: ("hb_g_dl", 12.9)."""
    notes: tuple[tuple[str, str], ...] = ()
    """(section, free text), sorted by section."""


@dataclass(frozen=True, slots=True)
class CaseSoFar:
    """The whole case up to now on the evaluation's own terms (calibration.events)."""

    minutes: float
    map_mean: float
    """mmHg; NaN before the first valid sample."""
    map_min: float
    """mmHg; NaN likewise."""
    events: int
    """Hypotensive events that have ended or are running."""
    minutes_below_65: float
    minutes_below_70: float


@dataclass(frozen=True, slots=True)
class Window:
    """The last 15 minutes on one grid. A gap is NaN, with its mask False, never a filled-in number."""

    t_end_s: float
    """Seconds on the device's clock; the last column covers (t_end - step, t_end]."""
    step_s: float
    channels: tuple[str, ...]
    values: Floats
    """(channel, time) in each channel's canonical unit."""
    mask: NDArray[np.bool_]
    """(channel, time) True where `values` holds a measurement."""
    case: CaseSoFar
    hypotensive: bool = False
    """MAP is low now, or an event ended less than 120 s ago: no landmark of the evaluation."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What the graph takes: float32 and int64, batch 1 in front."""

    series: NDArray[np.float32]
    """(1, channel, time) mmHg or canonical unit, 0 where masked."""
    mask: NDArray[np.float32]
    """(1, channel, time) 1 where measured."""
    trend: NDArray[np.float32]
    """(1, scale, feature): tokens.TREND_FEATURES over tokens.TREND_MINUTES, then the case so far."""
    text: NDArray[np.int64]
    """(1, token) ids, padded with 0."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the graph gives, before calibration."""

    logits: Floats
    """(3,) raw risk logits at 5, 10 and 15 min, in order."""
    minutes: Floats
    """(step,) minutes ahead."""
    q10: Floats
    """(step,) mmHg."""
    q50: Floats
    """(step,) mmHg."""
    q90: Floats
    """(step,) mmHg."""
    gates: dict[str, float]
    """How much each modality counted, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Risk:
    """A calibrated forecast: the decision that can raise an alarm."""

    t_s: float
    """Seconds on the device's clock."""
    p: tuple[float, float, float]
    """Probability of an onset within 5, 10 and 15 min; never falling."""
    forecast: Forecast
    hypotensive: bool = False
    """As in Window: no *new* onset can be forecast now, so this risk raises no alarm of its own."""


@dataclass(frozen=True, slots=True)
class Abstain:
    """No forecast, and why."""

    t_s: float
    reason: str
    """A stable word, a colon, the figures: `short history: 4.5 of 15 min`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The forecast itself is broken (NaN, wrong shape, engine error)."""

    t_s: float
    reason: str


Decision: TypeAlias = "Risk | Abstain | Fault"

HORIZONS_MIN = (5, 10, 15)
"""Minutes ahead at which risk is stated, everywhere."""
