"""`barocast replay FILE`: a recorded case through the bedside's own pipeline, as fast as it goes.

One JSON line a decision (sinks.jsonl.decision_line), written to a temporary file that takes its name
only when the whole case has been played: a file that cannot be read leaves no half output.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.engine_option import add_engine_arguments, cache_of, chosen_engine
from barocast.plugin.feeds import feed_names
from barocast.plugin.loaded_bundle import add_bundle_arguments, load_bundle
from barocast.plugin.losses import loss_words
from barocast.plugin.output_file import open_output
from barocast.plugin.patient_option import add_patient_argument, read_patient
from barocast.plugin.recordings import open_recording
from barocast.plugin.settings import MAX_THREADS
from barocast.plugin.sinks.jsonl import decision_line
from barocast.plugin.watch import Watch
from barocast.runtime.engines import choose_engine
from barocast.runtime.errors import SettingsError
from barocast.runtime.pipeline import EVERY_S, LONGEST_EVERY_S

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from barocast.plugin.recordings import Recording
    from barocast.plugin.watch import Outcome
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine

HELP: Final = "Play a recorded case through the whole pipeline and write one JSON line a decision."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "file",
        type=Path,
        help=".csv (t_s, one column a channel), .vital, .hea (WFDB), .hl7 or .brec (our own)",
    )
    parser.add_argument("--feed", help=f"of raw bytes: {', '.join(feed_names())}")
    add_patient_argument(parser)
    parser.add_argument("--out", type=Path, help="write the decisions here (default: standard output)")
    parser.add_argument("--every", type=float, default=EVERY_S, metavar="S", help="decision period (30 s)")
    parser.add_argument("--threads", type=int, default=1, help="of the engine (default 1)")
    add_engine_arguments(parser)
    add_bundle_arguments(parser)


def run(args: Namespace) -> int:
    """Replay one file; give the exit status."""
    _check(args)
    bundle = load_bundle(args)
    watch = Watch(bundle, _engine(bundle, args), read_patient(args.patient), args.every)
    recording = open_recording(args.file, args.feed)
    started, states = time.monotonic(), Counter[str]()
    with open_output(args.out) as out:
        for outcome in outcomes(watch, recording):
            line = decision_line(outcome.decision, outcome.alarm, watch.bundle_id, outcome.map_10s)
            out.write(json.dumps(line, allow_nan=False) + "\n")
            states[(line["reason"] or line["state"]).split(":")[0]] += 1
    return _report(args, watch, recording, states, time.monotonic() - started)


def _engine(bundle: Bundle, args: Namespace) -> Engine:
    wanted = chosen_engine(args)
    engine, reason = choose_engine(bundle, wanted.kind, args.threads, cache_of(wanted))
    if reason:
        print(f"{engine.name}: {reason}", file=sys.stderr)
    return engine


def outcomes(watch: Watch, recording: Recording) -> Iterator[Outcome]:
    """Drive a watch with a recording: the clock of its arrivals rules, or its own where it has none."""
    now_s = None
    for arrival in recording.arrivals:
        now_s = arrival.arrival_s
        yield from watch.feed(arrival.events, now_s)
    yield from watch.finish(now_s)


def _check(args: Namespace) -> None:
    if not 1 <= args.every <= LONGEST_EVERY_S:
        raise SettingsError(f"--every {args.every:g}: must be 1 to {LONGEST_EVERY_S:g} s")
    if not 1 <= args.threads <= MAX_THREADS:
        raise SettingsError(f"--threads {args.threads}: must be 1 to {MAX_THREADS}")


def _report(args: Namespace, watch: Watch, recording: Recording, states: Counter[str], wall_s: float) -> int:
    """Say on stderr what came of it; 1 when nothing did."""
    pipeline = watch.pipeline
    lost, case_s = loss_words(recording.counts(), {"stray times": pipeline.strays}), pipeline.case_s
    if lost:
        print(f"{args.file}: {lost}", file=sys.stderr)
    if not states:
        print(f"{args.file}: no decision: no arterial pressure with a time in it", file=sys.stderr)
        return 1
    said = ", ".join(f"{count} {state}" for state, count in states.most_common())
    speed = f"{case_s / wall_s:,.0f} times real time" if wall_s else ""
    print(
        f"{states.total()} decisions ({said}) over {case_s / 60:.1f} min of the case, {speed}",
        file=sys.stderr,
    )
    return 0
