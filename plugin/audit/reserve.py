"""Disk space that is held back, so that what must be written still can be when everything else is full.

`free()` gives it up at the moment that a write found no space; `hold()` takes it again once there is twice as
much. It holds real blocks (posix_fallocate), not a hole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "reserve"
RESERVE_BYTES: Final = 64 << 20
"""Over 100,000 rows of the log."""
LARGEST_SHARE: Final = 20
"""At most one part in this many of the disk, for small ones."""


class Reserve:
    """The file that holds the space. Raises nothing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    @property
    def held(self) -> bool:
        """Whether there is anything to give up."""
        return self._path.exists()

    def hold(self) -> bool:
        """Take the space where there is enough of it; tell whether it is held."""
        with contextlib.suppress(OSError):
            if not self.held:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                disk = shutil.disk_usage(self._path.parent)
                size = min(RESERVE_BYTES, disk.total // LARGEST_SHARE)
                if disk.free >= 2 * size:
                    self._allocate(size)
        return self.held

    def free(self) -> bool:
        """Give the space up; tell whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _allocate(self, size: int) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError:
            self.free()
            raise
        finally:
            os.close(handle)
