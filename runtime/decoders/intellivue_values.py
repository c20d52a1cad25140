"""Plain data types inside IntelliVue attributes: bytes to values and back. All big-endian.

    FLOAT        exponent s8 | mantissa s24        mantissa * 10^exponent; five mantissas are codes
    list         count u16 | length u16 | items
    label list   list of u32: 0x00020000 + code
    time         century, year, month, day, hour, minute, second, 1/100: 8 bytes BCD

Source: Philips IntelliVue Data Export Interface Programming Guide, "Data Types".
"""

from __future__ import annotations

import math
from datetime import datetime
from struct import Struct
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import intellivue_codes as codes

if TYPE_CHECKING:
    from collections.abc import Sequence

PAIR: Final = Struct(">HH")
"""Count and length, or any two u16."""
U16: Final = Struct(">H")
U32: Final = Struct(">I")

_CODE_MANTISSAS: Final = frozenset((0x7FFFFF, 0x800000, 0x7FFFFE, 0x800002, 0x800001))
"""Not a number, not at this resolution, +infinity, -infinity, reserved."""
_NAN: Final = 0x007FFFFF


def float_value(word: int) -> float:
    """Give the number that a FLOAT stands for; NaN for its five codes."""
    mantissa = word & 0xFFFFFF
    if mantissa in _CODE_MANTISSAS:
        return math.nan
    exponent = word >> 24
    mantissa -= (mantissa & 0x800000) << 1
    # Dividing by a power of ten keeps 0.1 as 0.1, where multiplying by 10.0**-1 does not.
    return mantissa / 10.0 ** (256 - exponent) if exponent > 127 else mantissa * 10.0**exponent  # noqa: PLR2004 - sign of s8


def float_word(value: float, decimals: int = 0) -> int:
    """Give the FLOAT of `value` rounded to `decimals` digits; NaN has its code.

    Raises ValueError when the mantissa does not hold it.
    """
    if math.isnan(value):
        return _NAN
    mantissa = round(value * 10.0**decimals)
    if abs(mantissa) >= 0x7FFFFE:  # noqa: PLR2004 - the first mantissa that is a code
        raise ValueError(f"{value} with {decimals} decimals does not fit a FLOAT")
    return (-decimals & 0xFF) << 24 | mantissa & 0xFFFFFF


def listed(items: Sequence[bytes]) -> bytes:
    """Write `items` as a list with count and length."""
    body = b"".join(items)
    return PAIR.pack(len(items), len(body)) + body


def label_list(labels: Sequence[int]) -> bytes:
    """Write a priority list (TextIdList) of physiological codes."""
    return listed([U32.pack(codes.label_id(code)) for code in labels])


def labels(data: bytes) -> tuple[int, ...]:
    """Read a priority list as physiological codes; ids of no standard label are left out."""
    whole = len(data) // 4 * 4
    found = (word for (word,) in U32.iter_unpack(data[4:whole]))
    return tuple(word & 0xFFFF for word in found if word >> 16 == codes.PARTITION_OF_LABELS)


def date_time(bcd: bytes) -> datetime | None:
    """Read an absolute time of 8 BCD bytes, in the monitor's local time; None where it is none."""
    digits = bcd.hex()
    try:
        return datetime.strptime(digits[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007 - the monitor states no zone
    except ValueError:
        return None


def date_time_bytes(when: datetime) -> bytes:
    """Write an absolute time as 8 BCD bytes."""
    return bytes.fromhex(when.strftime("%Y%m%d%H%M%S") + f"{when.microsecond // 10000:02d}")
