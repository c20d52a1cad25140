"""One proven step of the setup, or one that is not: a line with its verdict, and the mend."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from barocast.plugin.doctor.finding import Finding


class Verdict(str, Enum):
    """What came of a step."""

    OK = "ok"
    BAD = "BAD"
    NOT_PROVEN = "not proven"
    """Nobody here could say: a person has to, and it is written down as open."""

    def __str__(self) -> str:
        """Print the word of the line, on every Python alike."""
        return self.value


@dataclass(frozen=True, slots=True)
class Step:
    """One line."""

    name: str
    verdict: Verdict
    text: str

    def line(self) -> str:
        """Give it for a person."""
        return f"{self.verdict.value:<10}  {self.name:<9} {self.text}"


def proven(name: str, text: str) -> Step:
    """Say that a step is proven."""
    return Step(name, Verdict.OK, text)


def failed(name: str, why: object) -> Step:
    """Say that it is not so; the text, or the error, says the mend."""
    return Step(name, Verdict.BAD, str(why))


def open_step(name: str, text: str) -> Step:
    """Say what a person still has to see to."""
    return Step(name, Verdict.NOT_PROVEN, text)


def of_finding(found: Finding) -> Step:
    """Take over what `doctor` says."""
    return Step(found.topic, Verdict.OK if found.ok else Verdict.BAD, found.text)
