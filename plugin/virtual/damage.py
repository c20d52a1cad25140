"""Damage to what a line carries: bytes in, other bytes out, by seeded dice.

A wire format with a check sum (`checked`) may be hit anywhere. One without travels over TCP, which alters
nothing inside a message: there garbage stands between deliveries, and what is lost is a delivery's end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

BYTES_PER_FLIP: Final = 400
"""A bad line: every frame of a kilobyte is hit more often than not."""
MAX_GARBAGE: Final = 60
"""Bytes inserted at a time."""


def noisy(data: bytes, dice: Random, *, checked: bool) -> bytes:
    """Flip bytes and insert garbage."""
    if not data:
        return data
    garbage = dice.randbytes(dice.randrange(MAX_GARBAGE))
    if not checked:
        return garbage + data
    hit = bytearray(data)
    for _ in range(dice.randrange(1, 2 + len(data) // BYTES_PER_FLIP)):
        hit[dice.randrange(len(hit))] ^= dice.randrange(1, 256)
    at = dice.randrange(len(hit) + 1)
    return bytes(hit[:at]) + garbage + bytes(hit[at:])


def cut(data: bytes, dice: Random, *, checked: bool) -> bytes:
    """Lose a stretch of up to half of it; without a check sum its end."""
    if not data:
        return data
    lost = dice.randrange(1, 2 + len(data) // 2)
    at = dice.randrange(len(data)) if checked else len(data) - lost
    return data[:at] + data[at + lost :]
