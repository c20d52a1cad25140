"""A WFDB header to a Record: which signals lie where, and how their numbers become units.

    record   name[/segments] signals [frequency[/counter]] [samples per signal] [time] [date]
    signal   file format[xN][:skew][+offset] [gain[(baseline)][/unit]] [bits] [zero] [first] [sum]
             [block] [name]
(header(5) of the WFDB applications guide.) Blank lines and lines that start with # are comments. Skew is
not applied: it is under a frame. Multi-segment records are refused. Errors are InputError with the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType

from barocast.runtime.decoders import vital_tracks
from barocast.runtime.decoders.target import Target
from barocast.runtime.errors import InputError

BITS = MappingProxyType({16: 16, 24: 24, 32: 32, 80: 8, 212: 12})
"""Signal format -> bits in one sample; the formats that are read."""
MAX_SIGNALS = 128
"""Real records have under 20; it bounds what one header can make us hold."""
MAX_PER_FRAME = 1024
"""Samples of one signal in a frame."""
MIN_GAIN = 1e-9
"""Counts per unit; a smaller one (or larger than its inverse) is damage."""
MAX_HZ = 100_000.0
"""No physiological signal is faster."""
SLOW_HZ = 2.0
"""At this rate and below a signal is a numeric."""

_DEFAULT_GAIN = 200.0
_DEFAULT_HZ = 250.0
_FORMAT = re.compile(r"(\d{1,3})(?:x(\d{1,4}))?(?::(\d{1,9}))?(?:\+(\d{1,9}))?", re.ASCII)
_FREQUENCY = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(?=$|/)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_GAIN = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?)(?:\(([+-]?\d{1,9})\))?(?:/(\S+))?", re.ASCII
)
_NAMES = re.compile(r"[^A-Z0-9]+")

_NUMERIC = {
    **{f"{name}{spelling}": Target(f"ABP_{part}", rank)
       for rank, name in enumerate(("ABP", "ART", "AOBP"))
       for part, spellings in {"SYS": ("SYS",), "DIA": ("DIA", "DIAS"), "MEAN": ("MEAN", "")}.items()
       for spelling in spellings},
    **{f"{name}{spelling}": Target(f"{channel}_{part}")
       for name, channel in {"NBP": "NIBP", "NIBP": "NIBP", "PAP": "PAP"}.items()
       for part, spellings in {"SYS": ("SYS",), "DIA": ("DIA", "DIAS"), "MEAN": ("MEAN",)}.items()
       for spelling in spellings},
    "MAP": Target("ABP_MEAN", 3),
    "CVP": Target("CVP_MEAN"),
    "CVPMEAN": Target("CVP_MEAN"),
    "HR": Target("HR"),
    "PULSE": Target("PR"),
    "PR": Target("PR"),
    "SPO2": Target("SPO2"),
    "ETCO2": Target("ETCO2"),
    "RESP": Target("RR"),
    "RR": Target("RR"),
    "TEMP": Target("TEMP"),
    "BIS": Target("BIS"),
    "CO": Target("CO"),
}  # fmt: skip
_WAVE = {
    "".join(_NAMES.split(name)): target
    for name, target in {
        **vital_tracks.WAVE,
        "AOBP": Target("ABP_WAVE", 2),
        "II": Target("ECG_WAVE", 0),
        "I": Target("ECG_WAVE", 2),
        "V": Target("ECG_WAVE", 3),
        "PPG": Target("PLETH_WAVE", 1),
    }.items()
}


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
    channel: str | None = None
    """Canonical channel; one signal at most has each."""


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


def read_header(text: str, name: str) -> Record:
    """Read a header file's text; `name` is what errors call it. Raises InputError."""
    lines = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError(f"{name}: line 1: no record line; it needs a name, a signal count and a frequency")
    record, expected = _record(lines[0][1], f"{name}: line {lines[0][0]}")
    found = [_signal(line, f"{name}: line {number}") for number, line in lines[1 : 1 + expected]]
    if len(found) < expected:
        raise InputError(
            f"{name}: line {lines[-1][0]}: {len(found)} of {expected} signal lines; add the others"
        )
    signals = _with_channels(replace(record, signals=tuple(found)))
    _check_files(signals, name)
    return replace(record, signals=signals)


def _record(line: str, place: str) -> tuple[Record, int]:
    name, count, frequency, frames, *_ = [*line.split(), "", "", "", ""]
    if "/" in name:
        raise InputError(f"{place}: a multi-segment record; give the header of one of its segments")
    found = _FREQUENCY.match(frequency or str(_DEFAULT_HZ))
    if not count.isdecimal() or found is None or not (frames or "0").isdecimal():
        raise InputError(
            f"{place}: {line[:60]!r} is no record line; it reads 'name signals frequency samples'"
        )
    if not 1 <= int(count) <= MAX_SIGNALS:
        raise InputError(f"{place}: {count} signals; between 1 and {MAX_SIGNALS} can be read")
    if not 0 < float(found[0]) <= MAX_HZ:
        raise InputError(f"{place}: {frequency} Hz cannot be; the record line's third field is the frequency")
    return Record(name, float(found[0]), int(frames or 0), ()), int(count)


def _signal(line: str, place: str) -> Signal:
    file, form_text, gain_text, _, zero, _, _, _, name = [*line.split(maxsplit=8), *[""] * 8][:9]
    form, gain = _FORMAT.fullmatch(form_text), _GAIN.fullmatch(gain_text or "0")
    if form is None or gain is None:
        raise InputError(f"{place}: {line[:60]!r} is no signal line; it reads 'file format gain ... name'")
    number, per_frame = int(form[1]), int(form[2] or 1)
    counts_per_unit = float(gain[1]) or _DEFAULT_GAIN
    if not MIN_GAIN <= abs(counts_per_unit) <= 1 / MIN_GAIN:
        raise InputError(f"{place}: a gain of {gain[1][:20]} cannot be; the third field is counts per unit")
    if number not in BITS:
        known = ", ".join(map(str, BITS))
        raise InputError(f"{place}: signal format {number} is not read; convert the record to one of {known}")
    if PurePosixPath(file).name != file or file in (".", "..") or not 1 <= per_frame <= MAX_PER_FRAME:
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
    )


def _with_channels(record: Record) -> tuple[Signal, ...]:
    """Give each channel to the best ranked signal that claims it; arterial labels as a set."""
    targets = [_target(signal, record.rate_hz(signal)) for signal in record.signals]
    best: dict[str, tuple[int, int]] = {}
    for at, target in enumerate(targets):
        if target is not None:
            mine = (target.rank, at)
            best[target.channel] = min(best.get(target.channel, mine), mine)
    speaking = {at for _, at in best.values()}
    return tuple(
        replace(signal, channel=target.channel) if target is not None and at in speaking else signal
        for at, (signal, target) in enumerate(zip(record.signals, targets, strict=True))
    )


def _target(signal: Signal, rate_hz: float) -> Target | None:
    plain = "".join(_NAMES.split(signal.name.upper()))
    return (_NUMERIC if rate_hz <= SLOW_HZ else _WAVE).get(plain)


def _check_files(signals: tuple[Signal, ...], name: str) -> None:
    """Refuse a file whose signals do not share one format and start: it could not be interleaved."""
    layouts: dict[str, tuple[int, int]] = {}
    for signal in signals:
        layout = (signal.format, signal.skip)
        if layouts.setdefault(signal.file, layout) != layout:
            raise InputError(f"{name}: {signal.file} holds two signal formats; write one format per file")
