r"""Text and times as an HL7 v2 field holds them, with the separators |^~\& that our messages use.

    a|b    a\F\b        a^b    a\S\b        a~b    a\R\b        a\b    a\E\b        a&b    a\T\b
Ends of lines and other control characters become blanks: a segment ends at the first of them.

Source: HL7 2.6 chapter 2.7 (escape sequences), 2.A.22 (DTM).
"""

from __future__ import annotations

from datetime import datetime, timezone
from types import MappingProxyType
from typing import Final

MAX_TEXT: Final = 200
"""Characters of a text: what HL7 2.6 gives an ST; a display cuts it earlier."""

_ESCAPED: Final = MappingProxyType(
    {ord(sign): f"\\{name}\\" for sign, name in zip("|^~\\&", "FSRET", strict=True)}
    | dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " ")
)


def text(said: str) -> str:
    """Give a text as a field or component may hold it."""
    return said[:MAX_TEXT].translate(_ESCAPED)


def time(wall_s: float) -> str:
    """Give a time, seconds since 1970, to the millisecond and in UTC."""
    moment = datetime.fromtimestamp(wall_s, timezone.utc)
    return f"{moment:%Y%m%d%H%M%S}.{moment.microsecond // 1000:03}+0000"
