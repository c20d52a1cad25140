"""`barocast decode --feed NAME FILE [--out FILE.jsonl]`: a raw capture to samples, one JSON line each.

    {"t": 1562838867.6, "channel": "ABP_MEAN", "kind": "numeric", "value": 91.0, "unit": "mmHg",
     "valid": true, "reason": null, "code": "Intellivue/ABP_MEAN"}         a wave: value [...], rate_hz
    {"summary": {"bytes": ..., "frames": ..., "corrupt": ..., "samples": ..., "corrupt_by_reason": {...},
     "corrupt_at": [{"offset": ..., "length": ..., "reason": ...}, ...]}}  last; the first MAX_PLACES
NaN is null. Values keep DECIMALS. The output appears under its name only when it is whole.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from barocast.plugin.feeds import feed_names
from barocast.plugin.output_file import open_output
from barocast.plugin.recordings import decoder_for
from barocast.runtime.domain import Corrupt, DeviceAlarm, Sample
from barocast.runtime.recorded import read_chunks

if TYPE_CHECKING:
    import argparse

    from barocast.runtime.domain import Event, FeedCounts, WaveChunk

HELP = "Decode a raw capture to samples, one JSON line a block."

MAX_PLACES = 100
"""Corrupt places that the summary lists; it counts them all."""
DECIMALS = 6
"""Of a value: finer than any monitor's resolution, coarser than the noise of a conversion."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--feed", required=True, metavar="NAME", help=f"what wrote the bytes: {', '.join(feed_names())}"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the raw capture")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.jsonl", help="where the samples go (default: stdout)"
    )


def run(args: argparse.Namespace) -> int:
    """Decode the file to its end, corrupt stretches included; 1 when nothing in it was sound.

    Raises InputError for an unknown feed and for a file that cannot be read or is empty.
    """
    decoder = decoder_for(args.feed)
    places: list[Corrupt] = []
    with open_output(args.out) as out:
        for chunk in read_chunks(args.file):
            _write(decoder.feed(chunk), out, places)
        _write(decoder.close(), out, places)
        out.write(json.dumps({"summary": summary(decoder.counts, places)}) + "\n")
    if decoder.counts.frames:
        return 0
    print(f"{args.file}: no sound frame in {decoder.counts.bytes} bytes; is it {args.feed}?", file=sys.stderr)
    return 1


def line(event: Sample | WaveChunk) -> dict[str, Any]:
    """Give a sample block as the contract's line."""
    wave = not isinstance(event, Sample)
    fields: dict[str, Any] = {"t": event.t_s, "channel": event.channel, "kind": "wave" if wave else "numeric"}
    if isinstance(event, Sample):
        fields["value"] = _number(event.value)
    else:
        fields["value"] = [_number(value) for value in event.values.tolist()]
        fields["rate_hz"] = event.rate_hz
    reason = None if event.reason is None else event.reason.value
    return {**fields, "unit": event.unit, "valid": event.valid, "reason": reason, "code": event.code}


def summary(counts: FeedCounts, places: list[Corrupt]) -> dict[str, Any]:
    """Give the last line's content."""
    return {
        "bytes": counts.bytes,
        "frames": counts.frames,
        "corrupt": counts.corrupt,
        "samples": counts.samples,
        "corrupt_by_reason": counts.corrupt_by_reason,
        "corrupt_at": [
            {"offset": place.offset, "length": place.length, "reason": place.reason} for place in places
        ],
    }


def _write(events: list[Event], out: TextIO, places: list[Corrupt]) -> None:
    for event in events:
        if isinstance(event, Corrupt):
            if len(places) < MAX_PLACES:
                places.append(event)
        elif not isinstance(event, DeviceAlarm):
            out.write(json.dumps(line(event), allow_nan=False) + "\n")


def _number(value: float) -> float | None:
    return round(value, DECIMALS) if math.isfinite(value) else None
