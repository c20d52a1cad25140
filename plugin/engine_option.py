"""`--engine` and `--engine-cache` of a command: what runs the model, in the place of what is configured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.settings import EngineSettings
from barocast.runtime.engine_kinds import OURS, check_kind, engine_cache

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

UNCHANGED: Final = EngineSettings()


def add_engine_arguments(parser: ArgumentParser) -> None:
    """Add both."""
    parser.add_argument(
        "--engine",
        metavar="KIND",
        help=f"{', '.join(OURS)}, or a third party's (default: as configured, else cpu)",
    )
    parser.add_argument("--engine-cache", type=Path, metavar="DIR", help="plans that were built on this box")


def chosen_engine(args: Namespace, configured: EngineSettings = UNCHANGED) -> EngineSettings:
    """Give what the command line says, else what is configured. Raises SettingsError."""
    kind = args.engine or configured.kind
    check_kind(kind, "--engine")
    return replace(configured, kind=kind, cache=str(args.engine_cache or configured.cache))


def cache_of(engine: EngineSettings) -> Path:
    """Give where its plans lie."""
    return Path(engine.cache) if engine.cache else engine_cache()
