"""`barocast run --config PATH`: the bedside service, of one bed or of a folder of them, until it is stopped.

The one bed of a file that cannot be put together ends the command with the reason; of a folder it is that
bed's trouble, told on stderr and by the other beds, which are served.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.allowed import check_allowed
from barocast.plugin.clock import Clock, wall_s
from barocast.plugin.engine_option import add_engine_arguments, chosen_engine
from barocast.plugin.service.bed import sinks_of
from barocast.plugin.service.house import read_house
from barocast.plugin.service.household import Household
from barocast.plugin.service.model import load_model
from barocast.plugin.service.notify import notifier
from barocast.plugin.service.progress import Progress
from barocast.plugin.service.service import Service
from barocast.plugin.service.station import RUNTIME_FOLDER
from barocast.plugin.transports.addresses import check_files
from barocast.runtime.engine_kinds import GROUP
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from barocast.plugin.service.bed_loop import Fitted
    from barocast.plugin.service.house import House
    from barocast.plugin.settings import Settings

HELP: Final = "Run the bedside service."
HEARTBEAT: Final = "heartbeat"
"""File that is touched while all is well, beside what systemd lets a service keep in memory."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "--config", type=Path, required=True, help="TOML file, or a folder of them (docs/configuration.md)"
    )
    add_engine_arguments(parser)
    parser.add_argument("--check", action="store_true", help="read everything, test the sinks, and stop")


def run(args: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; give the exit status."""
    house = _with_engine(read_house(args.config), args)
    if args.check:
        return _check(args.config, house)
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopped.append(received))
    clock = Clock()
    with Household(house, clock) as household:
        service = Service(household.model, clock, notifier(), Progress(clock), heartbeat=_heartbeat())
        household.health.watchdog_s = service.notifier.watchdog_s
        household.health.loops = lambda: service.beds
        for slug in household.slugs:
            service.add(slug, _fitting(slug, household, at_once=len(house.beds) == 1))
        service.run(lambda: bool(stopped))
    return 0


def _with_engine(house: House, args: Namespace) -> House:
    """Put the command line's engine in the place of the configuration's. Raises SettingsError."""
    engine = chosen_engine(args, house.box.engine)
    check_allowed(GROUP, engine.kind, house.box.plugins.allow)
    return replace(house, box=replace(house.box, engine=engine))


def _fitting(slug: str, household: Household, *, at_once: bool) -> Callable[[], Fitted]:
    """Give what puts the bed together, the first time from what was put together here and now."""
    made = [household.fit(slug)] if at_once else []
    return lambda: made.pop() if made else household.fit(slug)


def _heartbeat() -> Callable[[], None]:
    folder = os.environ.get(RUNTIME_FOLDER)
    if not folder:
        return lambda: None
    path = Path(folder) / HEARTBEAT

    def beat() -> None:
        with contextlib.suppress(OSError):
            path.touch()

    return beat


def _check(path: Path, house: House) -> int:
    """Read everything and try every sink; say the first thing that is wrong. Opens no port and no log."""
    model = load_model(house.box.model, wanted=house.box.engine)
    model.close()
    for bed in house.beds:
        if bed.settings is None:
            raise SettingsError(bed.trouble)
        check_files(bed.settings.feed.address, bed.settings.feed.tls, wall_s())
        _try_sinks(bed.settings, model.bundle.manifest.id)
    beds = f"; {len(house.beds)} beds" if len(house.beds) > 1 else ""
    print(f"{path}: good; bundle {model.bundle.manifest.id} on {model.engine.name}{beds}")
    return 0


def _try_sinks(settings: Settings, bundle_id: str) -> None:
    for sink in sinks_of(settings, bundle_id):
        with contextlib.closing(sink):
            test = sink.self_test()
        print(f"{'ready' if test.ok else 'NOT READY'}: {test.text}")
