"""Small files of the kernel's (/proc, /sys): what is absent or makes no sense is nothing, never an error."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def folders(root: Path, pattern: str) -> list[Path]:
    """Give what matches, in order."""
    with suppress(OSError):
        return sorted(root.glob(pattern))
    return []


def number(path: Path) -> float | None:
    """Give the number that a file holds; None where there is none."""
    try:
        return float(text(path))
    except ValueError:
        return None


def text(path: Path) -> str:
    """Give a file's text; empty where it cannot be read, as of a part that is off."""
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text("ascii").strip()
    return ""
