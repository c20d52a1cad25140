"""Waiting for what another thread or program brings about."""

from __future__ import annotations

import time


def eventually(holds, seconds=20.0):
    """Give what `holds()` gives as soon as that is true; fail after so many seconds."""
    until_s = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until_s, "did not come about"
        time.sleep(0.005)
    return found
