"""A Debian package of a wheelhouse: what a box with dpkg installs, upgrades and removes in one command.

    /usr/lib/barocast/wheelhouse/      the wheelhouse; postinst runs its install.sh, which makes /opt/barocast
    /usr/bin/barocast                  link to the release in use
    units, user, folders, udev rules   where systemd and udev look; PLACES

    python -m barocast.plugin.box.deb --wheelhouse DIR --out DIR     prints the package's path

dpkg-deb alone builds it, for either processor on any. The Python is part of the version (0.1.0+cp312): the
package for JetPack 7 is an upgrade of the one for JetPack 6.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from barocast.plugin.box.command import run_command
from barocast.plugin.box.lock import SOURCES
from barocast.plugin.box.target import DEBIAN, Target, find_target
from barocast.plugin.box.wheelhouse import FILES, SUMS
from barocast.runtime.errors import BarocastError

WHEELHOUSE: Final = "usr/lib/barocast/wheelhouse"
DOCS: Final = "usr/share/doc/barocast"
PLACES: Final = {
    "barocast.service": "usr/lib/systemd/system/barocast.service",
    "barocast-failed.service": "usr/lib/systemd/system/barocast-failed.service",
    "barocast-watch.service": "usr/lib/systemd/system/barocast-watch.service",
    "screen.conf": "usr/share/barocast/screen.conf",
    "networked.conf": "usr/share/barocast/networked.conf",
    "barocast.sysusers": "usr/lib/sysusers.d/barocast.conf",
    "barocast.tmpfiles": "usr/lib/tmpfiles.d/barocast.conf",
    "60-barocast.rules": "usr/lib/udev/rules.d/60-barocast.rules",
    "copyright": f"{DOCS}/copyright",
}
"""Files of ours, and where a Debian system wants them."""
DOCUMENTS: Final = ("CHANGELOG.md", "docs/install.md", "docs/configuration.md")
"""Of the checkout."""
SCRIPTS: Final = ("postinst", "prerm", "postrm")
MAINTAINER: Final = "The Barocast authors <barocast@localhost>"
CHANGES: Final = """\
barocast ({version}) stable; urgency=medium

  * CHANGELOG.md beside this file says what changed.

 -- {maintainer}  Tue, 01 Jan 1980 00:00:00 +0000
"""
"""In Debian's form; the date is that of our wheel, since nothing here depends on when it was made."""
CONTROL: Final = """\
Package: barocast
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kibibytes}
Depends: python3 (>= {python}), python3 (<< {next_python}), systemd, udev
Recommends: alsa-utils
Section: science
Priority: optional
Description: forecasts of arterial hypotension beside the patient monitor
 Reads the patient monitor's own feed and says, some minutes ahead, that the
 arterial pressure is about to fall. Works without a network.
 .
 Research software, not a medical device. It does not replace the monitor's
 own alarms.
"""


def build(wheelhouse: Path, out: Path) -> Path:
    """Pack a wheelhouse into `out` and give the package's path. Raises BarocastError."""
    if not (wheelhouse / SUMS).exists():
        raise BarocastError(f"{wheelhouse}: no wheelhouse; make one with `make wheelhouse`")
    target = find_target((wheelhouse / "target").read_text("utf-8").strip())
    version = (wheelhouse / "release").read_text("utf-8").partition("-")[0] + f"+{target.python}"
    out.mkdir(parents=True, exist_ok=True)
    package = out / f"barocast_{version}_{DEBIAN[target.arch]}.deb"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        _lay_out(root, wheelhouse)
        _describe(root, target, version)
        _pack(root, package)
    return package


def _lay_out(root: Path, wheelhouse: Path) -> None:
    shutil.copytree(wheelhouse, root / WHEELHOUSE)
    for name, place in PLACES.items():
        _place(FILES / name, root / place)
    for name in DOCUMENTS:
        _place(SOURCES / name, root / DOCS / Path(name).name)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/barocast").symlink_to("/opt/barocast/current/bin/barocast")
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.name == "install.sh" else 0o644)


def _place(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)


def _describe(root: Path, target: Target, version: str) -> None:
    changes = CHANGES.format(version=version, maintainer=MAINTAINER).encode()
    (root / DOCS / "changelog.gz").write_bytes(gzip.compress(changes, mtime=0))
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    sums = [f"{_md5(path)}  {path.relative_to(root)}\n" for path in files]
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/md5sums").write_text("".join(sums), "utf-8")
    major, minor = target.version
    control = CONTROL.format(
        version=version,
        maintainer=MAINTAINER,
        architecture=DEBIAN[target.arch],
        kibibytes=sum(path.stat().st_size for path in files) >> 10,
        python=f"{major}.{minor}",
        next_python=f"{major}.{minor + 1}",
    )
    (root / "DEBIAN/control").write_text(control, "utf-8")
    for name in SCRIPTS:
        _place(FILES / name, root / "DEBIAN" / name)
        (root / "DEBIAN" / name).chmod(0o755)


def _md5(path: Path) -> str:
    """As dpkg's own list wants it; what counts is SHA256SUMS in the wheelhouse."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _pack(root: Path, package: Path) -> None:
    tool = shutil.which("dpkg-deb")
    if tool is None:
        raise BarocastError("dpkg-deb is not installed (Debian, Ubuntu: apt install dpkg)")
    root.chmod(0o755)
    # The wheels are packed already: more effort would cost half a minute and win nothing.
    command = [tool, "--root-owner-group", "-Zxz", "-z0", "--build", str(root), str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise BarocastError(f"dpkg-deb: {done.stderr.strip()}")


def main(argv: list[str] | None = None) -> int:
    """Build one package and print its path."""
    parser = argparse.ArgumentParser(prog="deb", description="Pack a wheelhouse as a Debian package.")
    parser.add_argument("--wheelhouse", type=Path, required=True, help="folder made by `make wheelhouse`")
    parser.add_argument("--out", type=Path, required=True, help="folder for the package")
    return run_command(parser, argv, lambda args: print(build(args.wheelhouse, args.out)))


if __name__ == "__main__":
    sys.exit(main())
