"""A bed put together from its settings: session, watch, sinks, logs, and the line that serves them.

    build(station, model)               -> Bedside, its sinks tried and said on stderr
    fit(station, model, screens)        -> Fitted: with its line, screens and recorder

Raises SettingsError and PatientError; a sink that is silent is said, and the bed goes on with the others.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from barocast.plugin.bedside import Bedside
from barocast.plugin.clock import wall_s, wall_time
from barocast.plugin.feeds import find_feed
from barocast.plugin.forecast_quality import QualityWatch
from barocast.plugin.health.meter import BedMeter
from barocast.plugin.patience import Patience
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
from barocast.plugin.watch import Watch, alarm_rules
from barocast.plugin.web.publisher import Publisher, Shown, leaning
from barocast.runtime.alarm.rules import forecast_priority
from barocast.runtime.errors import SettingsError
from barocast.runtime.influence import asker
from barocast.runtime.sessions.described import DescribedSession
from barocast.runtime.sessions.hl7 import Hl7Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.service.model import Model
    from barocast.plugin.service.station import Station
    from barocast.plugin.settings import Settings
    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.plugin.transports.transport import Transport
    from barocast.plugin.web.board import Board
    from barocast.runtime.domain import Risk
    from barocast.runtime.influence import Influence

CONNECTED: Final = frozenset({"tcp", "tcp-listen", "tls", "tls-listen"})
"""Schemes of addresses whose other end can vanish without a word."""
SOUND: Final = "sound"


@dataclass(frozen=True, slots=True)
class Screens:
    """Where a bed is shown, and what counts what it does."""

    board: Board | None = None
    """Of the page; None where there is none."""
    trouble: Callable[[], str] = str
    """What is wrong with the page."""
    meter: BedMeter | None = None
    """Of this bed; None where nobody counts."""


def build(station: Station, model: Model) -> Bedside:
    """Put a bed together; nothing of it is opened that could wait."""
    settings = station.settings
    feed = find_feed(settings.feed.kind)
    if feed.session is None:
        raise SettingsError(f"[feed] kind: {feed.name} has nothing to connect to; use `barocast replay`")
    case = station.book.case
    patient = case.patient if case else station.patient
    watch = Watch(
        model.bundle,
        model.engine,
        patient,
        settings.bed.every_s,
        forecast_priority(settings.alarm.priority),
        escalate_at=settings.alarm.escalate_at or None,
        alarm_pause_max_s=settings.alarm.alarm_pause_max_s,
    )
    bedside = Bedside(
        name=settings.bed.name,
        session=feed.session(),
        watch=watch,
        sinks=sinks_of(settings, watch.bundle_id),
        log=_log(settings, watch.bundle_id),
        desk=station.desk,
        book=station.book,
        audit=station.audit,
        memory=station.memory,
        patient=patient,
        stale_s=feed.stale_s,
        every_s=settings.bed.every_s,
        wall=wall_time,
        say=say if not settings.sinks.terminal else lambda _: None,
    )
    bedside.engine_trouble = model.trouble
    if isinstance(bedside.session, Hl7Session):
        bedside.other_patient = bedside.session.forget_patient
    _mind(bedside, station, watch.bundle_id)
    for test in bedside.ways_out.try_out().values():
        say(f"{'ready' if test.ok else 'NOT READY'}: {test.text}")
    if settings.feed.demographics != DROP and feed.describer is not None:
        described = DescribedSession(bedside.session, feed.describer())
        bedside.session, bedside.describe = described, lambda: described.patient
    return bedside


def fit(station: Station, model: Model, screens: Screens) -> Fitted:
    """Give the bed its line, its recorder and its screens."""
    settings, bedside = station.settings, build(station, model)
    closing = contextlib.ExitStack()
    if settings.sinks.record:
        closing.callback(_record(station, bedside).close)
    shown: list[Callable[[float], None]] = []
    if settings.sinks.terminal:
        terminal = TerminalSink()
        bedside.sinks.append(terminal)
        shown.append(terminal_screen(terminal, bedside, silent=settings.alarm.silent))
    if screens.board is not None:
        shown.append(_publisher(screens, station, model, bedside))
    meter = screens.meter or BedMeter()
    meter.begin()
    bedside.meter = meter
    if (audit := station.audit) is not None:
        meter.pending = lambda: audit.pending
    shown.append(lambda now_s: meter.looked(bedside, now_s))
    return Fitted(bedside, _line(settings, bedside), together(shown), closing.close, meter.moved)


def together(shown: list[Callable[[float], None]]) -> Callable[[float], None]:
    """Show on every screen."""

    def show(now_s: float) -> None:
        for each in shown:
            each(now_s)

    return show


def terminal_screen(terminal: TerminalSink, bedside: Bedside, *, silent: bool) -> Screen:
    """Show the bed on a terminal."""
    return Screen(terminal, lambda now_s: view_of(bedside, bedside.name, now_s, silent=silent), FRAME_S)


def opened(settings: Settings, bedside: Bedside) -> Transport:
    """Open the feed's port; why a caller of it was refused is the bed's trouble."""
    feed = settings.feed
    return open_transport(feed.address, feed.tls, lambda trouble: bedside.report("caller", trouble))


def sinks_of(settings: Settings, bundle_id: str) -> list[AlarmSink]:
    """Make the ways out; in a silent trial there are none but the screens."""
    if settings.alarm.silent:
        say(f"{SILENT_TRIAL}; nothing sounds, and no other sink is told")
        return []
    device = settings.sinks.sound_device
    if device and SOUND in settings.ways_out:
        raise SettingsError("[sinks] sound_device: stands in [sinks.sound] too; leave one of them out")
    if not device and SOUND not in settings.ways_out:
        say("no sound: [sinks] sound_device names no device")
    origin = Origin(settings.bed.name, bundle_id)
    sinks: list[AlarmSink] = [SoundSink(device)] if device else []
    sinks += [way_out(name).open(keys, origin) for name, keys in settings.ways_out.items()]
    return sinks + [third_party_sink(name) for name in settings.sinks.others]


def _line(settings: Settings, bedside: Bedside) -> Line:
    """Only a connection can be half open: a serial line or a datagram port has no other end to lose."""
    connected = urlsplit(settings.feed.address).scheme in CONNECTED
    return Line(lambda: opened(settings, bedside), Patience() if connected else None)


def _mind(bedside: Bedside, station: Station, bundle_id: str) -> None:
    """Let the bed ask its parts how they are."""
    if station.settings.model.status:
        bedside.parts["forecast quality"] = QualityWatch(
            Path(station.settings.model.status), bundle_id
        ).trouble
    if (audit := station.audit) is not None:
        bedside.parts["audit"] = lambda: audit.trouble


def _publisher(screens: Screens, station: Station, model: Model, bedside: Bedside) -> Publisher:
    settings, book = station.settings, station.book
    rules = alarm_rules(model.bundle, forecast_priority(settings.alarm.priority), settings.bed.every_s)
    ask = asker(model.engine, model.bundle.calibrators)
    assert screens.board is not None  # noqa: S101 - asked by whoever calls

    def lean(risk: Risk) -> Influence | None:
        """Ask the pipeline of now: another patient has another."""
        return leaning(bedside.watch.pipeline, ask, rules)(risk)

    publisher = Publisher(
        screens.board,
        bedside,
        Shown(station.slug, bedside.name, rules, silent=settings.alarm.silent),
        wall=wall_time,
        case=lambda: book.case,
        history=book.history,
        lean=lean,
    )
    bedside.parts["page"] = lambda: screens.trouble() or publisher.trouble
    return publisher


def _record(station: Station, bedside: Bedside) -> Recorder:
    """Record what the session is given."""
    settings = station.settings
    recorder = Recorder(Path(settings.sinks.record), settings.feed.kind, wall=wall_s)
    bedside.parts["recorder"] = lambda: recorder.trouble
    bedside.losses["bytes not recorded"] = lambda: recorder.lost
    bedside.session = RecordedSession(bedside.session, recorder)
    station.recording = lambda: (recorder.writing,) if recorder.writing else ()
    return recorder


def _log(settings: Settings, bundle_id: str) -> JsonLinesSink | None:
    if not settings.sinks.log:
        return None
    log = JsonLinesSink(settings.sinks.log, bundle_id=bundle_id)
    test = log.self_test()
    if not test.ok:
        raise SettingsError(f"{test.text}; name a file that can be written")
    return log
