"""The bytes of one WFDB signal file to events.

    frame    the samples (wfdb_samples) of every signal of the file in turn, per_frame of each
Frames follow one another. The lowest value of a format marks a gap. Time is seconds from the record's start.
Signals at SLOW_HZ and below are Samples, faster ones WaveChunks of about a second. A signal of a channel that
is in an unknown unit, or not calibrated, is marked `unit`. Bytes that fill no frame at the end, or fewer
frames than the header says: Corrupt `cut short`; bytes beyond them: `after the end`.
(signal(5) of the WFDB applications guide.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.decoders import units
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.decoders.wfdb_channels import SLOW_HZ
from barocast.runtime.decoders.wfdb_samples import FORMATS
from barocast.runtime.domain import Corrupt, Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS, plausible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barocast.runtime.decoders.wfdb_header import Record, Signal
    from barocast.runtime.domain import Event, FeedCounts, Floats

MAX_BLOCK = 1 << 18
"""Samples decoded at once, whatever rates and counts the header says; 2 MiB."""


class WfdbDecoder:
    """One of a record's signal files; `start_s` is when the record begins."""

    def __init__(self, record: Record, file: str, start_s: float = 0.0) -> None:
        self._record = record
        self.start_s = start_s
        self._signals = [signal for signal in record.signals if signal.file == file]
        self._format = FORMATS[self._signals[0].format]
        self._level = [signal.initial for signal in self._signals]
        """Of each signal, the last count; a format of differences goes on from it."""
        self._skip = self._signals[0].skip
        self._width = sum(signal.per_frame for signal in self._signals)
        group = self._format.samples  # so many frames fill whole groups, however many samples a frame has
        most = max(1, MAX_BLOCK // self._width // group)
        self._block = group * min(most, math.ceil(record.frame_hz / group))
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
        size = self._format.bytes_of(self._block * self._width)
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
        size = self._format.bytes_of(self._width)
        end = self._signals[0].skip + self._format.bytes_of(self._frame * self._width)
        lacking = (self._record.frames - self._frame) * size if self._record.frames else 0
        left = self.counts.bytes - end
        if lacking > 0 or (left > 0 and not self._record.frames):
            events.append(Corrupt(end, max(left, 0), "cut short"))
        elif left > 0:
            events.append(Corrupt(end, left, "after the end"))
        return self._tally.gave(events)

    def _decode(self, data: bytes, events: list[Event]) -> None:
        counts = self._format.counts(data)
        frames = len(counts) // self._width
        if self._record.frames:
            frames = min(frames, self._record.frames - self._frame)
        if frames <= 0:
            return
        grid = counts[: frames * self._width].reshape(frames, self._width)  # (frame, sample of any signal)
        column = 0
        found: list[Sample | WaveChunk] = []
        for at, signal in enumerate(self._signals):
            series = grid[:, column : column + signal.per_frame].reshape(-1)
            column += signal.per_frame
            if self._format.differences:
                series = self._level[at] + np.cumsum(series)
                self._level[at] = int(series[-1])
            found += self._events(signal, series)
        found.sort(key=lambda event: event.t_s or 0.0)
        events += found
        self._frame += frames
        self._tally.framed(frames)

    def _events(self, signal: Signal, series: NDArray[np.int64]) -> list[Sample] | list[WaveChunk]:
        values = (series - signal.baseline) / signal.gain
        if self._format.gap is not None:
            values[series == self._format.gap] = np.nan
        values, unit, reason = _canonical(signal, values)
        rate = self._record.rate_hz(signal)
        start = self.start_s + self._frame / self._record.frame_hz
        if rate > SLOW_HZ:
            reason = Reason.MISSING if np.isnan(values).all() else reason
            claim = (reason is None, reason, signal.rival_of)
            return [WaveChunk(signal.channel, signal.name, start, rate, values, unit, *claim)]
        return [
            _sample(signal, start + at / rate, value, unit, reason)
            for at, value in enumerate(values.tolist())
        ]


def _sample(signal: Signal, t_s: float, value: float, unit: str, reason: Reason | None) -> Sample:
    if math.isnan(value):
        reason = Reason.MISSING
    elif reason is None and (claimed := signal.channel or signal.rival_of) and not plausible(claimed, value):
        reason = Reason.RANGE
    return Sample(signal.channel, signal.name, t_s, value, unit, reason is None, reason, signal.rival_of)


def _canonical(signal: Signal, values: Floats) -> tuple[Floats, str, Reason | None]:
    unit = units.unit_of_text(signal.unit)
    claimed = signal.channel or signal.rival_of
    if claimed is None:
        return values, unit or signal.unit, None
    scale = units.to_canonical(claimed, unit)
    if scale is None or not (signal.calibrated or claimed in units.RELATIVE):
        return values, unit or signal.unit, Reason.UNIT
    return values * scale[0] + scale[1], CHANNELS[claimed].unit, None
