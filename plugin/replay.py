"""`barocast replay FILE`: a recorded case through the bedside's own pipeline, as fast as it goes.

One JSON line a decision (sinks.jsonl.decision_line), written to a temporary file that takes its name
only when the whole case has been played: a file that cannot be read leaves no half output.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.feeds import feed_names
from barocast.plugin.loaded_bundle import add_bundle_arguments, load_bundle
from barocast.plugin.output_file import open_output
from barocast.plugin.patient_option import add_patient_argument, read_patient
from barocast.plugin.recordings import open_recording
from barocast.plugin.sinks.jsonl import decision_line
from barocast.plugin.watch import Watch
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError
from barocast.runtime.pipeline import EVERY_S, LONGEST_EVERY_S

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from barocast.plugin.recordings import Recording
    from barocast.plugin.watch import Outcome

HELP: Final = "Play a recorded case through the whole pipeline and write one JSON line a decision."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "file", type=Path, help=".csv (t_s, one column a channel), .vital, .hea (WFDB) or .hl7"
    )
    parser.add_argument("--feed", help=f"of raw bytes: {', '.join(feed_names())}")
    add_patient_argument(parser)
    parser.add_argument("--out", type=Path, help="write the decisions here (default: standard output)")
    parser.add_argument("--every", type=float, default=EVERY_S, metavar="S", help="decision period (30 s)")
    parser.add_argument("--threads", type=int, default=1, help="of the engine (default 1)")
    add_bundle_arguments(parser)


def run(args: Namespace) -> int:
    """Replay one file; give the exit status."""
    _check(args)
    bundle = load_bundle(args)
    watch = Watch(bundle, OrtEngine(bundle, args.threads), read_patient(args.patient), args.every)
    recording = open_recording(args.file, args.feed)
    started = time.monotonic()
    decisions = 0
    with open_output(args.out) as out:
        for outcome in outcomes(watch, recording):
            line = decision_line(outcome.decision, outcome.alarm, watch.bundle_id)
            out.write(json.dumps(line, allow_nan=False) + "\n")
            decisions += 1
    _report(watch, decisions, time.monotonic() - started)
    corrupt = recording.counts().corrupt
    if corrupt:
        print(f"{corrupt} pieces of the file were corrupt; `barocast decode` lists them", file=sys.stderr)
    return 0


def outcomes(watch: Watch, recording: Recording) -> Iterator[Outcome]:
    """Drive a watch with a recording; its own clock rules."""
    for events in recording.batches:
        yield from watch.feed(events)
    yield from watch.finish()


def _check(args: Namespace) -> None:
    if not 1 <= args.every <= LONGEST_EVERY_S:
        raise SettingsError(f"--every {args.every:g}: must be 1 to {LONGEST_EVERY_S:g} s")
    if args.threads < 1:
        raise SettingsError(f"--threads {args.threads}: must be at least 1")


def _report(watch: Watch, decisions: int, wall_s: float) -> None:
    case_s = watch.pipeline.case_s
    speed = case_s / wall_s if wall_s else float("inf")
    print(
        f"{decisions} decisions over {case_s / 60:.1f} min of the case, {speed:,.0f} times real time",
        file=sys.stderr,
    )
