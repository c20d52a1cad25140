"""The bytes of a .vital file to events: gzip (gunzip.py) around the packets that vital_layout draws.

A sound record gives a Sample or a WaveChunk with the code `device/track`. Corrupt, with offsets in the
unpacked bytes: `header`, `packet` (a type, length or content that cannot be; the reader then hunts for
the next record of a known track, or track), `unknown track`, `cut short`; `gzip`, `cut short` and
`after the end` with offsets in the file. Of several tracks for one channel the better ranked that has
values speaks (arterial.py); the others keep their code and lose the channel.

A file that was saved again holds one track after the other, and which line speaks can be told only in the
order of time. So a decoder may be told to `hold` the records, as they are written, until `in_order` gives
their events.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import numpy as np

from barocast.runtime.decoders import gunzip, units, vital_layout, vital_tracks
from barocast.runtime.decoders.arterial import LineChoice
from barocast.runtime.decoders.tally import Tally
from barocast.runtime.decoders.vital_layout import COMMAND, DEVICE, NUMERIC, RECORD, TRACK, WAVE, Malformed
from barocast.runtime.domain import Corrupt, Reason, Sample, WaveChunk
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.runtime.decoders.target import Target
    from barocast.runtime.decoders.vital_layout import Record, Track
    from barocast.runtime.domain import Event, FeedCounts, Floats

MAX_PACKET = 1 << 22
"""Bytes. Records hold about a second (500 Hz f64: 4 kB); 4 MiB leaves room for re-saved long stretches."""
MAX_HEADER = 4096
"""Bytes; version 3 has 10 to 27."""
MAX_TRACKS = 4096
"""A recorder has some 200; ids are 16 bit."""
MAX_DEVICES = 256
"""A recorder has under 20."""

_HEAD = struct.Struct("<4sIH")
_PACKET = struct.Struct("<BI")
_KNOWN = frozenset({TRACK, RECORD, COMMAND, DEVICE})
_IN_STEP = re.compile(
    rb"\x01..[\x00-\x3f]\x00\x0a\x00.{8}..|\x00.[\x00-\x0f]\x00\x00..[\x01\x02\x05][\x01-\x08].\x00\x00\x00.{4}",
    re.DOTALL,
)
_IN_STEP_BYTES = 17  # what either alternative spans


class VitalDecoder:
    """One file's stream. `hold`: keep the records for `in_order`, in the memory of the unpacked file."""

    def __init__(self, *, hold: bool = False) -> None:
        self._held: list[Record] | None = [] if hold else None
        self._tally = Tally()
        self._gunzip: gunzip.Gunzip | None = None
        self._begun = False
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte, unpacked
        self._headed = False
        self._hunting = 0  # bytes given up so far in this hunt
        self._lost = ""  # what began the hunt
        self._tracks: dict[int, Track] = {}
        self._devices: dict[int, str] = {}
        self._choices: dict[str, LineChoice] = {}

    @property
    def counts(self) -> FeedCounts:
        """What was seen so far; frames are packets."""
        return self._tally.counts

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes; give the events they complete."""
        self._tally.took(data)
        if data and not self._begun:
            self._begun = True
            self._gunzip = gunzip.Gunzip() if data[:1] == gunzip.MAGIC[:1] else None
        events: list[Event] = []
        for plain in self._gunzip.feed(data) if self._gunzip else [data]:
            self._buffer += plain
            self._read(events)
        return self._tally.gave(events)

    def close(self) -> list[Event]:
        """Report what was left unfinished."""
        events: list[Event] = list(self._gunzip.close()) if self._gunzip else []
        left = self._hunting + len(self._buffer)
        if left and not events:
            reason = self._lost if self._hunting else "cut short"
            events.append(Corrupt(self._offset - self._hunting, left, reason))
        self._drop(len(self._buffer))
        self._hunting = 0
        return self._tally.gave(events)

    def in_order(self) -> Iterator[Event]:
        """Give the events of the records held, by time; what was written first comes first of one time."""
        held, self._held = self._held or [], None
        held.sort(key=lambda record: record.t_s)
        for record in held:
            yield from self._tally.gave(self._told(record))

    def _read(self, events: list[Event]) -> None:
        if not self._headed and not self._read_header():
            return
        while self._hunt(events) if self._hunting else self._read_packet(events):
            pass

    def _read_header(self) -> bool:
        if len(self._buffer) < _HEAD.size:
            return False
        magic, _, length = _HEAD.unpack_from(self._buffer)
        if magic != b"VITA" or length > MAX_HEADER:
            self._headed = True
            return self._give_up("header")
        self._headed = len(self._buffer) >= _HEAD.size + length
        if self._headed:
            self._drop(_HEAD.size + length)
        return self._headed

    def _read_packet(self, events: list[Event]) -> bool:
        if len(self._buffer) < _PACKET.size:
            return False
        kind, length = _PACKET.unpack_from(self._buffer)
        if kind not in _KNOWN or length > MAX_PACKET:
            return self._give_up("packet")
        if len(self._buffer) < _PACKET.size + length:
            return False
        try:
            events += self._events(kind, bytes(self._buffer[_PACKET.size : _PACKET.size + length]))
        except Malformed:
            return self._give_up("packet")
        self._tally.framed()
        self._drop(_PACKET.size + length)
        return True

    def _give_up(self, reason: str) -> bool:
        self._hunting, self._lost = 1, reason
        self._drop(1)
        return True

    def _hunt(self, events: list[Event]) -> bool:
        """Drop bytes up to what looks like a packet in step; False when more are needed."""
        found = _IN_STEP.search(self._buffer)
        while found is not None and not self._plausible(found[0]):
            found = _IN_STEP.search(self._buffer, found.start() + 1)
        lost = found.start() if found else max(0, len(self._buffer) - _IN_STEP_BYTES + 1)
        self._hunting += lost
        self._drop(lost)
        if found is not None:
            events.append(Corrupt(self._offset - self._hunting, self._hunting, self._lost))
            self._hunting = 0
        return found is not None

    def _plausible(self, head: bytes) -> bool:
        return head[0] == TRACK or int.from_bytes(head[15:17], "little") in self._tracks

    def _drop(self, length: int) -> None:
        del self._buffer[:length]
        self._offset += length

    def _events(self, kind: int, body: bytes) -> list[Event]:
        if kind == RECORD:
            return self._record(vital_layout.record(body), len(body))
        if kind == TRACK and len(self._tracks) < MAX_TRACKS:
            described = vital_layout.track(body)
            self._tracks[described.number] = described
        elif kind == DEVICE and len(self._devices) < MAX_DEVICES:
            number, name = vital_layout.device(body)
            self._devices[number] = name
        return []

    def _record(self, record: Record, length: int) -> list[Event]:
        if record.track not in self._tracks:
            return [Corrupt(self._offset, length, "unknown track")]
        if self._held is None:
            return self._told(record)
        self._held.append(record)
        return []

    def _told(self, record: Record) -> list[Event]:
        described = self._tracks[record.track]
        if described.kind not in (WAVE, NUMERIC):
            return []
        table = vital_tracks.WAVE if described.kind == WAVE else vital_tracks.NUMERIC
        target = table.get(described.name.upper())
        values = described.physical(vital_layout.raw_values(described, record.body))
        return [self._event(described, target, record.t_s, values)] if len(values) else []

    def _event(self, described: Track, target: Target | None, t_s: float, values: Floats) -> Event:
        device = self._devices.get(described.device, "")
        code = f"{device}/{described.name}" if device else described.name
        values, unit, reason = _canonical(described, target, values)
        channel = target.channel if target and self._speaks(target, device, described.name, reason) else None
        rival_of = target.channel if target and not channel and target.channel.startswith("ABP_") else None
        valid = reason is None
        if described.kind == WAVE:
            return WaveChunk(channel, code, t_s, described.rate_hz, values, unit, valid, reason, rival_of)
        return Sample(channel, code, t_s, float(values[0]), unit, valid, reason, rival_of)

    def _speaks(self, target: Target, device: str, name: str, reason: Reason | None) -> bool:
        """Say whether this track is the one that writes its channel now."""
        arterial = target.channel.startswith("ABP_") and target.channel != "ABP_WAVE"
        choice = self._choices.setdefault("ABP" if arterial else target.channel, LineChoice())
        line = (target.rank, f"{device}/{name.split('_', maxsplit=1)[0] if arterial else name}")
        if reason is None:
            choice.offer(line)
        return choice.speaks(line)


def _canonical(described: Track, target: Target | None, values: Floats) -> tuple[Floats, str, Reason | None]:
    """Give the values in their channel's unit, that unit, and why they must not be used."""
    unit = units.unit_of_text(described.unit) or ("" if described.unit else "1")
    missing = Reason.MISSING if np.isnan(values).all() else None
    if target is None:
        return values, unit or described.unit, missing
    track = CHANNELS[target.channel]
    scale = units.to_canonical(track.name, unit)
    if scale is None:
        return values, unit or described.unit, missing or Reason.UNIT
    values = values * scale[0] + scale[1]
    if missing:
        return values, track.unit, missing
    beyond = np.nanmin(values) < track.low or np.nanmax(values) > track.high
    return values, track.unit, Reason.RANGE if beyond else None
