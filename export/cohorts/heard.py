"""One case played through the bedside's own pipeline -> its channels on the 10 s grid, or why it is rejected.

In: an Entry. Out: Heard or Rejected. What is an artefact is decided by runtime's steady time, gate, waves and
timeline, as at the bedside; here it is only asked for what they made of it. The embedded bundle is there
because a pipeline is not built without one: no decision ever falls due, nothing of it enters the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.calibration.landmarks import LOOK_BACK_S, MIN_VALID_SHARE, find_all_windows
from barocast.export.cohorts.entry import Rejected, Unreachable
from barocast.export.cohorts.levels import Levels
from barocast.export.validation.played import MAP, NEVER_S
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.domain import Fault, Sample
from barocast.runtime.errors import InputError
from barocast.runtime.pipeline import Pipeline
from barocast.runtime.timeline import STEP_S
from barocast.runtime.tracks import CHANNELS
from barocast.runtime.trust import trusted_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.export.cohorts.entry import Entry
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Forecast, ModelInput

NUMERICS: Final = tuple(channel for channel in CHANNELS if not channel.endswith("_WAVE"))
"""What a built cohort can hold, in this order."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One case as the pipeline saw it."""

    columns: dict[str, NDArray[np.float64]]
    """Channel -> (n,) on the 10 s grid, canonical unit, NaN where missing: ABP_MEAN, then the others."""
    started_s: float
    """Device time of the first column."""
    map_source: str
    """`monitor numeric` or `waveform mean`."""


def hear(entry: Entry) -> Heard | Rejected:
    """Play a case. Raises Unreachable alone: everything else that is wrong is the case's own."""
    try:
        heard = _played(entry)
    except Unreachable:
        raise
    except InputError as error:
        return Rejected(entry.case_id, str(error))
    if isinstance(heard, str):
        return Rejected(entry.case_id, heard)
    return replace(heard, map_source=entry.map_source or heard.map_source)


def _played(entry: Entry) -> Heard | str:
    pipeline, levels = Pipeline(_bundle(), _Unasked(), every_s=NEVER_S), Levels()
    began_s = math.nan
    for batch in entry.recording.events():
        levels.note(batch)
        for event in pipeline.judge(pipeline.steady(batch)):
            if math.isnan(began_s) and isinstance(event, Sample) and pipeline.timeline.begins_case(event):
                began_s = event.t_s or 0.0
            pipeline.take((event,))
    pipeline.finish()
    started_s, pressure = pipeline.timeline.case(MAP)
    trouble = levels.trouble() or _cut(began_s, started_s) or _thin(pressure)
    if trouble:
        return trouble
    others = {name: pipeline.timeline.case(name)[1] for name in NUMERICS if name != MAP}
    return Heard(
        {MAP: pressure} | {name: column for name, column in others.items() if np.isfinite(column).any()},
        started_s,
        "monitor numeric" if levels.told(MAP) else "waveform mean",
    )


def _cut(began_s: float, started_s: float) -> str:
    """Say that the timeline has forgotten the beginning: the rest would pass for a whole case."""
    if math.isnan(began_s) or math.ceil(began_s / STEP_S) * STEP_S == started_s:
        return ""
    return (
        f"{(started_s - began_s) / 3600:.1f} h after its start another case begins (a gap of an hour, a "
        "clock set back, or more than 24 h); cut the recording there"
    )


def _thin(pressure: NDArray[np.float64]) -> str:
    if find_all_windows(pressure, STEP_S).at.size:
        return ""
    valid, whole = np.isfinite(pressure).sum() * STEP_S / 60, pressure.size * STEP_S / 60
    need = LOOK_BACK_S / 60
    return (
        f"too little valid MAP: {valid:.1f} min of {whole:.1f}; a case needs {need:g} min in a row of which "
        f"{MIN_VALID_SHARE:.0%} ({need * MIN_VALID_SHARE:g} min) are valid"
    )


@cache
def _bundle() -> Bundle:
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    return replace(bundle, manifest=replace(bundle.manifest, channels=NUMERICS))


class _Unasked:
    """The engine of a pipeline that never decides."""

    name = "none"

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:  # noqa: ARG002 - an Engine's signature
        """Answer that nobody asked."""
        return Fault(t_s, "not asked")
