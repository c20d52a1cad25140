"""Reconnect: values come again soon after anything that can happen to a line, and stop after a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.conformance.cable import START_S, STEP_S
from barocast.plugin.conformance.garbage import turned
from barocast.plugin.conformance.reading import guarded
from barocast.plugin.conformance.verdict import Check, Grade, failed, passed

if TYPE_CHECKING:
    from barocast.plugin.conformance.cable import Cable
    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Verdict

BACK_S: Final = 20.0
"""Longest way back to values once the monitor can be heard again; to this comes the feed's own interval."""
AWAY_S: Final = (0.0, 3.0, 30.0, 120.0)
"""How long a monitor that restarts is away; beyond every back-off at last."""
ONE_WAY_S: Final = 60.0
NOISE_S: Final = 30.0
HALF: Final = 0.5
"""Share of noise that is noise; the rest are sound pieces with turned bits."""
JUMP_S: Final = 3600.0
"""Of the session's clock: a computer that was suspended."""
QUIET_S: Final = 15.0
"""After a release: three of the longest intervals between values."""
CUT: Final = frozenset({"serial", "udp"})
"""Schemes on which a device sends on when nobody listens; a connection ends when it is closed."""
GRACE_S: Final = 2.0
"""After a release: what is on its way may still come."""


def _connects(subject: Subject) -> Verdict:
    cable = subject.cable()
    cable.run(subject.settle_s)
    return _back(cable, START_S, "a monitor was switched on", cable.pause_s())


def _restarts(subject: Subject) -> Verdict:
    verdicts = [_restarted(subject, away_s) for away_s in AWAY_S]
    late = next((verdict for verdict in verdicts if verdict.grade is Grade.FAIL), None)
    return late or passed(f"{verdicts[0].evidence}; and in time when away for up to {max(AWAY_S):g} s")


def _restarted(subject: Subject, away_s: float) -> Verdict:
    cable = subject.settled()
    pause_s = cable.pause_s()
    cable.run(away_s, deaf=True, mute=True)
    cable.exchange(subject.monitor())
    return _afterwards(subject, cable, f"a monitor forgot us and was away for {away_s:g} s", pause_s)


def _one_way(subject: Subject) -> Verdict:
    cable = subject.settled()
    pause_s = cable.pause_s()
    cable.run(ONE_WAY_S, mute=True)
    return _afterwards(subject, cable, f"the monitor heard nothing for {ONE_WAY_S:g} s", pause_s)


def _noisy(subject: Subject) -> Verdict:
    cable = subject.settled()
    pause_s = cable.pause_s()
    random = np.random.default_rng(subject.seed)
    cable.spoil = lambda piece: random.bytes(len(piece)) if random.random() < HALF else turned(piece, random)
    cable.run(NOISE_S)
    cable.spoil = bytes
    return _afterwards(subject, cable, f"{NOISE_S:g} s of noise (seed {subject.seed})", pause_s)


def _jump(subject: Subject) -> Verdict:
    cable = subject.settled()
    pause_s = cable.pause_s()
    cable.now_s += JUMP_S
    return _afterwards(subject, cable, f"now_s jumped by {JUMP_S:g} s", pause_s)


def _afterwards(subject: Subject, cable: Cable, what: str, pause_s: float) -> Verdict:
    since_s = cable.now_s
    cable.run(subject.settle_s)
    return _back(cable, since_s, what, pause_s)


def _back(cable: Cable, since_s: float, what: str, pause_s: float) -> Verdict:
    first = next(iter(cable.usable(since_s)), None)
    limit_s = BACK_S + pause_s
    if first is None:
        return failed(f"no usable value in {cable.now_s - since_s:.0f} s after {what}", cable.place(since_s))
    took_s = first.at_s - since_s
    said = f"first usable value {took_s:.1f} s after {what}"
    return (
        passed(said) if took_s <= limit_s else failed(f"{said}; limit {limit_s:.0f} s", cable.place(since_s))
    )


def _release(subject: Subject) -> Verdict:
    guarded(subject.cable().session.release, "release() before anything was sent")
    cable = subject.settled()
    if not cable.asks:
        return passed("the session only listens and answers: there is nothing to release")
    cable.farewell()
    released_s = cable.now_s
    cable.run(QUIET_S)
    after = [sent.at_s for sent in cable.sent if sent.at_s > released_s + STEP_S]
    if after:
        return failed(f"it sent {len(after)} times after its release", cable.place(after[0]))
    closed = CUT.isdisjoint(subject.feed.schemes)
    if not closed and cable.usable(released_s + GRACE_S):
        return failed(f"values still came {GRACE_S:g} s after the release", cable.place(released_s))
    came = "the connection is closed" if closed else "no value came"
    return passed(f"in {QUIET_S:g} s after the release nothing was sent, and {came}")


CHECKS: Final = (
    Check(
        "reconnect",
        "connects",
        _connects,
        "let the first due() ask, and ask again until values come",
        of="session",
    ),
    Check(
        "reconnect",
        "restarts",
        _restarts,
        "take silence for a lost connection, and begin anew at once",
        of="session",
    ),
    Check(
        "reconnect",
        "one way",
        _one_way,
        "go on asking while values stay out, whatever else is heard",
        of="session",
    ),
    Check(
        "reconnect",
        "noise",
        _noisy,
        "let noise neither count as life nor leave the session in a dead end",
        of="session",
    ),
    Check(
        "reconnect",
        "clock jump",
        _jump,
        "compare now_s with deadlines only; count nothing in calls",
        of="session",
    ),
    Check(
        "reconnect",
        "release",
        _release,
        "send the farewell in release(), and nothing from due() after it",
        of="session",
    ),
)
