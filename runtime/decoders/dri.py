"""GE/Datex-Ohmeda DRI serial, monitor to computer: bytes to events.

    Deframer -> Frame -> parse -> Record -> Sample | WaveChunk       and Corrupt from either

What the line does not guarantee, and what is done about it:

- The sum has 8 bits: a record counts only when its own lengths and types agree as well.
- A socket's number says nothing of the vessel: P1 to P8 go by label, and so do their waves, whose own
  records have no label. Before a label is known an invasive wave has no channel.
- Several arterial lines: arterial.LineChoice, for numbers and wave alike; the others say whose rivals
  they are.
- A cuff pressure or a thermodilution is sent again and again: told once, and not at all when it is more
  than 60 s old.
- Displayed values speak; trends of the same numbers only where no displayed ones have ever come.
- Waves are timed by counting (dri_waves.SampleClock); lost records are seen in r_nbr.

Codes: `PHDB.P1.mean/ART` is the number mean of group P1, labelled ART, of the displayed values (TREND10 and
TREND60 in place of PHDB for trends); `WAVE.INVP1/ART` a wave. Names and numbers of patients stand in
network records, which are read by nobody.

Source: GE Healthcare, S/5 Computer Interface and Datex-Ohmeda Record Specifications; recordings.
"""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders import dri_record, units
from barocast.runtime.decoders.arterial import LineChoice
from barocast.runtime.decoders.dri_channels import MAX_LABELLED, site_of, target_of, wave_target_of
from barocast.runtime.decoders.dri_frame import Deframer, Frame
from barocast.runtime.decoders.dri_physiology import partial_pressure, readings
from barocast.runtime.decoders.dri_record import Record
from barocast.runtime.decoders.dri_waves import CO2_WAVE, SOCKETS, WAVES, SampleClock, samples
from barocast.runtime.decoders.extremes import extremes
from barocast.runtime.decoders.sources import Candidate, settled
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS, plausible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.arterial import Line
    from barocast.runtime.decoders.dri_frame import Found
    from barocast.runtime.decoders.dri_physiology import Number, Reading
    from barocast.runtime.decoders.dri_waves import Wave
    from barocast.runtime.decoders.target import Target
    from barocast.runtime.domain import Event, FeedCounts, Floats

KINDS: Final = MappingProxyType(
    {dri_record.DISPLAYED: "PHDB", dri_record.TREND_10_S: "TREND10", dri_record.TREND_60_S: "TREND60"}
)
"""Sub-record type -> how codes begin; the smallest type seen speaks."""
_SOCKET_OF: Final = MappingProxyType({kind: socket for socket, kind in SOCKETS.items()})


class DriDecoder:
    """Decoder of one monitor's stream (runtime.sessions.session.Decoder)."""

    def __init__(self) -> None:
        self._deframer = Deframer()
        self._tally = Tally()
        self._choice = LineChoice()
        self._sockets: dict[str, Reading] = {}
        """Pressure group -> as it last was; one that no longer exists is gone."""
        self._ambient = math.nan
        """mmHg, from the CO2 group."""
        self._best_kind = dri_record.TREND_60_S
        self._told: dict[str, dict[str, float]] = {}
        """Group measured now and then -> the values of it that were told."""
        self._clocks: dict[int, SampleClock] = {}
        self._wave_number: int | None = None
        """r_nbr of the last wave record."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._tally.counts

    @property
    def arterial_wave(self) -> int | None:
        """Wave type of the arterial line in use, None before a label has named one."""
        line = self._line
        return SOCKETS[line[1]] if line else None

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give whatever they complete."""
        return [event for _, events in self.records(data) for event in events]

    def close(self) -> list[Event]:
        """Tell what the end of the stream cuts short."""
        return [event for found in self._deframer.close() for event in self._take(found)[1]]

    def records(self, data: bytes) -> Iterator[tuple[Record | None, list[Event]]]:
        """Take the next bytes; give each record (None: corrupt) and its events, for a session."""
        self._tally.took(data)
        for found in self._deframer.feed(data):
            yield self._take(found)

    def _take(self, found: Found) -> tuple[Record | None, list[Event]]:
        if isinstance(found, Frame):
            record = dri_record.parse(found.payload)
            if isinstance(record, Record):
                self._tally.framed()
                return record, self._tally.gave(self._events(record))
            found = Corrupt(found.offset, found.length, record.reason)
        return None, self._tally.gave([found])

    def _events(self, record: Record) -> list[Event]:
        if record.main == dri_record.PHYSIOLOGY:
            return self._numerics(record)
        return list(self._waves(record)) if record.main == dri_record.WAVE else []

    # Numbers.

    def _numerics(self, record: Record) -> list[Event]:
        valued = [seen for seen in record.subrecords if seen.kind in KINDS]
        if not valued:
            return []
        self._best_kind = min(self._best_kind, *(seen.kind for seen in valued))
        if any(seen.kind == self._best_kind for seen in valued):
            self._sockets = {}
        candidates = [c for seen in valued for c in self._candidates(seen.kind, *readings(seen.data))]
        return settled(candidates, self._choice)

    def _candidates(self, kind: int, time_s: int, found: list[Reading]) -> Iterator[Candidate]:
        speaks = kind == self._best_kind
        for reading in found:
            if speaks:
                self._remember(reading)
            if reading.group.old_bit and self._was_told(f"{kind}{reading.group.name}", reading):
                continue
            for number in reading.group.numbers:
                target = target_of(reading.group.name, reading.label, number.name) if speaks else None
                event = _sample(kind, float(time_s), reading, number, target)
                yield Candidate(target, reading.group.name, event)

    def _remember(self, reading: Reading) -> None:
        """Keep what the waves need to know."""
        if reading.group.name in SOCKETS:
            self._sockets[reading.group.name] = reading
        elif "ambient" in reading.values:
            self._ambient = reading.values["ambient"]

    def _was_told(self, key: str, reading: Reading) -> bool:
        """Say whether these values are old, or the same once more; remember them."""
        told = self._told.get(key)
        self._told[key] = {} if reading.old else reading.values
        return reading.old or told == reading.values

    # Waves.

    def _waves(self, record: Record) -> Iterator[Event]:
        lost = 0 if self._wave_number is None else (record.number - self._wave_number - 1) % 256
        self._wave_number = record.number
        for seen in record.subrecords:
            wave = WAVES.get(seen.kind)
            if wave is None or seen.kind == dri_record.REQUEST:
                continue
            values, gap = samples(seen.data, wave)
            duration_s = len(values) / wave.rate_hz
            clock = self._clocks.setdefault(seen.kind, SampleClock())
            t_s = clock.start(duration_s, record.time_s, missing_s=lost * duration_s, gap=gap)
            yield self._chunk(seen.kind, wave, t_s, values)

    def _chunk(self, kind: int, wave: Wave, t_s: float, values: Floats) -> WaveChunk:
        channel, rival_of = self._claim(kind, wave)
        site, unit = self._site(kind), wave.unit
        if kind == CO2_WAVE and math.isfinite(self._ambient):
            values, unit = values * partial_pressure(1.0, self._ambient), "mmHg"
        code = f"WAVE.{wave.name}{site and '/'}{site}"
        reason = _wave_doubt(channel or rival_of, unit, values)
        return WaveChunk(channel, code, t_s, wave.rate_hz, values, unit, reason is None, reason, rival_of)

    def _site(self, kind: int) -> str:
        socket = self._sockets.get(_SOCKET_OF.get(kind, ""))
        return site_of(socket.group.name, socket.label) if socket else ""

    def _claim(self, kind: int, wave: Wave) -> tuple[str | None, str | None]:
        """Give the channel that a wave feeds, and the one whose rival it is."""
        name = _SOCKET_OF.get(kind)
        if name is None:
            return wave.channel, None
        socket = self._sockets.get(name)
        target = wave_target_of(name, socket.label) if socket else None
        if target is None:
            return None, None
        rival = target.channel == "ABP_WAVE" and kind != self.arterial_wave
        return (None, target.channel) if rival else (target.channel, None)

    @property
    def _line(self) -> Line | None:
        """The arterial line that speaks; before any has had a value, the best by its label."""
        labelled = [
            (target.rank, name)
            for name, socket in self._sockets.items()
            if (target := wave_target_of(name, socket.label)) and target.channel == "ABP_WAVE"
        ]
        return self._choice.chosen or min(labelled, default=None)


def _sample(kind: int, t_s: float, reading: Reading, number: Number, target: Target | None) -> Sample:
    """Give one number, in its channel's unit where it has a channel."""
    code = _code(kind, reading.group.name, reading.label, number.name)
    channel, active = target.channel if target else None, reading.active
    value, unit = _in_unit(reading, number, channel)
    if not active:
        value = math.nan
    reason = _doubt(channel, value, unit, active=active)
    return Sample(channel, code, t_s, value, unit, reason is None, reason)


@lru_cache(maxsize=MAX_LABELLED)
def _code(kind: int, group: str, label: int, number: str) -> str:
    site = site_of(group, label)
    return f"{KINDS[kind]}.{group}.{number}{site and '/'}{site}"


def _in_unit(reading: Reading, number: Number, channel: str | None) -> tuple[float, str]:
    value, unit = reading.values[number.name], number.unit
    if unit == "%" and math.isfinite(ambient := reading.values.get("ambient", math.nan)):
        value, unit = partial_pressure(value, ambient), "mmHg"
    scale = units.to_canonical(channel, unit) if channel else None
    return (value, unit) if scale is None or channel is None else (value * scale[0], CHANNELS[channel].unit)


def _doubt(channel: str | None, value: float, unit: str, *, active: bool) -> Reason | None:
    """Say what forbids a number."""
    if not active:
        return Reason.UNAVAILABLE
    if math.isnan(value):
        return Reason.CODE
    if channel is None:
        return None
    if unit != CHANNELS[channel].unit:
        return Reason.UNIT
    return None if plausible(channel, value) else Reason.RANGE


def _wave_doubt(channel: str | None, unit: str, values: Floats) -> Reason | None:
    """Say what forbids a packet as a whole; single control codes only leave their samples missing."""
    low, high = extremes(values)
    if math.isnan(low):
        return Reason.CODE
    if channel is None:
        return None
    track = CHANNELS[channel]
    if unit != track.unit:
        return Reason.UNIT
    return None if track.low <= low and high <= track.high else Reason.RANGE
