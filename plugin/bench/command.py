"""`barocast bench`: on this box, one table: time, memory, power and beds per core of every engine."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.bench.engines import ENGINES
from barocast.plugin.bench.measure import Asked, measure
from barocast.plugin.bench.report import Report
from barocast.plugin.output_file import open_output
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.errors import BundleError, EngineUnavailable, SettingsError
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from barocast.runtime.bundle import Bundle

HELP: Final = "Measure what a bundle costs on this box: ticks, start, memory, power, beds per core."
SECONDS: Final = 10.0
CPUINFO: Final = Path("/proc/cpuinfo")
BOARD: Final = Path("/proc/device-tree/model")
"""Of boards that a device tree describes, a Jetson among them."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        help="bundle directory, again for each further one (default: the embedded one)",
    )
    parser.add_argument("--trust", type=Path, help="JSON file of further public keys to trust")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of ticks, for each engine")
    parser.add_argument("--threads", type=int, default=1, help="of the engine")
    parser.add_argument("--json", type=Path, help="file for the figures")


def run(args: Namespace) -> int:
    """Measure; give the exit status: 1 where no engine could be measured."""
    if not (args.seconds > 0 and args.threads > 0):
        raise SettingsError("bench: --seconds and --threads must be above 0")
    report = Report(described(), args.threads)
    for directory in args.bundle or [default_bundle()]:
        asked = Asked(directory.resolve(), args.trust, args.threads, args.seconds)
        _measure_all(asked, report)
    print(report.to_text(), end="")
    if args.json is not None:
        with open_output(args.json) as file:
            json.dump(report.to_dict(), file, indent=1)
            file.write("\n")
    return int(not report.measured)


def described() -> str:
    """Give one line about this box."""
    board = BOARD.read_text("utf-8").strip("\0\n ") if BOARD.is_file() else ""
    lines = CPUINFO.read_text("utf-8", "replace").splitlines() if CPUINFO.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = board or next(iter(names), platform.processor() or "processor not told")
    told = [f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in ("numpy", "onnxruntime"))]
    return ", ".join([processor, f"{cores} cores", f"{platform.system()} {platform.machine()}", *told])


def _measure_all(asked: Asked, report: Report) -> None:
    bundle = read_bundle(asked.bundle, trusted_keys(asked.trust).values(), revoked())
    for name in ENGINES:
        _measure(bundle, name, asked, report)


def _measure(bundle: Bundle, name: str, asked: Asked, report: Report) -> None:
    try:
        report.measured.append(measure(bundle, name, asked))
    except (BundleError, EngineUnavailable) as why:
        report.absent[f"{bundle.manifest.id}, {name}"] = str(why)
