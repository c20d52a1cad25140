"""One sentence about the box, good or bad; also a JSON line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence that says the mend where it is bad."""

    topic: str
    ok: bool
    text: str

    def line(self) -> str:
        """Give it for a person."""
        return f"{'ok ' if self.ok else 'BAD'} {self.topic:<8} {self.text}"

    def json(self) -> str:
        """Give it for a program."""
        return json.dumps(asdict(self))


def good(topic: str, text: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(topic, ok=True, text=text)


def bad(topic: str, text: object) -> Finding:
    """Say that something is not, and what to do; an error says so itself."""
    return Finding(topic, ok=False, text=str(text))
