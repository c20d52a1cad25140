"""HL7 time stamps to epoch seconds (HL7 2.6 chapter 2A, DTM).

    YYYYMMDDHHMM[SS[.f...]][+|-ZZZZ]        Mindray leaves the dot out: 17 digits end in milliseconds
Without an offset a stamp takes the one of MSH-7, as the standard says; without that it is read as UTC,
so alignment within a feed holds but the absolute hour may be the monitor's local one. A date alone is
no time: it would put a value at midnight.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

MAX_STAMP = 32
"""Characters; the longest legal stamp has 26."""
_STAMP = re.compile(r"(\d{12})(?:(\d{2})(?:\.(\d{1,6})|(\d{3}))?)?([+-]\d{4})?")
_MAX_OFFSET = timedelta(hours=14)  # the widest time zone there is


def epoch_s(stamp: str, assumed: timezone = timezone.utc) -> float | None:
    """Give seconds since 1970 UTC, None for a stamp that is empty or no time."""
    return _epoch_s(stamp, assumed) if 0 < len(stamp) <= MAX_STAMP else None


@lru_cache(maxsize=256)  # the rows of a message repeat a few stamps
def _epoch_s(stamp: str, assumed: timezone) -> float | None:
    found = _STAMP.fullmatch(stamp.strip())
    if found is None:
        return None
    minute, second, fraction, millis, offset = found.groups()
    zone = zone_of(stamp) if offset else assumed
    if zone is None:
        return None
    try:
        whole = datetime.strptime(minute + (second or "00"), "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:  # a thirteenth month, a 61st second
        return None
    return whole.timestamp() + float(f"0.{fraction or millis or 0}")


def zone_of(stamp: str) -> timezone | None:
    """Give the offset that a stamp carries, None when it has none that exists."""
    found = re.fullmatch(r"[\d.]*([+-])(\d{2})(\d{2})", stamp.strip())
    if found is None:
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if ahead > _MAX_OFFSET:
        return None
    return timezone(-ahead if found[1] == "-" else ahead)
