"""Real monitors' bytes where there are any: `shared/captures` beside the project, or BAROCAST_CAPTURES."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

from barocast.runtime.decoders.intellivue_log import STAMP, STAMP_BYTES

FOLDER = Path(
    os.environ.get("BAROCAST_CAPTURES", Path(__file__).resolve().parents[2] / "shared" / "captures")
)


def captured(name: str) -> bytes:
    """Give a capture's bytes; none where it is absent."""
    path = FOLDER / name
    return path.read_bytes() if path.is_file() else b""


def logged(name: str) -> list[bytes]:
    """Give the pieces of a host's log, each without the time that stands before it."""
    log = captured(name)
    edges = [*(stamp.start() for stamp in STAMP.finditer(log)), len(log)]
    return [log[a + STAMP_BYTES : b] for a, b in pairwise(edges)]
