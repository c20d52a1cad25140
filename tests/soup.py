"""The software of others on the box, and what for: `python tests/soup.py > docs/soup.md`.

Names and versions are those of the lock files, from which every wheelhouse is built; purposes stand in
soup.toml. A package of which nobody said what it is for is an error.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from barocast.plugin.box.lock import lock_file, read_lock
from barocast.plugin.box.target import TARGETS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PURPOSES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
"""Package -> what it does here, and what it is trusted with."""


def versions() -> dict[str, dict[str, set[str]]]:
    """Give package -> version -> the targets that take it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for target in TARGETS:
        for pin in read_lock(lock_file(target)):
            found[pin.name][pin.version].add(target.name)
    return found


def page() -> str:
    """Give the whole table as Markdown."""
    lines = [
        "# Software of unknown provenance",
        "",
        "Made by `python tests/soup.py` from the lock files (`plugin/box/locks`); a test fails when it is",
        "out of date. Hashes stand in the locks, licences and suppliers in the bill of materials.",
        "",
        "| Package | Version | What for | Trusted with |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {_versions(taken)} | {' | '.join(PURPOSES[name])} |"
        for name, taken in sorted(versions().items())
    ]
    return "\n".join(lines) + "\n"


def _versions(taken: dict[str, set[str]]) -> str:
    """Name the targets of a version only where not all take the same one."""
    if set.union(*taken.values()) == {target.name for target in TARGETS} and len(taken) == 1:
        return next(iter(taken))
    pythons = {version: {name.rpartition("-")[2] for name in names} for version, names in taken.items()}
    return "; ".join(f"{version} ({', '.join(sorted(pythons[version]))})" for version in sorted(taken))


if __name__ == "__main__":
    sys.stdout.write(page())
