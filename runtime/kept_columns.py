"""The newest columns of a grid that only grows: rows of one dtype by their number, bounded, in one array.

    reach(stop)               empty rows up to column `stop` - 1; what is older than the newest `most` may go
    between(start, stop)      a copy, empty where nothing is kept
    reserve()                 take all the memory there will ever be, so that nothing grows with time

Without `reserve` the array grows by doubling. When it is full, the oldest rows make room for an hour at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPARE: Final = 360
"""Rows beyond `most`: once in so many the others are moved."""
FIRST_ROOM: Final = 360


class KeptColumns:
    """Rows of one grid."""

    def __init__(self, empty: NDArray[Any], most: int, first: int | None = None) -> None:
        """`empty`, () of the rows' dtype, is an unset row; `first` None: what is reached first."""
        self._empty, self._most = empty, most
        self._first = first
        self._size = 0
        self._room = np.full(min(FIRST_ROOM, most), empty)

    @property
    def first(self) -> int:
        """Number of the oldest row; 0 before any."""
        return self._first or 0

    @property
    def stop(self) -> int:
        """One more than the number of the newest row; `first` while there is none."""
        return self.first + self._size

    @property
    def rows(self) -> NDArray[Any]:
        """(n,) what is kept, to read and to set; row 0 is column `first`. Valid until the next `reach`."""
        return self._room[: self._size]

    def begin(self, first: int) -> None:
        """Forget all rows; the next one is column `first`."""
        self._first, self._size = first, 0

    def reach(self, stop: int) -> None:
        """Go on with empty rows up to column `stop` - 1; nothing where it is there already."""
        if self._first is None:
            self._first = stop
        if stop - self.stop >= self._most:
            self._first, self._size = stop - self._most, 0
        ahead = stop - self.stop
        if ahead > 0:
            self._make_room(ahead)
            self._room[self._size : self._size + ahead] = self._empty
            self._size += ahead

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Give columns `start` to `stop`."""
        found = np.full(max(stop - start, 0), self._empty)
        low, high = max(start, self.first), min(stop, self.stop)
        if low < high:
            found[low - start : high - start] = self.rows[low - self.first : high - self.first]
        return found

    def newest(self) -> tuple[int, NDArray[Any]]:
        """Give the number of the oldest of the newest `most` columns, and these."""
        start = max(self.first, self.stop - self._most)
        return start, self.between(start, self.stop)

    def reserve(self) -> None:
        """Take all the memory there will ever be."""
        self._grow(self._most + SPARE)

    def _make_room(self, ahead: int) -> None:
        needed, most = self._size + ahead, self._most + SPARE
        if needed > self._room.size < most:
            self._grow(min(max(needed, 2 * self._room.size), most))
        if needed > self._room.size:
            self._forget(needed - self._most)

    def _forget(self, rows: int) -> None:
        self._room[: self._size - rows] = self._room[rows : self._size].copy()
        self._first, self._size = self.first + rows, self._size - rows

    def _grow(self, room: int) -> None:
        grown = np.full(room, self._empty)
        grown[: self._size] = self.rows
        self._room = grown
