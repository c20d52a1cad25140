"""`barocast doctor`: what this box has, in sentences, and the delays that it discloses.

Each check gives a Finding; the exit status is 0 when none is bad. A missing loudspeaker is said, not hidden.
`--config FILE` says what a bed's configuration makes of it: a silent trial, what is read of the patient, and
the status of its forecasts.
`--recording FILE` reads a recording to its end and says what was lost of it, by kind: of a line that is heard
now, the one that the service is writing ([sinks] record).
"""

from __future__ import annotations

import contextlib
import json
import platform
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import onnxruntime
from serial.tools import list_ports

from barocast.plugin.feeds import feed_names, find_feed, live_names
from barocast.plugin.forecast_quality import read_quality, utc_now
from barocast.plugin.loaded_bundle import add_bundle_arguments, load_bundle
from barocast.plugin.losses import loss_words
from barocast.plugin.recordings import open_recording
from barocast.plugin.segment_file import SUFFIX
from barocast.plugin.serve import READ_S
from barocast.plugin.settings import DROP, read_settings
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.view import SILENT_TRIAL
from barocast.runtime.engines import CPU, OrtEngine
from barocast.runtime.errors import BundleError, InputError, SettingsError
from barocast.runtime.pipeline import EVERY_S
from barocast.runtime.timeline import CURRENT_S, MIN_VALID_SHARE, WINDOW_MIN

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from barocast.runtime.bundle import Bundle

HELP: Final = "Say what this box has: ports, engine, bundle, sinks, clock, disk, and the disclosed delays."
DISK_MIN_MB: Final = 500
"""Below this a day's log and an upgrade no longer fit."""
LOST_SHARE: Final = 0.01
"""Of the frames: a sound line loses none; where more than this is lost, parity, wiring or rate is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about the box."""

    topic: str
    ok: bool
    text: str


Check: TypeAlias = Callable[["Namespace"], list[Finding]]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--config", type=Path, help="TOML file of a bed (docs/configuration.md)")
    parser.add_argument("--sound-device", default="", help="ALSA device to test, as in [sinks]")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="say what is lost in it, by kind")
    parser.add_argument("--feed", help=f"of raw bytes: {', '.join(feed_names())}")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON lines")
    add_bundle_arguments(parser)


def run(args: Namespace) -> int:
    """Print every finding; give 1 when one is bad."""
    findings = [finding for check in CHECKS for finding in check(args)]
    for finding in findings:
        mark = "ok " if finding.ok else "BAD"
        print(json.dumps(asdict(finding)) if args.json else f"{mark} {finding.topic:<8} {finding.text}")
    return 0 if all(finding.ok for finding in findings) else 1


def _box(_: Namespace) -> list[Finding]:
    text = f"barocast {version('barocast')}, Python {platform.python_version()}, {platform.platform()}"
    return [Finding("box", ok=sys.maxsize > 1 << 32, text=text)]


def _engine(_: Namespace) -> list[Finding]:
    providers = onnxruntime.get_available_providers()
    text = f"onnxruntime {onnxruntime.__version__}, providers {', '.join(providers)}; {CPU} is used"
    return [Finding("engine", ok=CPU in providers, text=text)]


def _bundle(args: Namespace) -> list[Finding]:
    try:
        bundle = load_bundle(args)
        engine = OrtEngine(bundle)
    except (BundleError, SettingsError) as error:
        return [Finding("bundle", ok=False, text=str(error))]
    answers = len(bundle.known_answers["logits"])
    text = f"{bundle.manifest.id}: signed, whole, {answers} known answers right on {engine.name}"
    return [Finding("bundle", ok=True, text=text), *_delays(bundle)]


def _delays(bundle: Bundle) -> list[Finding]:
    rules = bundle.manifest.alarm.trigger
    stale = ", ".join(f"{name} {find_feed(name).stale_s:g} s" for name in live_names())
    condition = (
        f"alarm condition delay: {rules.k} of {rules.n} decisions {EVERY_S:g} s apart, so up to "
        f"{rules.k * EVERY_S:g} s; the next one {rules.refractory_s:g} s later at the soonest"
    )
    said = (
        f"a first forecast needs {WINDOW_MIN} min with {MIN_VALID_SHARE:.0%} valid MAP",
        f"MAP counts as current for {CURRENT_S:g} s; a feed counts as lost after {stale}",
        condition,
        f"alarm signal generation delay: bytes are read every {READ_S * 1000:g} ms at the latest",
    )
    return [Finding("delay", ok=True, text=text) for text in said]


def _feeds(_: Namespace) -> list[Finding]:
    rule = "names, numbers and birth dates are dropped where they are read; [sinks] record keeps raw bytes"
    return [
        Finding("feeds", ok=True, text=f"decoded: {', '.join(feed_names())}"),
        Finding("privacy", ok=True, text=rule),
    ]


def _recording(args: Namespace) -> list[Finding]:
    if args.recording is None:
        return []
    try:
        recording = open_recording(args.recording, args.feed)
        for _ in recording.batches:
            pass
    except (InputError, SettingsError) as error:
        return [Finding("line", ok=False, text=str(error))]
    counts = recording.counts()
    lost = loss_words(counts) or "nothing lost"
    text = f"{args.recording}: {recording.kind}, {counts.bytes:,} bytes, {counts.frames:,} frames, {lost}"
    found = [Finding("line", ok=counts.corrupt <= LOST_SHARE * counts.frames, text=text)]
    if args.recording.suffix == SUFFIX:
        text = f"{args.recording}: raw bytes, in which the feed may name the patient; keep it as patient data"
        found.append(Finding("privacy", ok=True, text=text))
    return found


def _config(args: Namespace) -> list[Finding]:
    if args.config is None:
        return []
    try:
        settings = read_settings(args.config)
    except SettingsError as error:
        return [Finding("config", ok=False, text=str(error))]
    found = [Finding("config", ok=True, text=f"{args.config}: {settings.bed.name}, {settings.feed.kind}")]
    if settings.alarm.silent:
        text = f"{SILENT_TRIAL}; NOTHING SOUNDS; the log is {settings.sinks.log}"
        found.append(Finding("silent", ok=True, text=text))
    if settings.feed.demographics != DROP:
        text = (
            "[feed] demographics: age in years, sex, height and weight are read from the feed; never a name"
        )
        found.append(Finding("privacy", ok=True, text=text))
    return [*found, _quality(settings.model.status)]


def _quality(path: str) -> Finding:
    if not path:
        return Finding("quality", ok=True, text="not watched: [model] status names no file")
    try:
        quality = read_quality(Path(path))
    except SettingsError as error:
        return Finding("quality", ok=False, text=str(error))
    trouble = quality.trouble(utc_now())
    return Finding("quality", ok=not trouble, text=f"forecasts of {quality.bundle}: {trouble or quality}")


def _ports(_: Namespace) -> list[Finding]:
    by_id = sorted(str(path) for path in Path("/dev/serial/by-id").glob("*"))
    ports = by_id or sorted(port.device for port in list_ports.comports())
    return [Finding("ports", ok=True, text=f"serial: {', '.join(ports) or 'none found'}")]


def _sound(args: Namespace) -> list[Finding]:
    if not args.sound_device:
        return [Finding("sound", ok=True, text="none tested; name a device with --sound-device")]
    with contextlib.closing(SoundSink(args.sound_device)) as sink:
        test = sink.self_test()
    return [Finding("sound", ok=True, text=test.text if test.ok else f"NO SOUND: {test.text}")]


def _clock(_: Namespace) -> list[Finding]:
    info = time.get_clock_info("monotonic")
    text = f"deadlines run on {info.implementation}, resolution {info.resolution:g} s"
    return [Finding("clock", ok=info.monotonic, text=text)]


def _disk(_: Namespace) -> list[Finding]:
    free_mb = shutil.disk_usage(Path.cwd()).free >> 20
    return [Finding("disk", ok=free_mb >= DISK_MIN_MB, text=f"{free_mb:,} MB free in {Path.cwd()}")]


CHECKS: Final[tuple[Check, ...]] = (
    *(_box, _engine, _bundle, _feeds, _config, _recording),
    *(_ports, _sound, _clock, _disk),
)
