"""Philips IntelliVue Data Export, monitor to PC: bytes to events, however they are framed.

    Deframer -> Frame -> parse -> Pdu -> Sample | WaveChunk | DeviceAlarm      and Corrupt from either

What the line does not guarantee, and what is done about it:

- A wave's format and scale come once, its samples for ever after: kept by (context, handle); samples
  that come first are dropped, for without a scale they are not pressures.
- Relative time is 32 bits of 1/8000 s: unwrapped, so that `t_s` never falls back every 6.2 days.
- An intermittent measurement (NIBP, thermodilution) is sent again each second with the time at which
  it was made: told once, for the last value is not a new one.
- One patient has several arterial labels: the best that shows a value is ABP_*, numbers and wave
  alike; the others keep their codes, have no channel, and say whose rivals they are. TEMP, RR, PR and
  CO likewise have one source each, but no rivals: other sites are no contradiction.
- A parameter that is not connected still sends numbers: the state bits decide (`state_reason`).

The patient's name and number stand in demographic objects, which are read by nobody and never leave
this module.

Source: Philips IntelliVue Data Export Interface Programming Guide.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final, TypeVar

from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders import mib
from barocast.runtime.decoders.extremes import extremes
from barocast.runtime.decoders.intellivue_alarms import ALARM_DEMO, ALARM_INHIBITED, alarms
from barocast.runtime.decoders.intellivue_association import Act, Association
from barocast.runtime.decoders.intellivue_numbers import Number, numbers, state_reason
from barocast.runtime.decoders.intellivue_parser import parse
from barocast.runtime.decoders.intellivue_pdu import EventReport, PollResult, Unreadable
from barocast.runtime.decoders.intellivue_scale import scale_of
from barocast.runtime.decoders.intellivue_sources import Claims
from barocast.runtime.decoders.intellivue_waves import (
    SPEC_ATTRIBUTES,
    Samples,
    WaveSpec,
    sample_arrays,
    wave_spec,
)
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, DeviceAlarm, Reason, Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.runtime.decoders.intellivue_framing import Deframer
    from barocast.runtime.decoders.intellivue_pdu import Observation, Pdu
    from barocast.runtime.domain import Event, FeedCounts

MAX_OBJECTS: Final = 256
"""Objects remembered of each kind. A monitor has at most 201 numerics and 60 waves to export; more is
noise, and the oldest is forgotten."""

_WRAP: Final = 1 << 32
_Kept = TypeVar("_Kept")


class MonitorClock:
    """Relative time unwrapped: the nearest time to the last one seen."""

    def __init__(self) -> None:
        self._last: int | None = None

    def seconds(self, ticks: int) -> float:
        """Give seconds since the monitor's start for 32 bits of relative time."""
        if self._last is None:
            self._last = ticks
        step = (ticks - self._last + _WRAP // 2) % _WRAP - _WRAP // 2
        self._last += step
        return self._last / codes.TICKS_PER_S


class IntelliVueDecoder:
    """Decoder of one monitor's stream (runtime.sessions.session.Decoder).

    Serial frames, unless the deframer is another: intellivue_framing.Datagrams, intellivue_log.StampedLog.
    Demo data is invalid with its reason; with `allow_demo` it passes as if it were a patient's.
    """

    def __init__(self, deframer: Deframer | None = None, *, allow_demo: bool = False) -> None:
        self._allow_demo = allow_demo
        self._deframer = mib.Deframer() if deframer is None else deframer
        self._tally = Tally()
        self._readers: dict[int, Callable[[Observation, float], list[Event]]] = {
            codes.NUMERIC: self._numerics,
            codes.WAVE: self._waves,
            codes.ALERT_MONITOR: self._alarms,
            codes.MDS: self._monitor,
        }
        self._clock = MonitorClock()
        self._told: dict[tuple[int, int], tuple[bytes | None, ...]] = {}
        """Intermittent measurements; an association begun anew makes none of them new."""
        self._forget()

    def _forget(self) -> None:
        """Start an association: perhaps of other objects. The clock is followed on: a wrap is no restart."""
        self.claims = Claims()
        self._demo = False
        self._wave_attributes: dict[tuple[int, int], dict[int, bytes]] = {}
        self._specs: dict[tuple[int, int], WaveSpec | None] = {}

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give whatever they complete."""
        return [event for _, events in self.messages(data) for event in events]

    def close(self) -> list[Event]:
        """Tell what the end of the stream cuts short."""
        return [event for found in self._deframer.close() for event in self._take(found)[1]]

    def messages(self, data: bytes) -> Iterator[tuple[Pdu, list[Event]]]:
        """Take the next bytes; give each message and its events, for a session that answers."""
        self._tally.took(data)
        for found in self._deframer.feed(data):
            yield self._take(found)

    def _take(self, found: mib.Found) -> tuple[Pdu, list[Event]]:
        if isinstance(found, mib.Frame):
            pdu = parse(found.payload)
            try:
                events = self._events(pdu)
            except (struct.error, ValueError):  # an attribute shorter than its type
                pdu = Unreadable()
            if not isinstance(pdu, Unreadable):
                self._tally.framed()
                return pdu, self._tally.gave(events)
            found = Corrupt(found.offset, found.length, pdu.reason)
        return Unreadable(found.reason), self._tally.gave([found])

    def _events(self, pdu: Pdu) -> list[Event]:
        if isinstance(pdu, PollResult):
            t_s = self._clock.seconds(pdu.time_ticks)
            read = self._readers.get(pdu.object_class, _nothing)
            return [event for observation in pdu.observations for event in read(observation, t_s)]
        if isinstance(pdu, EventReport) and pdu.event == codes.MDS_CREATE:
            self._forget()
            self._clock.seconds(pdu.time_ticks)
            self._monitor_says(pdu.attributes)
        elif isinstance(pdu, Association) and pdu.act is Act.RESPONSE:
            self._forget()
        return []

    def _monitor(self, seen: Observation, _: float) -> list[Event]:
        self._monitor_says(seen.attributes)
        return []

    def _monitor_says(self, attributes: dict[int, bytes]) -> None:
        if mode := attributes.get(codes.OPERATING_MODE):
            self._demo = bool(int.from_bytes(mode, "big") & codes.OPERATING_DEMO)

    def _reason(self, state: int) -> Reason | None:
        if self._demo:
            state |= codes.STATE_DEMO
        if self._allow_demo:
            state &= ~codes.STATE_DEMO
        return state_reason(state)

    def _numerics(self, seen: Observation, t_s: float) -> list[Event]:
        if codes.MEASURED_AT in seen.attributes:
            key = (seen.context, seen.handle)
            said = tuple(map(seen.attributes.get, _MEASUREMENT))
            if self._told.get(key) == said:
                return []
            _keep(self._told, key, said)
        return [self._sample(number, t_s) for number in numbers(seen.attributes)]

    def _sample(self, number: Number, t_s: float) -> Sample:
        code, value = f"{number.code:04X}", number.value
        missing = math.isnan(value)
        reason = self._reason(number.state) or (Reason.CODE if missing else None)
        shows = not missing and reason in _SHOWN
        channel, rival_of = self.claims.claim(number.code, shows=shows)
        scale = scale_of(channel or rival_of, number.unit)
        value = value * scale.gain + scale.offset
        reason = reason or scale.doubt(value, value)
        return Sample(channel, code, t_s, value, scale.unit, reason is None, reason, rival_of)

    def _waves(self, seen: Observation, t_s: float) -> list[Event]:
        spec = self._spec(seen)
        return [self._chunk(samples, spec, t_s) for samples in sample_arrays(seen.attributes)] if spec else []

    def _spec(self, seen: Observation) -> WaveSpec | None:
        """Give the wave's description, brought up to date by what this observation carries of it."""
        key = (seen.context, seen.handle)
        if len(seen.attributes) > 1 and (  # samples alone bring no news
            news := {k: seen.attributes[k] for k in SPEC_ATTRIBUTES if k in seen.attributes}
        ):
            known = self._wave_attributes.get(key, {}) | news
            _keep(self._wave_attributes, key, known)
            _keep(self._specs, key, wave_spec(known))
        return self._specs.get(key)

    def _chunk(self, samples: Samples, spec: WaveSpec, t_s: float) -> WaveChunk:
        values = spec.decode(samples.raw)
        low, high = extremes(values)
        reason = self._reason(samples.state) or (Reason.INVALID if math.isnan(low) else None)
        channel, rival_of = self.claims.claim(samples.code, shows=reason in _SHOWN)
        scale = scale_of(channel or rival_of, spec.unit)
        if (scale.gain, scale.offset) != (1.0, 0.0):
            values = values * scale.gain + scale.offset
            low, high = extremes(values)
        reason = reason or scale.doubt(low, high)
        code, rate_hz = f"{samples.code:04X}", spec.rate_hz
        return WaveChunk(channel, code, t_s, rate_hz, values, scale.unit, reason is None, reason, rival_of)

    def _alarms(self, seen: Observation, t_s: float) -> list[Event]:
        return [
            DeviceAlarm(f"{alarm.code:04X}", alarm.text, t_s, alarm.priority, alarm.technical)
            for key in (codes.TECHNICAL_ALARMS, codes.PATIENT_ALARMS)
            for alarm in (alarms(seen.attributes[key]) if key in seen.attributes else ())
            if not (alarm.state & ALARM_INHIBITED or self._invented(alarm.state))
        ]

    def _invented(self, alarm_state: int) -> bool:
        return (self._demo or bool(alarm_state & ALARM_DEMO)) and not self._allow_demo


_MEASUREMENT: Final = (codes.MEASURED_AT, codes.NUMERIC_VALUE, codes.COMPOUND_NUMERIC)
"""The same of these once more is the same measurement."""
_SHOWN: Final = (None, Reason.DEMO)
"""With these a source counts as working: demo data chooses its line as a patient's would."""


def _nothing(_: Observation, __: float) -> list[Event]:
    """Drop what is no measurement: demographics above all."""
    return []


def _keep(kept: dict[tuple[int, int], _Kept], key: tuple[int, int], value: _Kept) -> None:
    if key not in kept and len(kept) >= MAX_OBJECTS:
        del kept[next(iter(kept))]
    kept[key] = value
