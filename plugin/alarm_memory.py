"""What the alarm system keeps through a crash of its process: one small file, of this boot of the box alone.

    keep(state)      -> "" or why it could not be written
    recall()         -> what was kept, and the seconds since; infinite where nobody knows

After a reboot nobody knows how long the box was away, since its clock may have been set meanwhile: nothing
is taken over, which is never quieter (runtime.alarm.restart). So the file needs no flush to the disk, and is
best kept in memory (/run).
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.clock import boot_id, boottime_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_BYTES: Final = 1 << 20
"""A state takes a few thousand; a longer file is not ours."""


class AlarmMemory:
    """One bed's."""

    def __init__(
        self,
        path: Path,
        bundle_id: str,
        boottime: Callable[[], float] = boottime_s,
        boot: Callable[[], str] = boot_id,
    ) -> None:
        """Open nothing yet. Another bundle's state is not taken over: its risks are of another model."""
        self._path, self._bundle_id = path, bundle_id
        self._boottime, self._boot = boottime, boot
        self._turn_s: float | None = None
        """When the bed's turn began whose state is kept: what the turn takes must lengthen no pause."""

    def turn(self) -> None:
        """Take the time: a turn of the bed begins."""
        self._turn_s = self._boottime()

    def keep(self, state: dict[str, Any]) -> str:
        """Write the state in the place of the former one, whole or not at all."""
        head = {"bundle": self._bundle_id, "boot": self._boot(), "boottime_s": self._of_turn()}
        draft = self._path.with_suffix(".draft")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({**head, "state": state}, allow_nan=False), "utf-8")
            draft.replace(self._path)
        except OSError as error:
            return f"alarm memory: {self._path}: {error.strerror}"
        return ""

    def _of_turn(self) -> float:
        return self._boottime() if self._turn_s is None else self._turn_s

    def recall(self) -> tuple[object, float]:
        """Read what was kept; a file that is not ours is as good as none."""
        try:
            with self._path.open("rb") as file:
                kept = json.loads(file.read(MOST_BYTES))
            same = (kept["bundle"], kept["boot"]) == (self._bundle_id, self._boot())
            away_s = float(self._boottime() - kept["boottime_s"]) if same and kept["boot"] else math.inf
            return kept["state"], away_s
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None, math.inf
