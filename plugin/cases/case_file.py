"""A case on disk: one append-only file of JSON lines, for its owner's eyes only.

    {"case": {"id", "admitted", "about"}, "patient": {...}, "notes_kept", "wall"}     first
    {"t_s", "state", ..., "map_10s", "at_s", "wall"}      a decision (sinks.jsonl.decision_line)
    {"log": {...}, "at_s"}                                an alarm transition or an operator's act
    {"described": {...}, "notes_kept", "wall"}            the patient, described anew
    {"ended": "discharged" | "interrupted" | "no data", "wall"}     last

A line that a power cut tore is cut off before the next one is written. A line that cannot be read is counted
and passed by. Nothing here raises on a failing disk: what failed is a text, and each line tries anew.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUFFIX: Final = ".jsonl"
MAX_LINE_BYTES: Final = 1 << 20
"""A decision takes a thousand, one with the columns of a whole day a hundred thousand."""
OWNER_ONLY: Final = 0o600
FOLDER_OWNER_ONLY: Final = 0o700


class CaseFile:
    """Appends; the first line goes before any other, whenever the disk takes it."""

    def __init__(self, path: Path, begins: Mapping[str, Any]) -> None:
        self.path = path
        self._begins = begins
        self._handle: int | None = None

    def append(self, line: Mapping[str, Any] | None = None) -> str:
        """Write one line, or see that the file has begun; give what failed, empty when nothing did."""
        try:
            if self._handle is None:
                self._handle = self._opened()
            if line is not None:
                _write(self._handle, line)
        except OSError as error:
            self.close()
            return f"{self.path}: {error.strerror}"
        return ""

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            os.close(handle)

    def _opened(self) -> int:
        self.path.parent.mkdir(mode=FOLDER_OWNER_ONLY, parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, OWNER_ONLY)
        try:
            if _heal(handle) == 0:
                _write(handle, self._begins)
        except OSError:
            os.close(handle)
            raise
        return handle


def read_case_file(path: Path) -> Iterator[dict[str, Any] | None]:
    """Give every line, None where one is no JSON object. Raises OSError."""
    with path.open("rb") as file:
        for text in iter(lambda: file.readline(MAX_LINE_BYTES), b""):
            yield parsed(text)


def parsed(text: bytes) -> dict[str, Any] | None:
    """Read one line; None where it is no JSON object."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _write(handle: int, line: Mapping[str, Any]) -> None:
    packed = json.dumps(line, allow_nan=False).encode() + b"\n"
    if os.write(handle, packed) != len(packed):
        raise OSError(0, "cut short")


def _heal(handle: int) -> int:
    """Cut off a torn last line; give how many bytes are left."""
    size = os.fstat(handle).st_size
    from_byte = max(0, size - MAX_LINE_BYTES)
    whole = from_byte + os.pread(handle, size - from_byte, from_byte).rfind(b"\n") + 1
    if whole < size:
        os.ftruncate(handle, whole)
    return whole
