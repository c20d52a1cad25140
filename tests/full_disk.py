"""A disk that refuses a change, at whatever moment a test asks for."""

from __future__ import annotations

import errno
import os
from pathlib import Path


class FullDisk:
    """Counts what changes a disk; the `fails`-th fails, and all after it where that lasts."""

    def __init__(self, monkeypatch, fails: int, *, lasting: bool) -> None:
        self.done, self.fails, self.lasting = 0, fails, lasting
        for owner, name in ((Path, "write_bytes"), (Path, "mkdir"), (Path, "rename"), (os, "fsync")):
            monkeypatch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, real):
        def operation(*given, **named):
            self.done += 1
            if self.done == self.fails or (self.lasting and self.done > self.fails):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*given, **named)

        return operation
