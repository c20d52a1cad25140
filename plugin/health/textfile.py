"""The metrics as a file, for node_exporter's textfile collector and `barocast doctor`: whole, or not at all.

    TextFile(path, text).start()    written now and every EVERY_S, by a thread of its own
    .close()                        the last one goes: a stopped service leaves no figures behind
    .trouble                        why it cannot be written; empty while it can

The thread is a daemon: a disk that hangs costs the figures, and no bed. Put the file on a tmpfs
(/run/barocast), where nothing is worn out by it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S: Final = 15.0
HEALTH: Final = Path("/run/barocast/health.prom")
"""Where the unit's service writes, and `doctor` looks."""
CLOSE_S: Final = 1.0
READABLE: Final = 0o644
"""The collector is another user; nothing in it is secret."""


class TextFile:
    """One file."""

    def __init__(self, path: Path, text: Callable[[], str], every_s: float = EVERY_S) -> None:
        self.trouble = ""
        self._path, self._text, self._every_s = path, text, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and take the file away."""
        self._stopping.set()
        self._thread.join(CLOSE_S)
        with suppress(OSError):
            self._path.unlink()

    def _run(self) -> None:
        self._once()
        while not self._stopping.wait(self._every_s):
            self._once()

    def _once(self) -> None:
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            fresh.write_text(self._text(), encoding="utf-8")
            fresh.chmod(READABLE)
            fresh.replace(self._path)
        except Exception as error:  # noqa: BLE001 - what fails here costs figures, not the service
            self.trouble = (
                f"{self._path}: health cannot be written: {getattr(error, 'strerror', '') or error}"
            )
        else:
            self.trouble = ""
