"""A folder that installs Barocast on a machine without a network.

    wheels/*.whl         ours, every dependency of the lock, and pip to install them with
    requirements.txt     name==version --hash=sha256:...   of all but pip; ours included
    target, release      aarch64-cp310; 0.1.0-5c1d0f2a (version, start of requirements.txt's SHA-256)
    sbom.cdx.json        CycloneDX, the model and its card included
    install.sh           checks SHA256SUMS, installs, tries, and only then switches
    SHA256SUMS           of every file above

    python -m barocast.plugin.box.wheelhouse --target aarch64-cp310 --out DIR

The last line printed is the SHA-256 of SHA256SUMS: who compares it on the box has checked every byte. The
same sources and lock give the same wheels and the same release on any machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.box.command import run_command
from barocast.plugin.box.lock import INSTALLER, SOURCES, Pin, lock_file, read_lock
from barocast.plugin.box.pip_run import pip
from barocast.plugin.box.sbom import OURS, bill
from barocast.plugin.box.target import TARGETS, Target, find_target
from barocast.plugin.box.wheel import Wheel, read_wheel, sha256_of
from barocast.plugin.clock import wall_time
from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES: Final = Path(__file__).resolve().parent / "files"
"""What is carried onto a box beside the wheels."""
PACKED: Final = ("pyproject.toml", "README.md", "LICENSE", "calibration", "export", "plugin", "runtime")
"""Of the checkout, what our wheel is made of."""
FIRST_ZIP_DATE: Final = "315532800"
"""1980-01-01, the oldest date that a zip file can tell: our wheel does not depend on when it was made."""
SUMS: Final = "SHA256SUMS"
SBOM: Final = "sbom.cdx.json"


def build(target: Target, out: Path) -> None:
    """Make the folder `out`, whole or not at all. Raises BarocastError."""
    if out.exists() and not (out / SUMS).exists():
        raise BarocastError(f"{out}: exists and is no wheelhouse; name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".wheelhouse-") as temporary:
        folder = Path(temporary) / out.name
        _fill(target, folder)
        shutil.rmtree(out, ignore_errors=True)
        folder.replace(out)


def _fill(target: Target, folder: Path) -> None:
    (folder / "wheels").mkdir(parents=True)
    fetch(target, folder / "wheels")
    build_own_wheel(folder / "wheels")
    wheels = [read_wheel(path) for path in sorted((folder / "wheels").iterdir())]
    _check_tags(wheels, target)
    requirements = "".join(f"{_pin(wheel)}\n" for wheel in wheels if wheel.name != INSTALLER)
    _write(folder / "requirements.txt", requirements)
    _write(folder / "target", f"{target.name}\n")
    _write(folder / "release", f"{_release(wheels, folder)}\n")
    _write(folder / SBOM, json.dumps(bill(wheels, target, wall_time()), indent=1) + "\n")
    shutil.copy(FILES / "install.sh", folder / "install.sh")
    (folder / "install.sh").chmod(0o755)
    _write(folder / SUMS, _sums(folder))


def fetch(target: Target, folder: Path) -> None:
    """Bring every wheel of the target's lock into `folder`. Asks the package index; raises BarocastError."""
    lock = lock_file(target)
    read_lock(lock)
    pip("download", "--require-hashes", "--no-deps", *target.pip_options, "-r", str(lock), "-d", str(folder))


def build_own_wheel(folder: Path) -> None:
    """Build our wheel from a copy of the checkout: nothing stale of an earlier build gets in."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / OURS
        copy.mkdir()
        for name in PACKED:
            _copy(SOURCES / name, copy / name)
        dated = {**os.environ, "SOURCE_DATE_EPOCH": FIRST_ZIP_DATE}
        pip("wheel", "--no-deps", str(copy), "-w", str(folder), environment=dated)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _check_tags(wheels: Sequence[Wheel], target: Target) -> None:
    strangers = [wheel.path.name for wheel in wheels if not wheel.tags & target.tags]
    if strangers:
        raise BarocastError(
            f"{target.name}: {', '.join(strangers)} would not install there; write the lock anew"
        )


def _pin(wheel: Wheel) -> Pin:
    return Pin(wheel.name, wheel.version, wheel.sha256)


def _release(wheels: Sequence[Wheel], folder: Path) -> str:
    """Name what would be installed: two wheelhouses of one name install the same bytes."""
    version = next(wheel.version for wheel in wheels if wheel.name == OURS)
    return f"{version}-{sha256_of(folder / 'requirements.txt')[:8]}"


def _sums(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(f"{sha256_of(path)}  {path.relative_to(folder)}\n" for path in files)


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Build one wheelhouse and print what to compare on the box."""
    parser = argparse.ArgumentParser(
        prog="wheelhouse", description="Build what a box without a network needs."
    )
    parser.add_argument("--target", required=True, help=f"one of {', '.join(t.name for t in TARGETS)}")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    return run_command(parser, argv, _build_and_say)


def _build_and_say(args: argparse.Namespace) -> None:
    build(find_target(args.target), args.out)
    sizes = [path.stat().st_size for path in (args.out / "wheels").iterdir()]
    print(f"{args.out}: {len(sizes)} wheels, {sum(sizes) / 1e6:.1f} MB; sha256 of {SUMS}:")
    print(sha256_of(args.out / SUMS))


if __name__ == "__main__":
    sys.exit(main())
