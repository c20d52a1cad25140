"""What a model is, as its bundle's manifest says it: fields of plain JSON <-> Manifest.

`from_fields` takes the fields without `format` and `files` (runtime.bundle reads those) and raises
AttributeError, KeyError, TypeError or ValueError where they are no manifest; whether this version can mean
it is asked by runtime.manifest_rules.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from barocast.calibration.events import EventRule
from barocast.calibration.learned_from import LearnedFrom
from barocast.calibration.trigger import TriggerRules

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class AlarmPoint:
    """The operating point chosen on the selection patients."""

    horizon_min: int
    """Whose risk raises the alarm: 5, 10 or 15."""
    trigger: TriggerRules


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the model is, apart from its files' hashes."""

    id: str
    sequence: int
    """Rises with every release: an older one can be refused."""
    intended_use: str
    event: EventRule
    channels: tuple[str, ...]
    step_s: float
    """Seconds a column of the window."""
    window_min: float
    shapes: Mapping[str, tuple[int, ...]]
    """Of everything that is fed and read, batch 1 in front."""
    horizons_min: tuple[int, ...]
    forecast_minutes: tuple[float, ...]
    """Minutes ahead of each MAP quantile step."""
    gates: tuple[str, ...]
    """Names of the gate outputs, in order."""
    text_template: str
    calibrator: Mapping[str, Any]
    """calibration.calibrators.Calibrators.to_dict()."""
    alarm: AlarmPoint
    known_answer_tolerance: float
    """Largest difference of a calibrated probability from its known answer."""
    learned_from: LearnedFrom | None = None
    """Whose patients taught it what; None in a bundle that does not say."""
    band: Mapping[str, Any] | None = None
    """calibration.conformal.ConformalBand.to_dict(); None where the graph's own quantiles are shown."""
    memory: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """What the prefix gives and the tick takes, batch 1 in front; empty: the tick reads the text itself."""
    reference: Mapping[str, str] | None = None
    """What the graphs were made to answer like: `mode`, SHA-256 of the checkpoint and of its float graphs;
    None in a bundle that does not say."""


def from_fields(fields: Mapping[str, Any]) -> Manifest:
    """Read what `to_fields` gave; lists become tuples."""
    plain: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in fields.items()}
    learned = fields.get("learned_from")
    nested = {
        "learned_from": None if learned is None else LearnedFrom.from_dict(learned),
        "event": EventRule(**fields["event"]),
        "alarm": _alarm_point(fields["alarm"]),
        "shapes": _shapes(fields["shapes"]),
        "memory": _shapes(fields.get("memory", {})),
    }
    return Manifest(**(plain | nested))


def to_fields(manifest: Manifest) -> dict[str, Any]:
    """Give the fields as JSON can hold them; what is None is left out, and a memory that is empty."""
    fields = {
        name: getattr(manifest, name) for name in Manifest.__slots__ if getattr(manifest, name) is not None
    }
    nested = {"event": asdict(manifest.event), "alarm": asdict(manifest.alarm)}
    mappings = {name: dict(getattr(manifest, name)) for name in ("shapes", "calibrator", "memory")}
    learned = {"learned_from": manifest.learned_from.to_dict()} if manifest.learned_from else {}
    said = fields | nested | mappings | learned
    if not manifest.memory:
        del said["memory"]
    return said


def _shapes(listed: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
    return MappingProxyType({name: tuple(shape) for name, shape in listed.items()})


def _alarm_point(fields: Mapping[str, Any]) -> AlarmPoint:
    return AlarmPoint(fields["horizon_min"], TriggerRules(**fields["trigger"]))
