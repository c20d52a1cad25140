"""A seed: one sound input of a format, and how the format seals it.

The seal is what a wire or a file puts around a payload: checksums, lengths, compression. Damage done before
it is what only the parser behind it can notice; damage done after it should not even get there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REAL: Final = 40
"""Most payloads taken from one capture, spread over it."""


@dataclass(frozen=True, slots=True)
class Seed:
    """One sound input."""

    payload: bytes
    seal: Callable[[bytes], bytes] = bytes
    """Payload, damaged or not, to what the wire or the file carries."""


def sealed(payloads: Iterable[bytes], seal: Callable[[bytes], bytes] = bytes) -> list[Seed]:
    """Give seeds that share a seal; an absent capture is no seed."""
    return [Seed(payload, seal) for payload in payloads if payload]


def spread(payloads: list[bytes]) -> list[bytes]:
    """Give at most about REAL of them."""
    return payloads[:: max(1, len(payloads) // REAL)]
