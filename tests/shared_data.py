"""Where real monitor bytes and real patients' series lie, on machines that have them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _found(variable: str, folder: str, name: str) -> Path:
    base = Path(os.environ.get(variable, ROOT.parent / "shared" / folder))
    path = base / name
    if not path.exists():
        pytest.skip(f"needs {folder}/{name}, which is never committed (set {variable} to its folder)")
    return path


def captures(name: str) -> Path:
    """Give the path of a real capture, or skip the test with the reason."""
    return _found("BAROCAST_CAPTURES", "captures", name)


def cohort(name: str) -> Path:
    """Give the path of a cohort file, or skip the test with the reason."""
    return _found("BAROCAST_COHORT", "cohort", name)
