"""A recording, read to its end: what was lost of it, by kind, and that it is patient data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.doctor.running import LOST_SHARE
from barocast.plugin.losses import loss_words
from barocast.plugin.recordings import open_recording
from barocast.plugin.segment_file import SUFFIX
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from argparse import Namespace


def recording(args: Namespace) -> list[Finding]:
    """Read --recording."""
    if args.recording is None:
        return []
    try:
        opened = open_recording(args.recording, args.feed)
        for _ in opened.batches:
            pass
    except (InputError, SettingsError) as error:
        return [bad("line", error)]
    counts = opened.counts()
    lost = loss_words(counts) or "nothing lost"
    text = f"{args.recording}: {opened.kind}, {counts.bytes:,} bytes, {counts.frames:,} frames, {lost}"
    found = [Finding("line", ok=counts.corrupt <= LOST_SHARE * counts.frames, text=text)]
    if args.recording.suffix == SUFFIX:
        text = f"{args.recording}: raw bytes, in which the feed may name the patient; keep it as patient data"
        found.append(good("privacy", text))
    return found
