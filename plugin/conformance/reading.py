"""A recording through a fresh decoder, in pieces of any size, and what two such readings differ in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from barocast.plugin.conformance.verdict import DriverRaised, NotShown
from barocast.runtime.domain import Corrupt, DeviceAlarm, Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from barocast.plugin.feeds import Feed
    from barocast.runtime.domain import Event, FeedCounts

    Given = TypeVar("Given")
    Told: TypeAlias = tuple[str, ...]

READ_BYTES: Final = 1 << 16
"""As the bedside reads a file."""
NOUNS: Final = (Sample, WaveChunk, DeviceAlarm, Corrupt)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a decoder gave."""

    events: tuple[Event, ...]
    ends: tuple[int, ...]
    """Bytes that the decoder had taken when each event came."""
    counts: FeedCounts
    """At the end."""


def read(feed: Feed, pieces: Iterable[bytes], trial: str = "", *, close: bool = True) -> Reading:
    """Feed a fresh decoder. Raises DriverRaised, naming the trial and the offset."""
    decoder = guarded(feed.decoder, "making the decoder", trial)
    events: list[Event] = []
    ends: list[int] = []
    fed = 0
    for piece in pieces:
        came = guarded(partial(decoder.feed, piece), f"bytes {fed} to {fed + len(piece)}", trial)
        fed += len(piece)
        events += came
        ends += [fed] * len(came)
    last = guarded(decoder.close, f"close() after byte {fed}", trial) if close else []
    counts = guarded(lambda: decoder.counts, f"counts after byte {fed}", trial)
    return Reading((*events, *last), (*ends, *[fed] * len(last)), counts)


def guarded(act: Callable[[], Given], where: str, trial: str = "") -> Given:
    """Do what must not raise. Raises DriverRaised."""
    try:
        return act()
    except (NotShown, DriverRaised):
        raise
    except Exception as error:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        line = f" at {last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last is not None else ""
        place = ", ".join(filter(None, (where, trial)))
        raise DriverRaised(f"it raised {type(error).__name__}: {error}{line}", place) from error


def by_size(data: bytes, size: int) -> Iterator[bytes]:
    """Cut into pieces of one size."""
    return (data[at : at + size] for at in range(0, len(data), size))


def at_random(data: bytes, seed: int, largest: int = 300) -> Iterator[bytes]:
    """Cut into pieces of 1 to `largest` bytes."""
    random = np.random.default_rng(seed)
    at = 0
    while at < len(data):
        size = int(random.integers(1, largest + 1))
        yield data[at : at + size]
        at += size


def told(event: object) -> Told:
    """Give an event as something to compare: NaN equals NaN, a wave goes by its bytes."""
    if not isinstance(event, NOUNS):
        return (repr(event),)
    told_fields = (getattr(event, field.name) for field in fields(event))
    return (
        type(event).__name__,
        *(value.tobytes().hex() if isinstance(value, np.ndarray) else repr(value) for value in told_fields),
    )


def difference(expected: Reading, actual: Reading) -> str:
    """Say where two readings of the same bytes first differ; empty when they do not."""
    pairs = zip_longest(map(told, expected.events), map(told, actual.events))
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
    if at is not None:
        near = min(reading.ends[at] for reading in (expected, actual) if at < len(reading.ends))
        return f"event {at + 1} differs, by byte {near}: {_shown(expected, at)} became {_shown(actual, at)}"
    return "" if expected.counts == actual.counts else f"{expected.counts} became {actual.counts}"


def _shown(reading: Reading, at: int) -> str:
    if at >= len(reading.events):
        return "nothing"
    event = reading.events[at]
    if isinstance(event, Corrupt):
        return f"Corrupt `{event.reason}` at {event.offset}"
    value = f" = {event.value:g}" if isinstance(event, Sample) else ""
    return f"{type(event).__name__} {getattr(event, 'code', '?')}{value}"
