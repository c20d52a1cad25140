"""Events: each is a noun of ours, with a true time, a plausible value, or a reason for none."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.conformance.reading import NOUNS
from barocast.plugin.conformance.subject import whole
from barocast.plugin.conformance.verdict import Check, NotShown, failed, passed
from barocast.runtime.domain import Corrupt, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Verdict
    from barocast.runtime.domain import Event


def _nouns(subject: Subject) -> Verdict:
    return _each(subject, _misnamed, "event is a noun of domain.py, of a channel and unit of tracks.py")


def _misnamed(event: object) -> str:
    if not isinstance(event, NOUNS):
        return f"{type(event).__name__} is none of {', '.join(noun.__name__ for noun in NOUNS)}"
    if isinstance(event, Corrupt):
        sound = event.offset >= 0 and event.length >= 0 and bool(event.reason)
        return "" if sound else f"{event} needs a place and a reason"
    if not isinstance(event, Sample | WaveChunk) or event.channel is None:
        return ""
    track = CHANNELS.get(event.channel)
    if track is None:
        return f"channel {event.channel!r} is none of tracks.CHANNELS; leave it None"
    if event.channel.endswith("_WAVE") != isinstance(event, WaveChunk):
        return f"{event.channel} comes as a {type(event).__name__}"
    return "" if event.unit == track.unit else f"{event.channel} in {event.unit!r}; its unit is {track.unit}"


def _shapes(subject: Subject) -> Verdict:
    return _each(subject, _misshapen, "wave is a row of float64 at a rate above 0")


def _misshapen(event: Event) -> str:
    if not isinstance(event, WaveChunk):
        return ""
    values = event.values
    if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 1:
        return f"wave {event.code} holds {type(values).__name__} in place of (n,) float64"
    return "" if 0 < event.rate_hz < math.inf else f"wave {event.code} has a rate of {event.rate_hz} Hz"


def _times(subject: Subject) -> Verdict:
    """Judge each code's course by itself: devices send series of different age side by side."""
    reading = whole(subject)
    courses: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for end, event in zip(reading.ends, reading.events, strict=True):
        if _measured(event) and event.t_s is not None:
            courses[f"{type(event).__name__} {event.code}"].append((end, event.t_s))
    if not courses:
        return passed("the device tells no time (t_s is None): values are dated by their arrival")
    if fault := next(filter(None, map(_course_fault, courses.items())), None):
        return fault
    times = [t_s for course in courses.values() for _, t_s in course]
    if max(map(len, courses.values())) == 1:
        raise NotShown("the recording tells of one moment only; give a longer one")
    if max(times) == min(times) and any(_measured(event) and event.t_s is None for event in reading.events):
        return passed(
            f"one time, {times[0]:.3f} s, of a single measurement; all else is dated by its arrival"
        )
    if max(times) == min(times):
        return failed(f"all times are {times[0]:.3f} s: the clock stands", "the whole recording")
    return passed(f"{len(courses)} series advance over {max(times) - min(times):.1f} s")


def _course_fault(item: tuple[str, list[tuple[int, float]]]) -> Verdict | None:
    name, course = item
    last_s = -math.inf
    for end, t_s in course:
        if not math.isfinite(t_s):
            return failed(f"{name} has the time {t_s}", f"by byte {end}")
        if t_s < last_s:
            return failed(f"{name} goes back from {last_s:.3f} to {t_s:.3f} s", f"by byte {end}")
        last_s = t_s
    return None


def _plausible(subject: Subject) -> Verdict:
    return _each(subject, _implausible, "valid value is one that its sensor can report")


def _implausible(event: Event) -> str:
    track = CHANNELS.get(event.channel or "") if _measured(event) and event.valid else None
    if track is None or not _measured(event):
        return ""
    values = np.atleast_1d(event.value if isinstance(event, Sample) else event.values)
    beyond = values[(values < track.low) | (values > track.high)]
    if not len(beyond):
        return ""
    return (
        f"{event.channel} = {beyond[0]:g} {track.unit} is outside {track.low:g} to {track.high:g}, yet valid"
    )


def _reasons(subject: Subject) -> Verdict:
    return _each(subject, _unreasoned, "value is either finite and valid, or invalid with a reason")


def _unreasoned(event: Event) -> str:
    if not isinstance(event, Sample | WaveChunk):
        return ""
    if event.valid != (event.reason is None):
        return f"{event.code} is {'valid' if event.valid else 'invalid'} with reason {event.reason}"
    if isinstance(event, Sample) and event.valid and not math.isfinite(event.value):
        return f"{event.code} = {event.value} counts as valid"
    endless = isinstance(event, WaveChunk) and bool(np.isinf(event.values).any())
    return f"wave {event.code} holds an infinite value" if endless else ""


def _each(subject: Subject, fault: Callable[[Event], str], right: str) -> Verdict:
    """Judge every event by itself."""
    reading = whole(subject)
    for end, event in zip(reading.ends, reading.events, strict=True):
        if said := fault(event):
            return failed(said, f"by byte {end}")
    return passed(f"every {right} ({len(reading.events)} events)")


def _measured(event: Event) -> TypeGuard[Sample | WaveChunk]:
    return isinstance(event, Sample | WaveChunk)


CHECKS: Final = (
    Check(
        "events",
        "nouns",
        _nouns,
        "give Sample, WaveChunk, DeviceAlarm or Corrupt, converted by units.to_canonical",
    ),
    Check("events", "waves", _shapes, "give values as numpy float64 of one dimension, and the true rate"),
    Check("events", "times", _times, "give the device's own clock in seconds, or None where it tells none"),
    Check("events", "plausible", _plausible, "ask tracks.plausible and mark what is outside `range`"),
    Check("events", "reasons", _reasons, "missing is NaN, valid=False and a Reason; valid has no reason"),
)
