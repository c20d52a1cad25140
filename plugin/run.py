"""`barocast run --config FILE`: the bedside service of one bed, until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import Clock, wall_s, wall_time
from barocast.plugin.feeds import find_feed
from barocast.plugin.forecast_quality import QualityWatch
from barocast.plugin.loaded_bundle import load_bundle
from barocast.plugin.patience import Patience
from barocast.plugin.patient_option import read_patient
from barocast.plugin.recorder import RecordedSession, Recorder
from barocast.plugin.screen import FRAME_S, Screen, view_of
from barocast.plugin.serve import Line, say, serve
from barocast.plugin.settings import DROP, read_settings
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.sink import third_party_sink
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.terminal import TerminalSink
from barocast.plugin.sinks.view import SILENT_TRIAL
from barocast.plugin.transports.addresses import check_files, open_transport
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.rules import forecast_priority
from barocast.runtime.bundle import default_bundle
from barocast.runtime.decoders.demographics import completed
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError
from barocast.runtime.sessions.described import DescribedSession

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator

    from barocast.plugin.settings import Settings
    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.plugin.transports.transport import Transport

CONNECTED: Final = frozenset({"tcp", "tcp-listen", "tls", "tls-listen"})
"""Schemes of addresses whose other end can vanish without a word."""
HELP: Final = "Run the bedside service of one bed."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--config", type=Path, required=True, help="TOML file (docs/configuration.md)")
    parser.add_argument("--check", action="store_true", help="read everything, test the sinks, and stop")


def run(args: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; give the exit status."""
    settings = read_settings(args.config)
    bedside = build(settings)
    if args.check:
        bedside.close()
        check_files(settings.feed.address, settings.feed.tls, wall_s())
        print(f"{args.config}: good; bundle {bedside.watch.bundle_id}")
        return 0
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopped.append(received))
    _serve(settings, bedside, lambda: bool(stopped))
    return 0


def _serve(settings: Settings, bedside: Bedside, until: Callable[[], bool]) -> None:
    clock = Clock()
    terminal = TerminalSink() if settings.sinks.terminal else None
    if terminal:
        bedside.sinks.append(terminal)
    with contextlib.closing(bedside), _recorded(settings, bedside):
        serve(
            bedside,
            Line(lambda: _opened(settings, bedside), _patience(settings)),
            clock=clock,
            until=until,
            sleep=clock.sleep,
            show=_screen(terminal, bedside, silent=settings.alarm.silent) if terminal else None,
        )


def _patience(settings: Settings) -> Patience | None:
    """Only a connection can be half open: a serial line or a datagram port has no other end to lose."""
    return Patience() if urlsplit(settings.feed.address).scheme in CONNECTED else None


def _opened(settings: Settings, bedside: Bedside) -> Transport:
    """Open the feed's port; why a caller of it was refused is the bed's trouble."""
    feed = settings.feed
    return open_transport(feed.address, feed.tls, lambda trouble: bedside.report("caller", trouble))


@contextlib.contextmanager
def _recorded(settings: Settings, bedside: Bedside) -> Iterator[None]:
    """Record what the session is given, where the site asks for that."""
    if not settings.sinks.record:
        yield
        return
    recorder = Recorder(Path(settings.sinks.record), settings.feed.kind, wall=wall_s)
    with contextlib.closing(recorder):
        bedside.parts["recorder"] = lambda: recorder.trouble
        bedside.losses["bytes not recorded"] = lambda: recorder.lost
        bedside.session = RecordedSession(bedside.session, recorder)
        yield


def _screen(terminal: TerminalSink, bedside: Bedside, *, silent: bool) -> Screen:
    return Screen(terminal, lambda now_s: view_of(bedside, bedside.name, now_s, silent=silent), FRAME_S)


def build(settings: Settings) -> Bedside:
    """Put a bed together from its settings. Raises SettingsError, BundleError, PatientError."""
    check_files(settings.feed.address, settings.feed.tls)
    bundle = load_bundle(
        Namespace(
            bundle=Path(settings.model.bundle) if settings.model.bundle else default_bundle(),
            trust=Path(settings.model.trust) if settings.model.trust else None,
        )
    )
    patient = read_patient(Path(settings.bed.patient) if settings.bed.patient else None)
    watch = Watch(
        bundle,
        OrtEngine(bundle, settings.model.threads),
        patient,
        settings.bed.every_s,
        forecast_priority(settings.alarm.priority),
    )
    feed = find_feed(settings.feed.kind)
    if feed.session is None:
        raise SettingsError(f"[feed] kind: {feed.name} has nothing to connect to; use `barocast replay`")
    bedside = Bedside(
        name=settings.bed.name,
        session=feed.session(),
        watch=watch,
        sinks=_sinks(settings),
        log=_log(settings, watch.bundle_id),
        stale_s=feed.stale_s,
        every_s=settings.bed.every_s,
        wall=wall_time,
        say=say if not settings.sinks.terminal else lambda _: None,
    )
    if settings.model.status:
        bedside.parts["forecast quality"] = QualityWatch(Path(settings.model.status), watch.bundle_id).trouble
    if settings.feed.demographics != DROP and feed.describer is not None:
        described = DescribedSession(bedside.session, feed.describer())
        bedside.session, bedside.describe = described, lambda: completed(patient, described.patient)
    return bedside


def _sinks(settings: Settings) -> list[AlarmSink]:
    """Build the sinks and try each; a silent one is said on stderr, and the bed goes on with the others.

    In a silent trial there are none: the logs are written by the bed itself, the screen by `_serve`.
    """
    if settings.alarm.silent:
        say(f"{SILENT_TRIAL}; nothing sounds, and no other sink is told")
        return []
    sinks: list[AlarmSink] = [SoundSink(settings.sinks.sound_device)] if settings.sinks.sound_device else []
    sinks += [third_party_sink(name) for name in settings.sinks.others]
    if not settings.sinks.sound_device:
        say("no sound: [sinks] sound_device names no device")
    for sink in sinks:
        test = sink.self_test()
        say(f"{'ready' if test.ok else 'NOT READY'}: {test.text}")
    return sinks


def _log(settings: Settings, bundle_id: str) -> JsonLinesSink | None:
    if not settings.sinks.log:
        return None
    log = JsonLinesSink(settings.sinks.log, bundle_id=bundle_id)
    test = log.self_test()
    if not test.ok:
        raise SettingsError(f"{test.text}; name a file that can be written")
    return log
