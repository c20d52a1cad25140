"""`barocast doctor`: what this box has and how it fares, in sentences, and the delays that it discloses.

Each check gives Findings; the exit status is 0 when none is bad. A missing loudspeaker is said, not hidden.
`--config PATH`, a file or a folder: each bed's settings, port and sinks, the storage with its logs, the page;
and where a service runs now, what its metrics say (--health).
`--recording FILE` reads a recording to its end and says what was lost of it, by kind: of a line that is heard
now, the one that the service is writing ([sinks] record).
`--delays` and `--plugins` print that alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.allowed import installed_plugins
from barocast.plugin.doctor import beds, machine, model, running, shared
from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.doctor.recording import recording
from barocast.plugin.feeds import feed_names
from barocast.plugin.health.textfile import HEALTH
from barocast.plugin.loaded_bundle import add_bundle_arguments
from barocast.plugin.service.house import House, read_house
from barocast.runtime.errors import BundleError, SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from barocast.plugin.health.exposition import Readings

HELP: Final = "Say what this box has and how it fares: ports, engine, bundle, sinks, logs, clock, and delays."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--config", type=Path, help="TOML file, or a folder of them (docs/configuration.md)")
    parser.add_argument(
        "--health", type=Path, default=HEALTH, help=f"metrics of a service that runs (default {HEALTH})"
    )
    parser.add_argument("--sound-device", default="", help="ALSA device to test, as in [sinks]")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="say what is lost in it, by kind")
    parser.add_argument("--feed", help=f"of raw bytes: {', '.join(feed_names())}")
    parser.add_argument("--delays", action="store_true", help="print the disclosed delays alone")
    parser.add_argument("--plugins", action="store_true", help="print lines for [plugins] allow alone")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON lines")
    add_bundle_arguments(parser)


def run(args: Namespace) -> int:
    """Print every finding; give 1 when one is bad."""
    if args.plugins:
        print(*installed_plugins(), sep="\n")
        return 0
    findings = [*(_delays(args) if args.delays else _everything(args))]
    for finding in findings:
        print(finding.json() if args.json else finding.line())
    return 0 if all(finding.ok for finding in findings) else 1


def _everything(args: Namespace) -> Iterator[Finding]:
    house, trouble = _house(args)
    runs = running.running(args.health)
    yield from (*machine.box(), *machine.engine(), *model.bundle(args, house), *model.feeds(), *trouble)
    if house is not None:
        yield from _configured(house, runs)
    if runs is not None:
        yield from running.service(runs)
        for slug in running.beds(runs):
            yield from running.bed(slug, runs)
    yield from (*recording(args), *machine.ports(), *machine.sound(args), *machine.clock())
    yield from (*machine.disk(), *machine.memory(), *machine.heat())


def _configured(house: House, runs: Readings | None) -> Iterator[Finding]:
    served = running.beds(runs) if runs is not None else []
    for found in house.beds:
        yield from beds.bed(found, running=found.slug in served)
    yield from shared.storage(house.box.storage)
    yield from shared.screen(house.box.screen)
    if runs is None:
        yield good("service", "none runs here; `systemctl status barocast` says more")


def _delays(args: Namespace) -> list[Finding]:
    """Disclose the delays of the chosen bundle, each bed's period of decisions among them (ALM-07)."""
    house, trouble = _house(args)
    try:
        return [*trouble, *model.disclosed(model.chosen(args, house), house)]
    except (BundleError, SettingsError) as error:
        return [*trouble, bad("bundle", error)]


def _house(args: Namespace) -> tuple[House | None, list[Finding]]:
    if args.config is None:
        return None, []
    try:
        return read_house(args.config), []
    except SettingsError as error:
        return None, [bad("config", error)]
