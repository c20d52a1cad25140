"""Drift: a series stands on the device's own clock, however that runs and whenever its bytes arrive."""

from __future__ import annotations

from functools import partial
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.conformance.cable import START_S, Cable
from barocast.plugin.conformance.reading import guarded, told
from barocast.plugin.conformance.verdict import Check, Grade, NotShown, failed, passed
from barocast.runtime.domain import Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from barocast.plugin.conformance.cable import Heard
    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Verdict
    from barocast.runtime.domain import Event

DRIFT: Final = 0.005
"""Of the monitor's clock: five times what is met, so that minutes show it."""
DRIFT_S: Final = 400.0
SHIFT_S: Final = 0.5
"""A series that moves by more against the monitor's own clock is shifted; the drift comes to 2 s."""
EARLIER_S: Final = 120.0
"""Before a restart: so long that the new clock does not catch up with the old one meanwhile."""
RECOVER_S: Final = 20.0
"""After a restart, until values come again."""
DATAGRAM_RUNS: Final = 10
LOST, LATE, DOUBLED = 0.05, 0.1, 0.15
"""Shares of datagrams, cumulated."""
ARRIVALS: Final[Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "an hour later": lambda at_s: at_s + 3600,
        "1 % slower": lambda at_s: START_S + 1.01 * (at_s - START_S),
        "in bursts of 2 s": lambda at_s: at_s - at_s % 2.0 + 2.0,
    }
)


def _drift(subject: Subject) -> Verdict:
    cable = subject.settled()
    cable.pace = 1 + DRIFT
    begun_s = cable.now_s
    cable.run(DRIFT_S)
    return _steady(cable, begun_s, f"in {DRIFT_S:g} s with its clock {1000 * DRIFT:g} ms/s fast")


def _restart(subject: Subject) -> Verdict:
    cable = subject.settled()
    cable.run(EARLIER_S)
    before_s = _lag_s(cable.heard)
    cable.exchange(subject.monitor())
    cable.run(RECOVER_S)
    begun_s = cable.now_s
    cable.run(3 * subject.settle_s)
    steady = _steady(cable, begun_s, "after its clock began anew")
    after_s = _lag_s(cable.since(begun_s))
    if steady.grade is Grade.FAIL or before_s is None or after_s is None:
        return steady
    if abs(after_s - before_s) > SHIFT_S:
        said = f"after a restart the series stands {after_s - before_s:+.1f} s off the monitor's new clock"
        return failed(said, cable.place(begun_s))
    return steady


def _steady(cable: Cable, since_s: float, what: str) -> Verdict:
    """Judge how far the series moves against the monitor's clock between the first and the last third."""
    third_s = (cable.now_s - since_s) / 3
    heard = cable.since(since_s)
    if not heard:
        return failed(f"no event came {what}", cable.place(since_s))
    first = _lag_s([one for one in heard if one.at_s <= since_s + third_s])
    last = _lag_s([one for one in heard if one.at_s > cable.now_s - third_s])
    if first is None or last is None:
        return passed("the device tells no time (t_s is None): values are dated by their arrival")
    said = f"{what} the series moved {first - last:+.2f} s against the device's clock; limit {SHIFT_S:g} s"
    return passed(said) if abs(first - last) <= SHIFT_S else failed(said, cable.place(since_s))


def _lag_s(heard: list[Heard]) -> float | None:
    """Give how far values lie behind the monitor's own clock, seconds; None when they have no time."""
    lags = [one.monitor_s - t_s for one in heard if (t_s := _time_of(one.event)) is not None]
    return median(lags) if lags else None


def _time_of(event: Event) -> float | None:
    return event.t_s if isinstance(event, Sample | WaveChunk) else None


def _arrival(subject: Subject) -> Verdict:
    said = subject.settled().said
    true = list(map(told, _replayed(subject, said, "as it came")))
    for name, moved in ARRIVALS.items():
        again = _replayed(subject, [(moved(at_s), piece) for at_s, piece in said], name)
        if list(map(told, again)) != true:
            return failed(f"the same bytes {name} give other events", f"{len(said)} pieces, {name}")
    return passed(f"{len(true)} events, the same {', '.join(ARRIVALS)}")


def _replayed(subject: Subject, said: list[tuple[float, bytes]], trial: str) -> list[Event]:
    if subject.feed.session is None:
        raise NotShown("the feed has no session")
    session = subject.feed.session()
    came: list[Event] = []
    for at_s, piece in said:
        where = Cable.place(at_s)
        guarded(partial(session.due, at_s), where, trial)
        came += guarded(partial(session.receive, piece, at_s), where, trial)[0]
    return came


def _datagrams(subject: Subject) -> Verdict:
    said = subject.settled().said
    shown: dict[tuple[str, float | None], set[float]] = {}
    for value in _values(_replayed(subject, said, "as it came")):
        shown.setdefault((value.code, value.t_s), set()).add(value.value)
    for seed in range(subject.seed, subject.seed + DATAGRAM_RUNS):
        troubled = _values(_replayed(subject, list(_troubled(said, seed)), f"seed {seed}"))
        if wrong := next((value for value in troubled if not _true(value, shown)), None):
            said_of_it = f"{wrong.code} = {wrong.value:g} at {wrong.t_s} s"
            return failed(f"{said_of_it} comes of lost, doubled or swapped datagrams alone", f"seed {seed}")
    seeds = f"{DATAGRAM_RUNS} seeds from {subject.seed}"
    return passed(f"datagrams lost, doubled and swapped ({seeds}) give no false value")


def _true(value: Sample, shown: dict[tuple[str, float | None], set[float]]) -> bool:
    """Say whether a value is as it was; one that the device repeats may be seen later by its clock."""
    if (value.code, value.t_s) in shown:
        return value.value in shown[value.code, value.t_s]
    times = {t_s for _, t_s in shown}
    return value.t_s in times and any(value.value in shown.get((value.code, t_s), ()) for t_s in times)


def _troubled(said: list[tuple[float, bytes]], seed: int) -> Iterator[tuple[float, bytes]]:
    """Lose some, send some twice, and let some be overtaken."""
    fates = np.random.default_rng(seed).random(len(said))
    late: list[tuple[float, bytes]] = []
    for one, fate in zip(said, fates, strict=True):
        if LOST <= fate < LATE:
            late.append(one)
        elif fate >= LOST:
            yield one
            if fate < DOUBLED:
                yield one
            yield from late
            late.clear()


def _values(events: list[Event]) -> list[Sample]:
    return [event for event in events if isinstance(event, Sample) and event.valid]


CHECKS: Final = (
    Check(
        "drift",
        "slow clock",
        _drift,
        "date by the device's clock alone; now_s is for deadlines",
        of="session",
    ),
    Check(
        "drift", "restart", _restart, "begin the reckoning of time anew with each connection", of="session"
    ),
    Check("drift", "arrival", _arrival, "let no event hang on now_s", of="session"),
    Check(
        "drift",
        "datagrams",
        _datagrams,
        "put parts together by their own numbers, not in the order they came",
        of="datagrams",
    ),
)
