"""What a check says of a driver: a grade, the evidence, the place, and the mend.

Check.judge(subject) -> Verdict          raises NotShown where what it needs is not there,
                                         DriverRaised where the driver raised
Finding                                  a verdict under its check's name
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.conformance.subject import Subject


class Grade(str, Enum):
    """How a check ended; only FAIL fails a driver."""

    PASS = "pass"  # noqa: S105 - a grade, no password
    FAIL = "fail"
    NOT_SHOWN = "not shown"
    ADVICE = "advice"

    def __str__(self) -> str:
        """Print the word, on every Python alike."""
        return self.value


class NotShown(Exception):  # noqa: N818 - it names what happened; the runner turns it into a grade
    """What the check needs is not there; its text says what."""


class DriverRaised(Exception):  # noqa: N818 - likewise
    """The driver raised where its contract allows no exception."""

    def __init__(self, what: str, place: str) -> None:
        super().__init__(what)
        self.place = place
        """Where in the input, and in which trial."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found."""

    grade: Grade
    evidence: str
    """One sentence with its figures."""
    place: str = ""
    """Byte offset, time or seed that shows a fault again; empty without one."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a driver."""

    part: str
    """`replay`, `events`, `garbage`, `silence`, `reconnect`, `drift` or `interface`."""
    name: str
    judge: Callable[[Subject], Verdict]
    mend: str
    """What to change in a driver that fails."""
    of: str = ""
    """`session` or `datagrams` where it says nothing of a feed without them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    part: str
    name: str
    grade: Grade
    evidence: str
    place: str
    mend: str
    """Empty unless something is to be mended."""


def passed(evidence: str) -> Verdict:
    """Say that it is right."""
    return Verdict(Grade.PASS, evidence)


def failed(evidence: str, place: str = "") -> Verdict:
    """Say that it is wrong, and where."""
    return Verdict(Grade.FAIL, evidence, place)


def advised(evidence: str, place: str = "") -> Verdict:
    """Say what would be better, without failing the driver for it."""
    return Verdict(Grade.ADVICE, evidence, place)
