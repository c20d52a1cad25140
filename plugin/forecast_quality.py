"""What `barocast validate --from-log` last found of the forecasts: its status.json, told at the bedside.

In: the file that `[model] status` names. Out: a trouble in words, empty while there is none. It is read anew
every minute. A verdict on another bundle says nothing of this one, one that is older than TRUSTED_FOR nothing
of today.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock, utc_now
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEGRADED: Final = "degraded"
EVERY_S: Final = 60.0
"""Between two readings."""
TRUSTED_FOR: Final = timedelta(days=30)
"""Patients, staff and monitors change within months: what was judged longer ago is not known of today."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The verdict on a bundle's forecasts."""

    status: str
    """`ok`, `degraded` or `too few`."""
    since: str
    """When that began, ISO 8601."""
    judged_at: datetime
    """When the logs were last judged, with its zone."""
    bundle: str
    reasons: tuple[str, ...]

    def trouble(self, now: datetime) -> str:
        """Say that the forecasts are degraded, or that nobody has looked for long; empty otherwise."""
        if self.status == DEGRADED:
            return str(self)
        old = now - self.judged_at > TRUSTED_FOR
        return (
            f"not judged since {self.judged_at:%Y-%m-%d}; run `barocast validate --from-log`" if old else ""
        )

    def __str__(self) -> str:
        """Print it whole."""
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{self.status} since {self.since}{why}"


def read_quality(path: Path) -> Quality:
    """Read a status file. Raises SettingsError."""
    try:
        found = json.loads(path.read_text("utf-8"))
        status, since, bundle = (str(found[name]) for name in ("status", "since", "bundle"))
        judged_at = datetime.fromisoformat(found["judged_at"]).astimezone(timezone.utc)
        return Quality(status, since, judged_at, bundle, tuple(str(reason) for reason in found["reasons"]))
    except (KeyError, OSError, OverflowError, TypeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise SettingsError(
            f"{path}: no status ({why}); `barocast validate --from-log LOG --gate FILE` writes it"
        ) from error


class QualityWatch:
    """Keeps an eye on the file for a bed that runs one bundle."""

    def __init__(
        self,
        path: Path,
        bundle_id: str,
        clock: Callable[[], float] | None = None,
        today: Callable[[], datetime] = utc_now,
    ) -> None:
        self._path = path
        self._bundle_id = bundle_id
        self._clock = clock or Clock()
        self._today = today
        self._next_s = float("-inf")
        self._trouble = ""

    def trouble(self) -> str:
        """Say that the forecasts are degraded, or that nobody knows; empty otherwise."""
        now_s = self._clock()
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            self._trouble = self._read()
        return self._trouble

    def _read(self) -> str:
        try:
            quality = read_quality(self._path)
        except SettingsError as error:
            return str(error)
        return quality.trouble(self._today()) if quality.bundle == self._bundle_id else ""
