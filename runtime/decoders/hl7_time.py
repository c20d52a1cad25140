"""HL7 time stamps to epoch seconds (HL7 2.6 chapter 2A, DTM), and which of them holds for a row.

    YYYYMMDDHHMM[SS[.f...]][+|-ZZZZ]        Mindray leaves the dot out: 17 digits end in milliseconds
Without an offset a stamp takes the one of MSH-7, as the standard says; without that it is read as UTC,
so alignment within a feed holds but the absolute hour may be the monitor's local one. A date alone is
no time: it would put a value at midnight. OBX-14 beats the OBR-7 above it, that MSH-7; without any, the row
has no time and whoever receives it knows when.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

MAX_STAMP = 32
"""Characters; the longest legal stamp has 26."""
_STAMP = re.compile(r"(\d{12})(?:(\d\d)(?:\.(\d{1,6})|(\d{3}))?)?([+-]\d{4})?")
LAST_SECOND = 59
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)")
_MAX_OFFSET = timedelta(hours=14)  # the widest time zone there is


def epoch_s(stamp: str, assumed: timezone = timezone.utc) -> float | None:
    """Give seconds since 1970 UTC, None for a stamp that is empty or no time."""
    return _epoch_s(stamp, assumed) if 0 < len(stamp) <= MAX_STAMP else None


@lru_cache(maxsize=64)  # the rows of a message repeat a few stamps; the next message has others
def _epoch_s(stamp: str, assumed: timezone) -> float | None:
    found = _STAMP.fullmatch(stamp.strip())
    if found is None:
        return None
    minute, second, fraction, millis, offset = found.groups()
    zone = _zone(offset) if offset else assumed
    minute_s = _minute_s(minute, zone) if zone is not None else None
    second_s = int(second or 0)
    if minute_s is None or second_s > LAST_SECOND:
        return None
    return minute_s + second_s + float(f"0.{fraction or millis or 0}")


@lru_cache(maxsize=64)  # one for each line that speaks
def _minute_s(digits: str, zone: timezone) -> float | None:
    """Give the epoch seconds at which a minute of YYYYMMDDHHMM begins, None for one that there is not."""
    year, month, day, hour, minute = digits[:4], digits[4:6], digits[6:8], digits[8:10], digits[10:]
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=zone).timestamp()
    except ValueError:  # a thirteenth month, a 25th hour
        return None


def zone_of(stamp: str) -> timezone | None:
    """Give the offset that a stamp carries, None when it has none that exists."""
    return _zone(stamp.strip()[-len("+0000") :])


@lru_cache(maxsize=64)
def _zone(offset: str) -> timezone | None:
    found = _OFFSET.fullmatch(offset)
    if found is None:
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if ahead > _MAX_OFFSET:
        return None
    return timezone(-ahead if found[1] == "-" else ahead)


class Times:
    """Which time holds for the rows of a message as they come."""

    def __init__(self, sent: str) -> None:
        self._zone = zone_of(sent) or timezone.utc
        self._sent_s = self._started_s = epoch_s(sent)
        self.ended_s: float | None = None
        """OBR-8 of the group."""

    def group(self, started: str, ended: str) -> None:
        """Take OBR-7 and OBR-8."""
        started_s = epoch_s(started, self._zone)
        self._started_s = self._sent_s if started_s is None else started_s
        self.ended_s = epoch_s(ended, self._zone)

    def of(self, stamp: str) -> float | None:
        """Give the time of a row with this OBX-14."""
        own_s = epoch_s(stamp, self._zone)
        return self._started_s if own_s is None else own_s
