"""An SDC device's reports (IEEE 11073-10207, -20701) to events; nothing here knows SOAP, XML or sockets.

    bytes -> sdc_record -> mdib    what the device measures, where, in which unit: sdc_mdib
                           report  states of what it measures -> Sample | WaveChunk | DeviceAlarm
                           lost    notifications that never became a record -> Corrupt, each of them

    devices         {"handle", "mode"}                                   as in the mdib record
    metrics, waves  as sdc_values reads them
    alerts          a condition {"handle", "t", "present", "priority", "activation"} or
                    a signal    {"handle", "presence", "activation"}

What a device in demonstration, service or maintenance measures is `demo` or `test`. Of several sources of a
channel the best ranked speaks; a worse one takes over when that stays away (arterial.LineChoice). Corrupts:
those of sdc_record, `record` for fields that are not laid out so, `undescribed` for states of metrics that no
mdib record has told of, `wave rate`, `overrun`, `unreadable`.

An alert is a DeviceAlarm each time that the device tells it as present, or its signal as latched; one without
a priority calls for nobody and is none, nor is one of a demonstration.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.decoders.arterial import LineChoice
from barocast.runtime.decoders.sdc_mdib import NOTHING, read_mdib
from barocast.runtime.decoders.sdc_record import Deframer, entries, number, text
from barocast.runtime.decoders.sdc_values import ON, canonical, time, values, why_not
from barocast.runtime.decoders.sources import Candidate, settled
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.domain import Corrupt, DeviceAlarm, Reason, Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.sdc_mdib import Condition, Metric
    from barocast.runtime.decoders.sdc_record import Fields, Found, Record
    from barocast.runtime.domain import Event, FeedCounts, Floats

MAX_LOST: Final = 1000
"""Corrupts for one `lost` record, whatever count it claims."""
_MODES: Final = MappingProxyType({"Nml": None, "Dmo": Reason.DEMO, "Srv": Reason.TEST, "Mtn": Reason.TEST})
"""MdsState.OperatingMode; one that is unknown or never told is no patient's."""
_PRIORITIES: Final = MappingProxyType({"Lo": "low", "Me": "medium", "Hi": "high"})
_LOST: Final = frozenset({"overrun", "unreadable"})


class SdcDecoder:
    """One consumer's records (runtime.sessions.session.Decoder)."""

    def __init__(self) -> None:
        self._deframer = Deframer()
        self._tally = Tally()
        self._mdib = NOTHING
        self._modes: dict[str, Reason | None] = {}
        self._numeric_line = LineChoice()
        self._wave_line = LineChoice(self._numeric_line)
        self._sources: dict[str, LineChoice] = {}
        """Channel, other than the arterial ones -> which of its sources speaks."""

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far; frames are records."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events of the records they complete."""
        self._tally.took(data)
        return self._events(self._deframer.feed(data))

    def close(self) -> list[Event]:
        """Report an unfinished record."""
        return self._events(self._deframer.close())

    def _events(self, found: list[Found]) -> list[Event]:
        return self._tally.gave([event for item in found for event in self._read(item)])

    def _read(self, found: Found) -> list[Event]:
        if isinstance(found, Corrupt):
            return [found]
        try:
            events = self._take(found)
        except ValueError:
            return [Corrupt(found.offset, found.length, "record")]
        self._tally.framed()
        return events

    def _take(self, record: Record) -> list[Event]:
        kind = text(record.fields, "is")
        if kind == "report":
            return self._report(record)
        if kind == "lost":
            return _lost(record)
        if kind != "mdib":
            raise ValueError(f"{kind}: no such record")
        self._mdib = read_mdib(record.fields)
        self._modes = _modes(record.fields)
        return []

    def _report(self, record: Record) -> list[Event]:
        fields = record.fields
        self._modes |= {device: mode for device, mode in _modes(fields).items() if device in self._modes}
        metrics, waves = entries(fields, "metrics"), entries(fields, "waves")
        samples = [self._sample(state, metric) for state, metric in self._described(metrics, wave=False)]
        chunks = [self._chunk(state, metric) for state, metric in self._described(waves, wave=True)]
        alarms = self._alarms(entries(fields, "alerts"))
        events: list[Event] = [*self._speaking(samples, self._numeric_line)]
        events += self._speaking([chunk for chunk in chunks if chunk is not None], self._wave_line)
        wrong = ["undescribed"] * (len(samples) + len(chunks) < len(metrics) + len(waves))
        wrong += ["wave rate"] * chunks.count(None)
        return [*events, *alarms, *(Corrupt(record.offset, record.length, word) for word in wrong)]

    def _described(self, states: list[Fields], *, wave: bool) -> Iterator[tuple[Fields, Metric]]:
        for state in states:
            metric = self._mdib.metrics.get(text(state, "handle"))
            if metric is not None and metric.wave is wave:
                yield state, metric

    def _sample(self, state: Fields, metric: Metric) -> Candidate:
        measured, unit, reason = self._measured(state, metric)
        value, t_s = float(measured[0]), time(state)
        sample = Sample(metric.channel, metric.code, t_s, value, unit, reason is None, reason)
        return Candidate(metric.target, metric.place, sample)

    def _chunk(self, state: Fields, metric: Metric) -> Candidate | None:
        """Give a wave's samples, None for a wave without a rate."""
        if metric.rate_hz is None:
            return None
        measured, unit, reason = self._measured(state, metric)
        t_s, rate_hz = time(state), metric.rate_hz
        chunk = WaveChunk(metric.channel, metric.code, t_s, rate_hz, measured, unit, reason is None, reason)
        return Candidate(metric.target, metric.place, chunk)

    def _measured(self, state: Fields, metric: Metric) -> tuple[Floats, str, Reason | None]:
        reason = self._modes.get(metric.device, Reason.TEST) or why_not(state)
        return canonical(values(state, wave=metric.wave), metric, reason)

    def _speaking(self, candidates: list[Candidate], line: LineChoice) -> list[Event]:
        for candidate in candidates:
            if candidate.event.valid:
                self._choice(candidate).offer(candidate.line, candidate.event.t_s)
        heard = [
            candidate if self._speaks(candidate) else replace(candidate, target=None)
            for candidate in candidates
        ]
        return settled(heard, line)

    def _speaks(self, candidate: Candidate) -> bool:
        """Whether a source may write its channel, though its rivals stand in reports of their own."""
        return candidate.arterial or self._choice(candidate).speaks(candidate.line)

    def _choice(self, candidate: Candidate) -> LineChoice:
        channel = candidate.target.channel if candidate.target else ""
        return self._sources.setdefault(channel, LineChoice())

    def _alarms(self, states: list[Fields]) -> list[Event]:
        told: dict[str, Fields] = {}
        for state in filter(_active, states):
            handle = text(state, "handle")
            # A condition and its latched signal are one alarm.
            told.setdefault(self._mdib.signals.get(handle, handle), state)
        alarms = (self._alarm(self._mdib.conditions.get(handle), state) for handle, state in told.items())
        return [alarm for alarm in alarms if alarm is not None]

    def _alarm(self, condition: Condition | None, state: Fields) -> DeviceAlarm | None:
        if condition is None or self._modes.get(condition.device, Reason.TEST) is not None:
            return None
        priority = _PRIORITIES.get(text(state, "priority") or condition.priority)
        if priority is None:
            return None
        return DeviceAlarm(condition.code, condition.text, time(state), priority, condition.technical)


def _lost(record: Record) -> list[Event]:
    word = text(record.fields, "why")
    count = number(record.fields, "count")
    if word not in _LOST or not count >= 1:
        raise ValueError("lost what?")
    return [Corrupt(record.offset, record.length, word)] * min(int(count), MAX_LOST)


def _modes(fields: Fields) -> dict[str, Reason | None]:
    return {
        text(entry, "handle"): _MODES.get(text(entry, "mode"), Reason.TEST)
        for entry in entries(fields, "devices")
    }


def _active(state: Fields) -> bool:
    present = state.get("present") is True or text(state, "presence") == "Latch"
    return present and text(state, "activation") == ON
