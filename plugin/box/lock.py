"""The lock of a target: exactly which wheels its box is given, each by version and SHA-256.

    numpy==2.2.6 --hash=sha256:efd28d4e...          one line a wheel, sorted by name; nothing else

    python -m barocast.plugin.box.lock [--target NAME ...]     writes locks/NAME.txt anew

A lock holds what the bedside needs (`dependencies`), the extras in EXTRAS, and pip, which installs them and
does not stay. pip chooses the versions. It judges markers by the Python that runs it, so what it left out for
the target is asked for again, and what the target has no use for is dropped: `required` walks the metadata.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from barocast.plugin.box.command import run_command
from barocast.plugin.box.pip_run import pip
from barocast.plugin.box.target import TARGETS, Target, find_target
from barocast.runtime.errors import BarocastError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SOURCES: Final = Path(__file__).resolve().parents[2]
"""The checkout: pyproject.toml lies there. Locks and wheelhouses are made from one, never on a box."""
LOCKS: Final = Path(__file__).resolve().parent / "locks"
EXTRAS: Final = ("mqtt", "relay")
"""Small, pure or with wheels for every target, and useless to fetch later: the box has no network."""
INSTALLER: Final = "pip"
HASH: Final = " --hash=sha256:"


@dataclass(frozen=True, slots=True)
class Pin:
    """One wheel of a lock."""

    name: str
    """Canonical."""
    version: str
    sha256: str

    def __str__(self) -> str:
        """As a line of a requirements file."""
        return f"{self.name}=={self.version}{HASH}{self.sha256}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A wheel that pip would take."""

    pin: Pin
    requires: tuple[str, ...]
    """Its Requires-Dist lines."""


def lock_file(target: Target) -> Path:
    """Say where the lock of a target lies."""
    return LOCKS / f"{target.name}.txt"


def read_lock(path: Path) -> list[Pin]:
    """Give the pins of a lock. Raises BarocastError where there is none, or a line is no pin."""
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError as error:
        raise BarocastError(f"{path}: {error.strerror}; `python -m {__spec__.name}` writes it") from error
    return [_pin(path, number, line) for number, line in enumerate(lines, 1)]


def _pin(path: Path, number: int, line: str) -> Pin:
    named, _, sha256 = line.partition(HASH)
    name, _, version = named.partition("==")
    if not (name and version and sha256):
        raise BarocastError(f"{path}:{number}: not name==version{HASH}...; write the lock anew")
    return Pin(name, version, sha256)


def resolve(roots: list[str], target: Target) -> list[Pin]:
    """Give the pins of all that `roots` need on `target`. Asks the package index; raises BarocastError."""
    asked = list(roots)
    while True:
        found = _candidates(asked, target)
        names, missing = required(roots, found, target.environment)
        if not missing:
            return [found[name].pin for name in sorted(names)]
        if not set(missing) - set(asked):
            raise BarocastError(f"{target.name}: pip leaves out {', '.join(missing)} though asked for them")
        asked += missing


def required(
    roots: Iterable[str], found: Mapping[str, Candidate], environment: Mapping[str, str]
) -> tuple[set[str], list[str]]:
    """Walk from `roots` through the metadata: give the names needed, and what nothing in `found` meets."""
    names: set[str] = set()
    missing: list[str] = []
    queue = [(root, "") for root in roots]
    seen = set(queue)
    while queue:
        line, extra = queue.pop()
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({**environment, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found:
            requirement.marker = None
            missing.append(str(requirement))
            continue
        names.add(name)
        further = {(line, extra) for line in found[name].requires for extra in ("", *requirement.extras)}
        queue += further - seen
        seen |= further
    return names, missing


def _candidates(asked: list[str], target: Target) -> dict[str, Candidate]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = [*target.pip_options, "--dry-run", "--ignore-installed", "--target", folder]
        pip("install", *options, "--report", str(report), *asked)
        installs = json.loads(report.read_text("utf-8"))["install"]
    candidates = [_candidate(install) for install in installs]
    return {candidate.pin.name: candidate for candidate in candidates}


def _candidate(install: Mapping[str, Any]) -> Candidate:
    metadata = install["metadata"]
    sha256 = install["download_info"]["archive_info"]["hashes"]["sha256"]
    pin = Pin(canonicalize_name(metadata["name"]), metadata["version"], sha256)
    return Candidate(pin, tuple(metadata.get("requires_dist", ())))


def roots_of(sources: Path) -> list[str]:
    """Give what the box needs as pyproject.toml says it. Raises BarocastError outside a checkout."""
    try:
        project = tomllib.loads((sources / "pyproject.toml").read_text("utf-8"))["project"]
    except OSError as error:
        raise BarocastError(
            f"{sources / 'pyproject.toml'}: {error.strerror}; run this from a checkout"
        ) from error
    extras = [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *extras, INSTALLER]


def main(argv: list[str] | None = None) -> int:
    """Write locks anew; all of them where no target is named."""
    parser = argparse.ArgumentParser(
        prog="lock", description="Resolve the locks anew; needs a package index."
    )
    parser.add_argument("--target", action="append", help=f"one of {', '.join(t.name for t in TARGETS)}; all")
    return run_command(parser, argv, _write_locks)


def _write_locks(args: argparse.Namespace) -> None:
    roots = roots_of(SOURCES)
    for target in map(find_target, args.target) if args.target else TARGETS:
        pins = resolve(roots, target)
        lock_file(target).write_text("".join(f"{pin}\n" for pin in pins), "ascii")
        print(f"{lock_file(target)}: {len(pins)} wheels")


if __name__ == "__main__":
    sys.exit(main())
