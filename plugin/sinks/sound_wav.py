"""WAV files of alarm sounds: one channel of samples between -1 and 1, in and out.

    pack(samples, rate_hz) -> bytes, mono, 16 bits        read(path) -> Clip

Of a file with several channels the first is taken: a mean of two could cancel. Raises SettingsError
naming the file and the mend.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.runtime.domain import Floats

FULL_SCALE: Final = 32767
MAX_BYTES: Final = 16 << 20
"""A minute of stereo at 48 kHz and 24 bits: no alarm sound is longer."""
RATES_HZ: Final = (8_000, 192_000)
WIDTHS: Final = (1, 2, 3, 4)
"""Bytes of a sample: 8 bits are unsigned, all others signed."""
NEEDED: Final = "give PCM of 8, 16, 24 or 32 bits at 8 to 192 kHz, 16 MB at most"


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound, ready to play or to measure."""

    samples: Floats
    """(n,), -1 to 1."""
    rate_hz: int

    @property
    def length_s(self) -> float:
        """From first to last sample."""
        return self.samples.size / self.rate_hz


def pack(samples: Floats, rate_hz: int) -> bytes:
    """Pack (n,) samples between -1 and 1 as a mono 16-bit PCM WAV file."""
    packed = io.BytesIO()
    with wave.open(packed, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.round(samples * FULL_SCALE).astype("<i2").tobytes())
    return packed.getvalue()


def read(path: Path) -> Clip:
    """Read the first channel of a PCM file. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); name a WAV file") from error
    try:
        return _unpacked(data)
    except (wave.Error, EOFError, ValueError) as error:
        raise SettingsError(f"{path}: no sound of ours ({error or 'cut short'}); {NEEDED}") from error


def _unpacked(data: bytes) -> Clip:
    if len(data) > MAX_BYTES:
        raise ValueError("it is too long")
    with wave.open(io.BytesIO(data)) as file:
        channels, width, rate_hz = file.getnchannels(), file.getsampwidth(), file.getframerate()
        frames = file.readframes(file.getnframes())
    if width not in WIDTHS or not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise ValueError(f"{8 * width} bits at {rate_hz} Hz")
    whole = len(frames) // (width * channels) * width * channels
    first = np.frombuffer(frames[:whole], dtype=np.uint8).reshape(-1, channels, width)[:, 0]
    if not first.size:
        raise ValueError("it is empty")
    return Clip(_scaled(first, width), rate_hz)


def _scaled(first: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], width: int) -> Floats:
    """Turn (n, width) bytes, the least first, into samples."""
    signed = first.copy()
    if width == 1:
        signed ^= 0x80
    padded = np.zeros((signed.shape[0], 4), dtype=np.uint8)
    padded[:, 4 - width :] = signed
    return np.asarray(padded.view("<i4").ravel() / 2.0**31, dtype=np.float64)
