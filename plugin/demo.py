"""`barocast demo`: a simulated patient behind a virtual monitor, over a real line, into the runtime.

    SimulatedPatient -> virtual monitor =pty or TCP= transport -> the very bedside of `barocast run`

The virtual monitor speaks the real protocol in a thread of its own at the other end of the line. Both
ends' clocks run `--speed` times faster than the wall. `--fault` orders trouble on the line, to see what a
bed makes of it. Exit status 0 when the forecast alarm came before
the simulated event, 1 when it did not.
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rich.console import Console

from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.clock import PlayClock, wall_time
from barocast.plugin.demo_page import OFF, USUAL, demo_page
from barocast.plugin.desk import Desk
from barocast.plugin.loaded_bundle import add_bundle_arguments, load_bundle
from barocast.plugin.monitors import DRI, HL7, INTELLIVUE_SERIAL
from barocast.plugin.patience import Patience
from barocast.plugin.screen import FRAME_S, Screen, view_of
from barocast.plugin.serve import Line, say, serve
from barocast.plugin.service.bed import together
from barocast.plugin.sinks.jsonl import JsonLinesSink
from barocast.plugin.sinks.screen_layout import render
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.terminal import TerminalSink
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.lines import over_pty
from barocast.plugin.virtual.physiology import SimulatedPatient, onset_s
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.plugin.virtual.tcp_line import over_tcp
from barocast.plugin.virtual.troubled import TroubledMonitor
from barocast.plugin.virtual.troubles import parse_order
from barocast.plugin.watch import Watch
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from barocast.plugin.feeds import Feed
    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.plugin.virtual.monitor import VirtualMonitor
    from barocast.plugin.virtual.troubled import Build
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.engines import Engine
    from barocast.runtime.sessions.session import Session

HELP: Final = "Play a simulated patient through a virtual monitor, over a real serial line, into the runtime."
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""A gateway whose clock started with the case, so that every feed tells the case's own seconds."""
MAX_SPEED: Final = 240.0
"""Beyond this the line's own pace (a burst every 1.024 s of its time) outruns a slow machine."""
REMOTE_FONT: Final = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""What a saved screen would fetch from the internet."""
PICTURE: Final = (112, 34)
"""Columns and lines of a saved screen."""
PATIENCE_S: Final = 300.0
"""Seconds of the case after which a monitor that was not heard ends the demo all the same."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--feed", default="intellivue", help=f"virtual monitor: {', '.join(CABLES)}")
    parser.add_argument("--scenario", default="drift", choices=SCENARIOS, help="what happens to the patient")
    parser.add_argument("--seed", type=int, default=17, help="of the simulated patient (default 17)")
    parser.add_argument("--speed", type=float, default=30.0, help="times real time (default 30)")
    parser.add_argument("--seconds", type=float, help="stop after this many seconds of the case")
    parser.add_argument("--headless", action="store_true", help="no live view, one line a decision")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND@AT_S+DURATION_S",
        help="a trouble between monitor and client, as silence@600+60; may be repeated",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every decision as a JSON line")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="save the screen as the alarm rises")
    parser.add_argument(
        "--screen", default="", metavar="HOST:PORT", help=f"page for a browser (default {USUAL}), or `{OFF}`"
    )
    parser.add_argument("--sound", metavar="DEVICE", help="ALSA device, or wav:DIR")
    add_bundle_arguments(parser)


def run(args: Namespace) -> int:
    """Play the demo; give the exit status."""
    _check(args)
    scenario = SCENARIOS[args.scenario]
    ends_s = min(args.seconds or scenario.duration_s, scenario.duration_s)
    clock = PlayClock(args.speed)
    stage = _stage(args, clock)
    bedside = stage.bedside
    story = Story(lambda: _picture(args, bedside, clock()))
    try:
        cable = CABLES[args.feed]
        with cable.plug(_monitor(args), clock) as address, _page(args, stage) as (url, publish):
            if url:
                print(f"screen: {url}", flush=True)
            serve(
                bedside,
                Line(lambda: open_transport(address), Patience() if cable.connected else None),
                clock=clock,
                until=lambda: story.read(bedside) >= ends_s or clock() > ends_s + PATIENCE_S,
                sleep=clock.sleep,
                show=together([_screen(args, bedside), publish]),
            )
    finally:
        bedside.close()
    return _tell(story, _onset_s(args, ends_s))


@dataclass(slots=True)
class Story:
    """When, on the case's own clock, the forecast alarm came first."""

    on_alarm: Callable[[], None]
    alarm_s: float | None = None
    """Seconds into the case; None: never."""

    def read(self, bedside: Bedside) -> float:
        """Look at the bed; give how far the case has come, seconds."""
        decision = bedside.decision
        if decision is not None and self.alarm_s is None and bedside.watch.alarm != "none":
            self.alarm_s = decision.t_s
            self.on_alarm()
        return bedside.watch.pipeline.case_s


@dataclass(frozen=True, slots=True)
class Cable:
    """How the demo joins a virtual monitor to the runtime."""

    feed: Feed
    monitor: Build
    plug: Callable[[VirtualMonitor, PlayClock], AbstractContextManager[str]]
    """Gives the address to open."""
    checked: bool = True
    """Whether the wire format has a check sum (virtual.damage)."""
    connected: bool = False
    """Whether the line is a connection that can be half open."""


CABLES: Final[Mapping[str, Cable]] = MappingProxyType(
    {
        "intellivue": Cable(
            INTELLIVUE_SERIAL, lambda patient, _: VirtualIntelliVue(patient, start_ticks=0), over_pty
        ),
        "dri": Cable(DRI, lambda who, booted_s: VirtualDri(who, started_s=round(booted_s)), over_pty),
        "hl7": Cable(
            HL7,
            lambda patient, booted_s: VirtualHl7(patient, started=EPOCH + timedelta(seconds=booted_s)),
            over_tcp,
            checked=False,
            connected=True,
        ),
    }
)


def _monitor(args: Namespace) -> VirtualMonitor:
    cable, orders = CABLES[args.feed], [parse_order(text) for text in args.fault]
    patient = SimulatedPatient(SCENARIOS[args.scenario], args.seed)
    return TroubledMonitor(cable.monitor, patient, orders, seed=args.seed, checked=cable.checked)


@dataclass(frozen=True, slots=True)
class Stage:
    """A bed, and what its page shows and asks of it."""

    bundle: Bundle
    engine: Engine
    bedside: Bedside
    book: CaseBook
    desk: Desk


def _stage(args: Namespace, clock: PlayClock) -> Stage:
    bundle = load_bundle(args)
    engine, patient, desk = OrtEngine(bundle), SCENARIOS[args.scenario].patient, Desk()
    point = bundle.manifest.alarm
    about = About(_title(args), bundle.manifest.id, point.horizon_min, point.trigger.p_on, simulated=True)
    book = CaseBook(about, wall_time(), usual=patient)
    watch = Watch(bundle, engine, patient)
    bedside = Bedside(
        name=f"virtual {args.feed}",
        session=_session(args),
        watch=watch,
        sinks=_sound(args),
        log=_log(args, watch.bundle_id),
        desk=desk,
        book=book,
        stale_s=clock.silence_s(CABLES[args.feed].feed.stale_s),
        wall=wall_time,
        say=say if args.headless else lambda _: None,
    )
    return Stage(bundle, engine, bedside, book, desk)


def _page(args: Namespace, stage: Stage) -> AbstractContextManager[tuple[str, Callable[[float], None]]]:
    return demo_page(
        args.screen,
        _title(args),
        stage.bedside,
        book=stage.book,
        desk=stage.desk,
        bundle=stage.bundle,
        engine=stage.engine,
        speed=args.speed,
    )


def _log(args: Namespace, bundle_id: str) -> JsonLinesSink | None:
    """Give a log that begins anew: a demo is not added to an earlier one."""
    if args.json is None:
        return None
    for path in (args.json, args.json.with_suffix(".alarms.jsonl")):
        if path.is_file():
            path.unlink()
    log = JsonLinesSink(args.json, bundle_id=bundle_id)
    test = log.self_test()
    if not test.ok:
        raise SettingsError(f"--json {args.json}: {test.text}; name a file that can be written")
    return log


def _sound(args: Namespace) -> list[AlarmSink]:
    if not args.sound:
        return []
    sink = SoundSink(args.sound)
    test = sink.self_test()
    if not test.ok:
        say(test.text)
    return [sink]


def _session(args: Namespace) -> Session:
    session = CABLES[args.feed].feed.session
    if session is None:
        raise SettingsError(f"--feed {args.feed}: has nothing to connect to")
    return session()


def _screen(args: Namespace, bedside: Bedside) -> Screen:
    terminal = TerminalSink(Console(force_terminal=False, file=sys.stdout) if args.headless else None)
    bedside.sinks.append(terminal)
    title = _title(args)
    return Screen(
        terminal, lambda now_s: view_of(bedside, title, now_s, simulated=True), FRAME_S * args.speed
    )


def _picture(args: Namespace, bedside: Bedside, now_s: float) -> None:
    if args.picture is not None:
        view = view_of(bedside, _title(args), now_s, simulated=True)
        console = Console(record=True, file=io.StringIO(), width=PICTURE[0], height=PICTURE[1])
        console.print(render(view, *PICTURE))
        svg = console.export_svg(title="barocast demo (simulated)")
        args.picture.write_text(REMOTE_FONT.sub("", svg), encoding="utf-8")


def _title(args: Namespace) -> str:
    return f"simulated patient, {args.scenario}, {args.speed:g}x"


def _onset_s(args: Namespace, ends_s: float) -> float | None:
    onset = onset_s(SCENARIOS[args.scenario], args.seed)
    return onset if onset is not None and onset < ends_s else None


def _tell(story: Story, onset: float | None) -> int:
    alarm = f"forecast alarm at {_clock(story.alarm_s)}" if story.alarm_s is not None else "no forecast alarm"
    event = f"MAP < 65 mmHg from {_clock(onset)} on" if onset is not None else "no hypotension"
    print(f"simulated case: {alarm}; {event}")
    if story.alarm_s is None or onset is None:
        return 0 if story.alarm_s is None and onset is None else 1
    print(f"lead time {(onset - story.alarm_s) / 60:.1f} min (simulated)")
    return 0 if story.alarm_s < onset else 1


def _clock(seconds: float) -> str:
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f} min"


def _check(args: Namespace) -> None:
    if args.feed not in CABLES:
        raise SettingsError(f"--feed {args.feed}: this version's virtual monitors are {', '.join(CABLES)}")
    if not 0 < args.speed <= MAX_SPEED:
        raise SettingsError(f"--speed {args.speed:g}: must be above 0 and at most {MAX_SPEED:g}")
    if args.picture is not None and not args.picture.resolve().parent.is_dir():
        raise SettingsError(f"--picture {args.picture}: there is no such folder; make it first")
    if args.seconds is not None and not args.seconds > 0:
        raise SettingsError(f"--seconds {args.seconds:g}: must be above 0")
