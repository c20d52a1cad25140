"""The bytes of one WFDB signal file to events.

    frame    the samples of every signal of the file in turn, per_frame of each; frames follow one another
    16       i16 little-endian            24, 32    i24, i32 little-endian           80    u8 - 128
    212      two 12-bit samples in three bytes: low byte | high nibbles (second << 4 | first) | low byte
The lowest value of a format marks a gap. Time is seconds from the record's start. Signals at SLOW_HZ and
below are Samples, faster ones WaveChunks of about a second. Bytes that fill no frame at the end, or fewer
frames than the header says: Corrupt `cut short`; bytes beyond them: `after the end`.
(signal(5) of the WFDB applications guide.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.decoders import units
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.decoders.wfdb_header import BITS, SLOW_HZ, Record, Signal, read_header
from barocast.runtime.domain import Corrupt, Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS, plausible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.runtime.domain import Event, FeedCounts, Floats

__all__ = ["Record", "Signal", "WfdbDecoder", "read_header"]

MAX_BLOCK = 1 << 12
"""Frames decoded at once, whatever the header's frequency says."""
_PAIR = 2  # 212 packs samples in pairs, so a block holds an even count of frames


class WfdbDecoder:
    """One of a record's signal files."""

    def __init__(self, record: Record, file: str) -> None:
        self._record = record
        self._signals = [signal for signal in record.signals if signal.file == file]
        self._format = self._signals[0].format
        self._skip = self._signals[0].skip
        self._width = sum(signal.per_frame for signal in self._signals)
        self._block = min(MAX_BLOCK, _PAIR * math.ceil(record.frame_hz / _PAIR))
        self._tally = Tally()
        self._buffer = bytearray()
        self._frame = 0
        self._excess = 0

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events of whole blocks."""
        self._tally.took(data)
        skipped = data[self._skip :]
        self._skip -= len(data) - len(skipped)
        self._buffer += skipped
        size = _bytes_of(self._block * self._width, self._format)
        events: list[Event] = []
        while len(self._buffer) >= size:
            self._decode(bytes(self._buffer[:size]), events)
            del self._buffer[:size]
        return self._tally.gave(events)

    def close(self) -> list[Event]:
        """Give what is left, and report what does not fit the header."""
        events: list[Event] = []
        self._decode(bytes(self._buffer), events)
        self._buffer.clear()
        size = _bytes_of(self._width, self._format)
        end = self._signals[0].skip + _bytes_of(self._frame * self._width, self._format)
        lacking = (self._record.frames - self._frame) * size if self._record.frames else 0
        left = self.counts.bytes - end
        if lacking > 0 or (left > 0 and not self._record.frames):
            events.append(Corrupt(end, max(left, 0), "cut short"))
        elif left > 0:
            events.append(Corrupt(end, left, "after the end"))
        return self._tally.gave(events)

    def _decode(self, data: bytes, events: list[Event]) -> None:
        counts = _unpacked(data, self._format)
        frames = len(counts) // self._width
        if self._record.frames:
            frames = min(frames, self._record.frames - self._frame)
        if frames <= 0:
            return
        grid = counts[: frames * self._width].reshape(frames, self._width)  # (frame, sample of any signal)
        column = 0
        found: list[Sample | WaveChunk] = []
        for signal in self._signals:
            series = grid[:, column : column + signal.per_frame].reshape(-1)
            column += signal.per_frame
            found += self._events(signal, series)
        found.sort(key=lambda event: event.t_s or 0.0)
        events += found
        self._frame += frames
        self._tally.framed(frames)

    def _events(self, signal: Signal, series: NDArray[np.int64]) -> list[Sample] | list[WaveChunk]:
        gap = -(2 ** (BITS[signal.format] - 1))
        values = np.where(series == gap, np.nan, (series - signal.baseline) / signal.gain)
        values, unit, reason = _canonical(signal, values)
        rate = self._record.rate_hz(signal)
        start = self._frame / self._record.frame_hz
        if rate > SLOW_HZ:
            reason = Reason.MISSING if np.isnan(values).all() else reason
            return [WaveChunk(signal.channel, signal.name, start, rate, values, unit, reason is None, reason)]
        return [
            _sample(signal, start + at / rate, value, unit, reason)
            for at, value in enumerate(values.tolist())
        ]


def _sample(signal: Signal, t_s: float, value: float, unit: str, reason: Reason | None) -> Sample:
    if math.isnan(value):
        reason = Reason.MISSING
    elif reason is None and signal.channel is not None and not plausible(signal.channel, value):
        reason = Reason.RANGE
    return Sample(signal.channel, signal.name, t_s, value, unit, reason is None, reason)


def _canonical(signal: Signal, values: Floats) -> tuple[Floats, str, Reason | None]:
    unit = units.unit_of_text(signal.unit)
    if signal.channel is None:
        return values, unit or signal.unit, None
    scale = units.to_canonical(signal.channel, unit)
    if scale is None:
        return values, unit or signal.unit, Reason.UNIT
    return values * scale[0] + scale[1], CHANNELS[signal.channel].unit, None


def _bytes_of(samples: int, form: int) -> int:
    return math.ceil(samples * BITS[form] / 8)


def _unpacked(data: bytes, form: int) -> NDArray[np.int64]:
    """Give the whole samples in `data`, (n,)."""
    n = len(data) * 8 // BITS[form]
    raw = np.frombuffer(data, np.uint8, _bytes_of(n, form)).astype(np.int64)
    if form == 80:  # noqa: PLR2004 - the format's name
        return raw - 128
    if form == 212:  # noqa: PLR2004 - the format's name
        return _unpacked_212(raw, n)
    octets = raw.reshape(n, BITS[form] // 8)  # (sample, byte), lowest byte first
    unsigned = (octets << (8 * np.arange(octets.shape[1]))).sum(axis=1)
    return _signed(unsigned, BITS[form])


def _unpacked_212(raw: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    padded = np.zeros(3 * math.ceil(n / 2), np.int64)
    padded[: len(raw)] = raw
    low, nibbles, second = padded.reshape(-1, 3).T
    pairs = np.stack([low | (nibbles & 0x0F) << 8, second | (nibbles & 0xF0) << 4], axis=1)  # (pair, 2)
    return _signed(pairs.reshape(-1)[:n], 12)


def _signed(unsigned: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    return np.where(unsigned >= 1 << (bits - 1), unsigned - (1 << bits), unsigned)
