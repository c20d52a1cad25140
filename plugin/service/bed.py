"""A bed put together from its settings: session, watch, sinks, log, and the line that serves them.

    build(settings, model)              -> Bedside, its sinks tried and said on stderr
    fit(settings, bedside, clock)       -> Fitted: with its line, screen and recorder

Raises SettingsError and PatientError; a sink that is silent is said, and the bed goes on with the others.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import wall_s, wall_time
from barocast.plugin.feeds import find_feed
from barocast.plugin.forecast_quality import QualityWatch
from barocast.plugin.patience import Patience
from barocast.plugin.patient_option import read_patient
from barocast.plugin.recorder import RecordedSession, Recorder
from barocast.plugin.screen import FRAME_S, Screen, view_of
from barocast.plugin.serve import Line, say
from barocast.plugin.service.bed_loop import Fitted
from barocast.plugin.settings import DROP
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.sink import third_party_sink
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.terminal import TerminalSink
from barocast.plugin.sinks.view import SILENT_TRIAL
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.watch import Watch
from barocast.runtime.alarm.rules import forecast_priority
from barocast.runtime.decoders.demographics import completed
from barocast.runtime.errors import SettingsError
from barocast.runtime.sessions.described import DescribedSession

if TYPE_CHECKING:
    from barocast.plugin.clock import Clock
    from barocast.plugin.service.model import Model
    from barocast.plugin.settings import Settings
    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.plugin.transports.transport import Transport

CONNECTED: Final = frozenset({"tcp", "tcp-listen", "tls", "tls-listen"})
"""Schemes of addresses whose other end can vanish without a word."""


def build(settings: Settings, model: Model) -> Bedside:
    """Put a bed together; nothing of it is opened that could wait."""
    patient = read_patient(Path(settings.bed.patient) if settings.bed.patient else None)
    watch = Watch(
        model.bundle,
        model.engine,
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
        sinks=_sinks(settings, watch.bundle_id),
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


def fit(settings: Settings, bedside: Bedside, clock: Clock) -> Fitted:
    """Give the bed its line, its recorder and, on a terminal, its screen."""
    closing = contextlib.ExitStack()
    if settings.sinks.record:
        closing.callback(_record(settings, bedside).close)
    show = None
    if settings.sinks.terminal:
        terminal = TerminalSink()
        bedside.sinks.append(terminal)
        show = terminal_screen(terminal, bedside, silent=settings.alarm.silent)
    del clock
    return Fitted(bedside, Line(lambda: opened(settings, bedside), _patience(settings)), show, closing.close)


def terminal_screen(terminal: TerminalSink, bedside: Bedside, *, silent: bool) -> Screen:
    """Show the bed on a terminal."""
    return Screen(terminal, lambda now_s: view_of(bedside, bedside.name, now_s, silent=silent), FRAME_S)


def opened(settings: Settings, bedside: Bedside) -> Transport:
    """Open the feed's port; why a caller of it was refused is the bed's trouble."""
    feed = settings.feed
    return open_transport(feed.address, feed.tls, lambda trouble: bedside.report("caller", trouble))


def _patience(settings: Settings) -> Patience | None:
    """Only a connection can be half open: a serial line or a datagram port has no other end to lose."""
    return Patience() if urlsplit(settings.feed.address).scheme in CONNECTED else None


def _record(settings: Settings, bedside: Bedside) -> Recorder:
    """Record what the session is given."""
    recorder = Recorder(Path(settings.sinks.record), settings.feed.kind, wall=wall_s)
    bedside.parts["recorder"] = lambda: recorder.trouble
    bedside.losses["bytes not recorded"] = lambda: recorder.lost
    bedside.session = RecordedSession(bedside.session, recorder)
    return recorder


def _sinks(settings: Settings, bundle_id: str) -> list[AlarmSink]:
    """Make the ways out and try each; in a silent trial there are none but the screen."""
    if settings.alarm.silent:
        say(f"{SILENT_TRIAL}; nothing sounds, and no other sink is told")
        return []
    origin = Origin(settings.bed.name, bundle_id)
    sinks: list[AlarmSink] = [SoundSink(settings.sinks.sound_device)] if settings.sinks.sound_device else []
    sinks += [way_out(name).open(keys, origin) for name, keys in settings.ways_out.items()]
    sinks += [third_party_sink(name) for name in settings.sinks.others]
    if not settings.sinks.sound_device and "sound" not in settings.ways_out:
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
