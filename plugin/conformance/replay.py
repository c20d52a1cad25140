"""Replay: a recording decodes, the same in any pieces, with counts that add up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.conformance.reading import READ_BYTES, at_random, by_size, difference, read
from barocast.plugin.conformance.subject import STRETCH, whole
from barocast.plugin.conformance.verdict import Check, failed, passed
from barocast.runtime.domain import Corrupt, Sample, WaveChunk

if TYPE_CHECKING:
    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Verdict

BYTEWISE: Final = 1 << 16
"""Bytes of a recording that are fed one by one."""
CHUNKED: Final = 1 << 18
"""Bytes that are fed in random pieces."""
RANDOM_READINGS: Final = 8
CUTS: Final = 64
"""Places at which a stretch is cut in two."""


def _decodes(subject: Subject) -> Verdict:
    reading = whole(subject)
    counts = reading.counts
    values = (event for event in reading.events if isinstance(event, Sample | WaveChunk))
    channels = sorted({event.channel for event in values if event.channel})
    said = f"{counts.frames} frames, {counts.samples} samples, {counts.corrupt} corrupt pieces"
    if not counts.frames or not channels:
        return failed(f"{said} and no channel of ours in {counts.bytes} bytes", "the whole recording")
    return passed(f"{said}; {', '.join(channels)}")


def _bytewise(subject: Subject) -> Verdict:
    data = subject.recorded()[:BYTEWISE]
    whole = read(subject.feed, [data], "whole")
    if fault := difference(whole, read(subject.feed, by_size(data, 1), "byte by byte")):
        return failed(fault, f"first {len(data)} bytes, one by one")
    return passed(f"{len(whole.events)} events of {len(data)} bytes, the same one by one")


def _chunks(subject: Subject) -> Verdict:
    data = subject.recorded()[:CHUNKED]
    whole = read(subject.feed, by_size(data, READ_BYTES), "whole")
    for seed in range(subject.seed, subject.seed + RANDOM_READINGS):
        largest = (7, 300, 5000)[seed % 3]
        if fault := difference(whole, read(subject.feed, at_random(data, seed, largest), f"seed {seed}")):
            return failed(fault, f"seed {seed}, pieces of 1 to {largest} bytes")
    return passed(f"{len(whole.events)} events, the same in {RANDOM_READINGS} random cuttings")


def _trailing(subject: Subject) -> Verdict:
    data = subject.recorded()[:STRETCH]
    whole = read(subject.feed, [data], "whole")
    cuts = np.linspace(1, len(data) - 1, CUTS, dtype=int).tolist()
    for cut in cuts:
        two = read(subject.feed, [data[:cut], b"", data[cut:]], f"cut at byte {cut}")
        if fault := difference(whole, two):
            return failed(fault, f"cut at byte {cut}")
    return passed(f"what stands behind the last whole frame waits for its rest, at {len(cuts)} cuts")


def _counts(subject: Subject) -> Verdict:
    data = subject.recorded()
    reading = whole(subject)
    counts, corrupt = reading.counts, [event for event in reading.events if isinstance(event, Corrupt)]
    values = sum(len(event.values) for event in reading.events if isinstance(event, WaveChunk))
    samples = values + sum(isinstance(event, Sample) for event in reading.events)
    for name, said, right in (
        ("bytes", counts.bytes, len(data)),
        ("corrupt", counts.corrupt, len(corrupt)),
        ("samples", counts.samples, samples),
        ("corrupt_by_reason", counts.corrupt_by_reason, dict(Counter(event.reason for event in corrupt))),
    ):
        if said != right:
            return failed(f"counts.{name} says {said}; it was {right}", "the whole recording")
    if not counts.frames and samples:
        return failed(f"counts.frames is 0 after {samples} samples", "the whole recording")
    return passed(f"{counts.bytes} bytes, {counts.frames} frames, {samples} samples, {len(corrupt)} corrupt")


def _close(subject: Subject) -> Verdict:
    stretch = subject.stretch()
    for end in (stretch.frames[0], stretch.frames[len(stretch.frames) // 2], stretch.frames[-1]):
        cut, trial = end - 1, f"cut at byte {end - 1}"
        before = read(subject.feed, [stretch.data[:cut]], trial, close=False)
        closed = read(subject.feed, [stretch.data[:cut]], trial)
        if len(closed.events) == len(before.events) and closed.counts.frames == before.counts.frames:
            return failed("close() says nothing of the frame that the end cut short", trial)
    return passed("close() tells what the end cut short, at 3 cuts inside a frame")


CHECKS: Final = (
    Check(
        "replay", "decodes", _decodes, "count sound frames, and give channels the names of tracks.CHANNELS"
    ),
    Check(
        "replay", "byte by byte", _bytewise, "keep what feed() cannot use yet, and decode only whole frames"
    ),
    Check("replay", "chunks", _chunks, "let no result hang on where the input was cut"),
    Check(
        "replay",
        "trailing bytes",
        _trailing,
        "keep the bytes behind the last whole frame for the next feed()",
    ),
    Check("replay", "counts", _counts, "count with decoders.tally.Tally: took, framed, gave"),
    Check(
        "replay", "close", _close, "let close() give Corrupt(offset, length, 'cut short') for what is left"
    ),
)
