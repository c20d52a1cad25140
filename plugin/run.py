"""`barocast run --config FILE`: the bedside service of one bed, until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import Clock, wall_s, wall_time
from barocast.plugin.feeds import find_feed
from barocast.plugin.loaded_bundle import default_bundle, load_bundle
from barocast.plugin.patient_option import read_patient
from barocast.plugin.recorder import Recorder, RecordingTransport
from barocast.plugin.screen import FRAME_S, Screen, view_of
from barocast.plugin.serve import Line, say, serve
from barocast.plugin.settings import read_settings
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.sink import third_party_sink
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.terminal import TerminalSink
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.rules import forecast_priority
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator

    from barocast.plugin.settings import Settings
    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.plugin.transports.transport import Transport

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
    with contextlib.closing(bedside), _port(settings, clock, bedside) as open_port:
        serve(
            bedside,
            Line(open_port),
            clock=clock,
            until=until,
            sleep=clock.sleep,
            show=_screen(terminal, bedside) if terminal else None,
        )


@contextlib.contextmanager
def _port(settings: Settings, clock: Clock, bedside: Bedside) -> Iterator[Callable[[], Transport]]:
    """Give the way to open the feed's port; what comes from it is recorded where the site asks for that."""
    address, folder = settings.feed.address, settings.sinks.record
    if not folder:
        yield lambda: open_transport(address)
        return
    with contextlib.closing(Recorder(Path(folder), settings.feed.kind, clock=clock, wall=wall_s)) as recorder:
        bedside.parts["recorder"] = lambda: recorder.trouble
        yield lambda: RecordingTransport(open_transport(address), recorder)


def _screen(terminal: TerminalSink, bedside: Bedside) -> Screen:
    return Screen(terminal, lambda now_s: view_of(bedside, bedside.name, now_s), FRAME_S)


def build(settings: Settings) -> Bedside:
    """Put a bed together from its settings. Raises SettingsError, BundleError, PatientError."""
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
    return Bedside(
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


def _sinks(settings: Settings) -> list[AlarmSink]:
    """Build the sinks and try each; a silent one is said on stderr, and the bed goes on with the others."""
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
