"""A WFDB header to a Record, which signals lie where and how their numbers become units, or to Segments.

    record   name[/segments] signals [frequency[/counter]] [samples per signal] [time] [date]
    signal   file format[xN][:skew][+offset] [gain[(baseline)][/unit]] [bits] [zero] [first] [sum]
             [block] [name]
    segment  name samples            of a record with /segments: `~` is a gap, no samples a mere layout
(header(5) of the WFDB applications guide.) Blank lines and lines that start with # are comments, and may
name the patient: they are not read. Skew is not applied: it is under a frame. A gain of 0, or none, says
that the signal is not calibrated. Errors are InputError with the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from barocast.runtime.decoders.wfdb_channels import target_of
from barocast.runtime.decoders.wfdb_samples import FORMATS
from barocast.runtime.errors import InputError
from barocast.runtime.quality import TRIPLE

if TYPE_CHECKING:
    from barocast.runtime.decoders.target import Target

MAX_SIGNALS = 128
"""Real records have under 20; it bounds what one header can make us hold."""
MAX_PER_FRAME = 1024
"""Samples of one signal in a frame."""
MIN_GAIN = 1e-9
"""Counts per unit; a smaller one (or larger than its inverse) is damage."""
MIN_HZ, MAX_HZ = 1e-6, 100_000.0
"""Of any signal: no physiological one is faster, none is sampled every fortnight."""
MAX_SEGMENTS = 1 << 14
"""A day in the intensive care unit has some hundreds."""

_DEFAULT_GAIN = 200.0
_DEFAULT_HZ = 250.0
_FORMAT = re.compile(r"(\d{1,3})(?:x(\d{1,4}))?(?::(\d{1,9}))?(?:\+(\d{1,9}))?", re.ASCII)
_FREQUENCY = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(?=$|/)", re.ASCII)
_COUNT = re.compile(r"\d{1,12}", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_GAIN = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?)(?:\(([+-]?\d{1,9})\))?(?:/(\S+))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal line."""

    file: str
    format: int
    per_frame: int
    """Samples in a frame."""
    skip: int
    """Bytes before the file's first sample."""
    gain: float
    """Counts per unit."""
    baseline: int
    """Counts at 0 units."""
    unit: str
    name: str
    calibrated: bool = True
    """Whether the header states the gain."""
    initial: int = 0
    """Counts of the first sample, for a format that has differences."""
    channel: str | None = None
    """Canonical channel; one signal at most has each."""
    rival_of: str | None = None
    """As in domain.Sample."""


@dataclass(frozen=True, slots=True)
class Record:
    """One header."""

    name: str
    frame_hz: float
    frames: int
    """0 when the header does not say."""
    signals: tuple[Signal, ...]

    def rate_hz(self, signal: Signal) -> float:
        """Give a signal's own rate."""
        return self.frame_hz * signal.per_frame

    @property
    def files(self) -> tuple[str, ...]:
        """The signal files, each once, in order."""
        return tuple(dict.fromkeys(signal.file for signal in self.signals))


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of a multi-segment record."""

    name: str
    """Its header is NAME.hea beside the record's."""
    start_s: float
    """Seconds from the record's start."""


Lines: TypeAlias = "list[tuple[int, str]]"
"""Numbered, without comments and blank ones."""


def read_header(text: str, name: str) -> Record:
    """Read the text of a header that has signals; `name` is what errors call it. Raises InputError."""
    lines, record, expected, parts = _read(text, name)
    if parts:
        raise InputError(
            f"{name}: line {lines[0][0]}: it has segments where signals must stand; name its own"
        )
    found = [_signal(line, f"{name}: line {number}") for number, line in lines[1 : 1 + expected]]
    if len(found) < expected:
        raise InputError(
            f"{name}: line {lines[-1][0]}: {len(found)} of {expected} signal lines; add the others"
        )
    signals = _with_channels(replace(record, signals=tuple(found)))
    _check_files(record, signals, name)
    return replace(record, signals=signals)


def read_segments(text: str, name: str) -> tuple[Segment, ...]:
    """Read a header's segments in order, without gaps; none where it has signals. Raises InputError."""
    lines, record, _, expected = _read(text, name)
    found, frames = [], 0
    for number, line in lines[1 : 1 + expected]:
        segment, length, *_ = [*line.split(), ""]
        if not _COUNT.fullmatch(length) or not _beside(segment):
            raise InputError(
                f"{name}: line {number}: {line[:60]!r} is no segment line; it reads 'name samples'"
            )
        if segment != "~" and int(length):
            found.append(Segment(segment, frames / record.frame_hz))
        frames += int(length)
    if expected and (len(lines) <= expected or not found):
        what = f"{len(lines) - 1} of {expected} segment lines, {len(found)} with samples"
        raise InputError(f"{name}: line {lines[-1][0]}: {what}; add the others")
    return tuple(found)


def _read(text: str, name: str) -> tuple[Lines, Record, int, int]:
    """Give the lines, the first one read: with how many signals and segments are to follow."""
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError(f"{name}: line 1: no record line; it needs a name, a signal count and a frequency")
    return (lines, *_record(lines[0][1], f"{name}: line {lines[0][0]}"))


def _record(line: str, place: str) -> tuple[Record, int, int]:
    """Read the record line: (record, signals, segments); 0 segments where the record is whole."""
    name, count, frequency, frames, *_ = [*line.split(), "", "", "", ""]
    name, slash, parts = name.partition("/")
    found = _FREQUENCY.match(frequency or str(_DEFAULT_HZ))
    if found is None or not all(map(_COUNT.fullmatch, (count, frames or "0", parts if slash else "1"))):
        raise InputError(
            f"{place}: {line[:60]!r} is no record line; it reads 'name signals frequency samples'"
        )
    if not 1 <= int(count) <= MAX_SIGNALS:
        raise InputError(f"{place}: {count} signals; between 1 and {MAX_SIGNALS} can be read")
    if not MIN_HZ <= float(found[0]) <= MAX_HZ:
        raise InputError(f"{place}: {frequency} Hz cannot be; the record line's third field is the frequency")
    if slash and not 1 <= int(parts) <= MAX_SEGMENTS:
        raise InputError(f"{place}: {parts} segments; between 1 and {MAX_SEGMENTS} can be read")
    return Record(name, float(found[0]), int(frames or 0), ()), int(count), int(parts or 0)


def _signal(line: str, place: str) -> Signal:
    file, form_text, gain_text, _, zero, initial, _, _, name = [*line.split(maxsplit=8), *[""] * 8][:9]
    form, gain = _FORMAT.fullmatch(form_text), _GAIN.fullmatch(gain_text or "0")
    if form is None or gain is None:
        raise InputError(f"{place}: {line[:60]!r} is no signal line; it reads 'file format gain ... name'")
    number, per_frame = int(form[1]), int(form[2] or 1)
    counts_per_unit = float(gain[1]) or _DEFAULT_GAIN
    if not MIN_GAIN <= abs(counts_per_unit) <= 1 / MIN_GAIN:
        raise InputError(f"{place}: a gain of {gain[1][:20]} cannot be; the third field is counts per unit")
    if number not in FORMATS:
        known = ", ".join(map(str, FORMATS))
        raise InputError(f"{place}: signal format {number} is not read; convert the record to one of {known}")
    if not _beside(file) or not 1 <= per_frame <= MAX_PER_FRAME:
        limits = f"a file beside the header and 1 to {MAX_PER_FRAME} samples a frame"
        raise InputError(f"{place}: {line[:60]!r} cannot be read; name {limits}")
    return Signal(
        file=file,
        format=number,
        per_frame=per_frame,
        skip=int(form[4] or 0),
        gain=counts_per_unit,
        baseline=int(gain[2] or (zero if _WHOLE.fullmatch(zero) else 0)),
        unit=gain[3] or "mV",
        name=name.strip(),
        calibrated=float(gain[1]) != 0,
        initial=int(initial) if _WHOLE.fullmatch(initial) else 0,
    )


def _beside(file: str) -> bool:
    """Whether a name is that of a file in the header's own folder."""
    return PurePosixPath(file).name == file and file not in ("", ".", "..") and "\0" not in file


def _with_channels(record: Record) -> tuple[Signal, ...]:
    """Give each channel to the best ranked signal that claims it, all arterial numbers to one line."""
    targets = [target_of(signal.name, record.rate_hz(signal)) for signal in record.signals]
    line = _line([target for target in targets if target is not None])
    best: dict[str, tuple[int, int]] = {}
    for at, target in enumerate(targets):
        if target is not None and (target.channel not in TRIPLE or target.rank == line):
            mine = (target.rank, at)
            best[target.channel] = min(best.get(target.channel, mine), mine)
    speaking = {at for _, at in best.values()}
    return tuple(
        signal if target is None else _claimed(signal, target.channel, speaks=at in speaking)
        for at, (signal, target) in enumerate(zip(record.signals, targets, strict=True))
    )


def _line(targets: list[Target]) -> int | None:
    """Give the rank of the line that speaks: the best with a mean, for without one it tells no forecast."""
    means = [target.rank for target in targets if target.channel == "ABP_MEAN"]
    return min(means or [target.rank for target in targets if target.channel in TRIPLE], default=None)


def _claimed(signal: Signal, channel: str, *, speaks: bool) -> Signal:
    if speaks:
        return replace(signal, channel=channel)
    return replace(signal, rival_of=channel) if channel.startswith("ABP_") else signal


def _check_files(record: Record, signals: tuple[Signal, ...], name: str) -> None:
    """Refuse a file whose signals do not share one format and start: it could not be interleaved."""
    layouts: dict[str, tuple[int, int]] = {}
    for signal in signals:
        if record.rate_hz(signal) > MAX_HZ:
            raise InputError(
                f"{name}: {signal.name[:40]}: {record.rate_hz(signal):g} Hz cannot be; mend its xN"
            )
        layout = (signal.format, signal.skip)
        if layouts.setdefault(signal.file, layout) != layout:
            raise InputError(f"{name}: {signal.file} holds two signal formats; write one format per file")
