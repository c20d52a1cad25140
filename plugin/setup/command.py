"""`barocast setup`: asks, looks for ports and monitors, writes a bed's configuration, and proves each step.

    ok          port      serial:///dev/... opens
    BAD         pressure  no usable arterial mean; is the line connected, zeroed, and sent by this port?
    not proven  sound     nobody was asked whether it was heard; `barocast sound test hw:1` asks

`--non-interactive` takes the answers from options and a file (setup/answers.py) and asks nothing.
`--simulate` lets a virtual monitor speak in place of the real one. Exit status: 0 when every step that can be
proven here was, 1 when one is BAD. `--migrate PATH` writes configurations of an older version anew instead.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin import migrate
from barocast.plugin.clock import Clock, PlayClock
from barocast.plugin.doctor import beds, shared
from barocast.plugin.service.bed import SOUND
from barocast.plugin.service.model import load_model
from barocast.plugin.settings import load_tables
from barocast.plugin.setup import answers as given
from barocast.plugin.setup.chain import Chain
from barocast.plugin.setup.questions import Terminal, ask_for
from barocast.plugin.setup.screen_proof import screen_step
from barocast.plugin.setup.simulated import SECONDS, SPEED, simulated
from barocast.plugin.setup.step import Step, Verdict, failed, of_finding, open_step, proven
from barocast.plugin.setup.written import write
from barocast.plugin.sinks.sound import WAV_TARGET
from barocast.runtime.errors import BundleError, SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from barocast.plugin.service.model import Model
    from barocast.plugin.settings import Settings
    from barocast.plugin.setup.answers import Answers
    from barocast.plugin.setup.written import Written

HELP: Final = "Set up a bed: ask, find ports and monitors, write the configuration, and prove each step."
FOLDER: Final = Path("/etc/barocast")
LISTEN_S: Final = 60.0
"""A monitor takes a few seconds to answer, and the first decision comes within 30."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--config", type=Path, default=FOLDER, metavar="DIR", help=f"(default {FOLDER})")
    parser.add_argument("--feed", default="", help="kind of the monitor's feed")
    parser.add_argument("--address", default="", help="where it is heard, as `barocast discover` prints it")
    parser.add_argument("--name", default="", help="of the bed, no person's")
    parser.add_argument("--sound", default="", metavar="DEVICE", help="as `barocast sound list` names it")
    parser.add_argument("--screen", default="", metavar="HOST:PORT", help="the page for a browser")
    parser.add_argument("--certificate", default="", metavar="PEM", help="of the page, beyond this box")
    parser.add_argument("--key", default="", metavar="PEM", help="of that certificate")
    parser.add_argument("--token", action="store_true", help="make a token that acting on the page needs")
    parser.add_argument("--storage", default="", metavar="DIR", help="for logs and cases")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="the same as keys of a TOML file")
    parser.add_argument("--non-interactive", action="store_true", help="ask nothing")
    parser.add_argument("--simulate", action="store_true", help="let a virtual monitor speak")
    parser.add_argument(
        "--seconds", type=float, default=LISTEN_S, help=f"how long to listen (default {LISTEN_S:g})"
    )
    parser.add_argument("--migrate", type=Path, metavar="PATH", help="write an older configuration anew")


def run(args: Namespace) -> int:
    """Set a bed up; give the exit status."""
    if args.migrate is not None:
        print(*migrate.migrate_path(args.migrate, load_tables), sep="\n")
        return 0
    written = write(_answers(args), args.config)
    bad = 0
    for step in _steps(written, args):
        print(step.line(), flush=True)
        bad += step.verdict is Verdict.BAD
    print(f"{written.bed}: {f'{bad} steps are BAD' if bad else 'every step that can be proven here was'}")
    return 1 if bad else 0


def _answers(args: Namespace) -> Answers:
    tables = load_tables(args.answers) if args.answers else {}
    told = given.with_options(given.from_file(tables, str(args.answers)), args)
    answers = told if args.non_interactive else ask_for(told, Terminal())
    given.check_complete(answers)
    return answers


def _steps(written: Written, args: Namespace) -> Iterator[Step]:
    yield proven("settings", _wrote(written))
    settings = written.settings
    yield from map(of_finding, shared.storage(settings.storage))
    yield screen_step(settings.screen)
    yield from _sound(settings, asked=not args.non_interactive)
    try:
        model = load_model(settings.model, wanted=settings.engine)
    except (BundleError, SettingsError) as error:
        yield failed("engine", error)
        return
    with contextlib.closing(model):
        yield _engine(model)
        yield from _listen(settings, model, args)


def _wrote(written: Written) -> str:
    files = ", ".join(map(str, written.files)) or "as they were"
    kept = f"; kept: {', '.join(map(str, written.kept))}" if written.kept else ""
    return f"{files}{kept}"


def _sound(settings: Settings, *, asked: bool) -> Iterator[Step]:
    table = settings.ways_out.get(SOUND)
    device = settings.sinks.sound_device or (table.device if table is not None else "")
    if device or settings.ways_out or settings.sinks.others:
        yield from map(of_finding, beds.ways_out(settings))
    if not device:
        yield open_step("sound", "NO SOUND: no device was named; `barocast sound list` names them")
    elif device.startswith(WAV_TARGET):
        yield open_step("sound", "NO SOUND: files are written, and nobody hears them")
    elif not asked:
        yield open_step(
            "sound", f"nobody was asked whether it was heard; `barocast sound test {device}` asks"
        )


def _engine(model: Model) -> Step:
    answers = len(model.bundle.known_answers["logits"])
    if not model.prove():
        return failed("engine", f"{model.trouble()}; `barocast doctor` tries it too")
    return proven(
        "engine", f"{model.bundle.manifest.id}: {answers} known answers right on {model.engine.name}"
    )


def _listen(settings: Settings, model: Model, args: Namespace) -> Iterator[Step]:
    if not args.simulate:
        yield from Chain(settings, model, Clock()).listen(args.seconds)
        return
    real = beds.port(settings)
    yield of_finding(real) if real.ok else open_step("port", real.text)
    clock = PlayClock(SPEED)
    with simulated(settings.feed.kind, clock) as address:
        there = replace(settings, feed=replace(settings.feed, address=address))
        yield from Chain(there, model, clock).listen(SECONDS)
    yield open_step("monitor", f"a virtual one spoke; the one at {settings.feed.address} was not heard")
