"""`barocast run --config PATH`: the bedside service, of one bed or of a folder of them, until it is stopped.

The one bed of a file that cannot be put together ends the command with the reason; of a folder it is that
bed's trouble, and the others are served.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock, wall_s
from barocast.plugin.serve import say
from barocast.plugin.service.bed import build, fit
from barocast.plugin.service.house import read_house
from barocast.plugin.service.model import load_model, refused_model
from barocast.plugin.service.notify import notifier
from barocast.plugin.service.progress import Progress
from barocast.plugin.service.releases import Releases
from barocast.plugin.service.service import Service
from barocast.plugin.transports.addresses import check_files
from barocast.runtime.errors import BundleError, SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from barocast.plugin.service.bed_loop import Fitted
    from barocast.plugin.service.house import BedFile, House
    from barocast.plugin.service.model import Model

HELP: Final = "Run the bedside service."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "--config", type=Path, required=True, help="TOML file, or a folder of them (docs/configuration.md)"
    )
    parser.add_argument("--check", action="store_true", help="read everything, test the sinks, and stop")


def run(args: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; give the exit status."""
    house = read_house(args.config)
    if args.check:
        return _check(args.config, house)
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopped.append(received))
    clock = Clock()
    service = Service(_model(house), clock, notifier(), Progress(clock))
    alone = len(house.beds) == 1
    for bed in house.beds:
        service.add(bed.slug, _fitting(bed, service.model, clock, at_once=alone))
    service.run(lambda: bool(stopped))
    return 0


def _model(house: House) -> Model:
    """Start the model; one that is refused costs the forecasts, and never the beds."""
    try:
        return load_model(house.box.model, _releases(house))
    except BundleError as error:
        say(f"NO FORECASTS: {error}")
        return refused_model(error)


def _releases(house: House) -> Releases | None:
    folder = house.box.storage.folder
    return Releases(Path(folder)) if folder else None


def _fitting(bed: BedFile, model: Model, clock: Clock, *, at_once: bool) -> Callable[[], Fitted]:
    """Give what puts the bed together, the first time from what was put together here and now."""
    made = [_fit(bed, model, clock)] if at_once else []
    return lambda: made.pop() if made else _fit(bed, model, clock)


def _fit(bed: BedFile, model: Model, clock: Clock) -> Fitted:
    if bed.settings is None:
        raise SettingsError(bed.trouble)
    check_files(bed.settings.feed.address, bed.settings.feed.tls)
    return fit(bed.settings, build(bed.settings, model), clock)


def _check(path: Path, house: House) -> int:
    """Read everything, try every sink, and say the first thing that is wrong."""
    model = load_model(house.box.model, _releases(house))
    try:
        for bed in house.beds:
            if bed.settings is None:
                raise SettingsError(bed.trouble)
            check_files(bed.settings.feed.address, bed.settings.feed.tls, wall_s())
            build(bed.settings, model).close()
    finally:
        model.close()
    print(
        f"{path}: good; {len(house.beds)} bed{'s'[: len(house.beds) > 1]}; bundle {model.bundle.manifest.id}"
    )
    return 0
