"""The samples of a WFDB signal file: bytes to counts, in every format that is read.

    16       i16 little-endian    61  i16 big-endian    160  u16 - 32768    24, 32  i24, i32 little-endian
    80       u8 - 128             8   i8: the difference from the sample before of the same signal
    212      two 12-bit samples in three bytes: low byte | high nibbles (second << 4 | first) | low byte
    310      three of 10 bits in two u16: bits 1-10 of each; bits 11-15 of the first, then of the second
    311      three of 10 bits in one u32, the lowest first; two bits unused
(signal(5) of the WFDB applications guide.)
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Counts: TypeAlias = NDArray[np.int64]
    Groups: TypeAlias = NDArray[np.uint8]
    """(group, byte)."""


@dataclass(frozen=True, slots=True)
class Format:
    """How samples are packed: in groups of `samples`, each of `size` bytes."""

    bits: int
    samples: int
    size: int
    read: Callable[[Groups], Counts]
    """(group, byte) -> (group, sample)."""
    partial: tuple[int, ...] = ()
    """Samples in the first 0, 1, 2, ... bytes of a group that is cut off; none where nothing is said."""
    differences: bool = False

    @property
    def gap(self) -> int | None:
        """The count that marks a missing sample: the lowest; a difference marks nothing."""
        return None if self.differences else -(1 << (self.bits - 1))

    def counts(self, data: bytes) -> Counts:
        """Give the whole samples in `data`, (n,)."""
        groups, rest = divmod(len(data), self.size)
        n = groups * self.samples + (self.partial[rest] if rest < len(self.partial) else 0)
        padded = data + bytes(-len(data) % self.size)
        return self.read(np.frombuffer(padded, np.uint8).reshape(-1, self.size)).reshape(-1)[:n]

    def bytes_of(self, samples: int) -> int:
        """Give the bytes that so many samples take."""
        groups, rest = divmod(samples, self.samples)
        partial = enumerate(self.partial)
        last = next((size for size, held in partial if held >= rest), self.size) if rest else 0
        return groups * self.size + last


def _whole(kind: str, offset: int = 0) -> Callable[[Groups], Counts]:
    return lambda groups: groups.view(np.dtype(kind)).astype(np.int64) - offset


def _24(groups: Groups) -> Counts:
    low, middle, high = groups.astype(np.int64).T
    return _signed(low | middle << 8 | high << 16, 24)


def _212(groups: Groups) -> Counts:
    low, nibbles, second = groups.astype(np.int64).T
    return _signed(np.stack([low | (nibbles & 0x0F) << 8, second | (nibbles & 0xF0) << 4], axis=1), 12)


def _310(groups: Groups) -> Counts:
    first, second = groups.view("<u2").astype(np.int64).T
    third = first >> 11 | second >> 11 << 5
    return _signed(np.stack([first >> 1 & 0x3FF, second >> 1 & 0x3FF, third], axis=1), 10)


def _311(groups: Groups) -> Counts:
    word = groups.view("<u4").astype(np.int64)
    return _signed(np.concatenate([word & 0x3FF, word >> 10 & 0x3FF, word >> 20 & 0x3FF], axis=1), 10)


def _signed(unsigned: Counts, bits: int) -> Counts:
    return np.where(unsigned >= 1 << (bits - 1), unsigned - (1 << bits), unsigned)


FORMATS: Final[Mapping[int, Format]] = MappingProxyType(
    {
        8: Format(8, 1, 1, _whole("i1"), differences=True),
        16: Format(16, 1, 2, _whole("<i2")),
        24: Format(24, 1, 3, _24),
        32: Format(32, 1, 4, _whole("<i4")),
        61: Format(16, 1, 2, _whole(">i2")),
        80: Format(8, 1, 1, _whole("u1", 128)),
        160: Format(16, 1, 2, _whole("<u2", 32768)),
        212: Format(12, 2, 3, _212, (0, 0, 1)),
        310: Format(10, 3, 4, _310, (0, 0, 1, 1)),
        311: Format(10, 3, 4, _311, (0, 0, 1, 2)),
    }
)
