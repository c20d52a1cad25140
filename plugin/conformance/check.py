"""Runs the checks over one feed and grades it.

    examine(subject, progress) -> Report

A check in which the driver raises, or does not come to an end, is failed; one that lacks what it needs is
`not shown`, never passed. What an examination finds hangs on the driver, the recording and the seed alone.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.conformance import drift, events, garbage, interface, reconnect, replay, silence
from barocast.plugin.conformance.reading import guarded
from barocast.plugin.conformance.verdict import DriverRaised, Finding, Grade, NotShown, Verdict, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Check

CHECKS: Final = (
    *interface.CHECKS,
    *replay.CHECKS,
    *events.CHECKS,
    *garbage.CHECKS,
    *silence.CHECKS,
    *reconnect.CHECKS,
    *drift.CHECKS,
)
PATIENCE_S: Final = 60.0
"""Of the wall: a check takes seconds, so a driver that is not done by then never will be."""


class _Stuck(BaseException):
    """The patience is at an end; no driver's `except Exception` holds it back."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an examination found."""

    feed: str
    recording: str
    """Where it came from, or why there was none."""
    seed: int
    findings: tuple[Finding, ...]

    @property
    def grade(self) -> str:
        """Sum it up: `fails`, `conforms as far as shown` or `conforms`."""
        grades = {finding.grade for finding in self.findings}
        if Grade.FAIL in grades:
            return "fails"
        return "conforms as far as shown" if Grade.NOT_SHOWN in grades else "conforms"

    def as_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {
            "feed": self.feed,
            "grade": self.grade,
            "recording": self.recording,
            "seed": self.seed,
            "findings": [asdict(finding) for finding in self.findings],
        }


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """Give the checks that say something of a feed: those of a session only where there is one."""
    has = {"": True, "session": subject.feed.session is not None, "datagrams": subject.datagrams}
    return tuple(check for check in CHECKS if has[check.of])


def examine(subject: Subject, progress: Callable[[Finding], None] = lambda _: None) -> Report:
    """Run every check; each finding is given to `progress` as it comes."""
    findings = []
    for check in checks_for(subject):
        findings.append(_finding(check, _judged(check, subject)))
        progress(findings[-1])
    return Report(subject.feed.name, subject.source, subject.seed, tuple(findings))


def _finding(check: Check, verdict: Verdict) -> Finding:
    mend = check.mend if verdict.grade in (Grade.FAIL, Grade.ADVICE) else ""
    return Finding(check.part, check.name, verdict.grade, verdict.evidence, verdict.place, mend)


def _judged(check: Check, subject: Subject) -> Verdict:
    try:
        with _patience():
            return guarded(lambda: check.judge(subject), "between two trials")
    except NotShown as missing:
        return Verdict(Grade.NOT_SHOWN, str(missing))
    except DriverRaised as raised:
        return failed(str(raised), raised.place)
    except _Stuck:
        return failed(f"it was not done within {PATIENCE_S:g} s; the driver may be in an endless loop")


@contextmanager
def _patience() -> Iterator[None]:
    """End what takes longer than PATIENCE_S, where the platform can."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _Stuck

    before, left = signal.signal(signal.SIGALRM, stop), signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)
