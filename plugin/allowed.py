"""Third parties' plugins that a site allows: an entry point is any code at all, so name and hash are asked.

    [plugins]
    allow = ["acme-driver==1.2.0 sha256:6f1d..."]       as `barocast doctor --plugins` prints it

    check_allowed(group, name, allow)    raises SettingsError where `name` is a stranger's and not in `allow`
    installed_plugins()                  -> what strangers' packages are here, as lines for `allow`

The hash is that of the package's files as they lie on the disk now, each with its path: an upgrade, or a
change by anybody, makes it another one. What Python compiled of them (`__pycache__`) differs from box to box:
it is not hashed, and from the first stranger on it is not read. What comes with barocast itself its own
installation vouches for.
"""

from __future__ import annotations

import hashlib
import re
import sys
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection

OURS: Final = "barocast"
GROUPS: Final = ("barocast.monitors", "barocast.sinks", "barocast.engines")
LINE: Final = re.compile(r"[A-Za-z0-9._-]+==\S+ sha256:[0-9a-f]{64}")
OUR_ROOMS: Final = ("barocast.calibration.", "barocast.export.", "barocast.plugin.", "barocast.runtime.")
"""Where our modules are: packages that nobody else can add to."""
NEVER_HASHED: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""Of a package's own notes (.dist-info): what the installer writes anew."""
COMPILED: Final = "__pycache__"
"""What Python writes anew."""
NOWHERE: Final = "/dev/null"
"""Below it nobody can leave anything compiled."""


def check_allowed(group: str, name: str, allow: Collection[str]) -> None:
    """Ask before anything of it is loaded; a name that nobody offers is somebody else's error."""
    for point in entry_points(group=group, name=name):
        package = point.dist
        if package is None or is_ours(point):
            continue
        line = _line(package)
        if line not in allow:
            raise SettingsError(
                f"{name!r} is offered by {_name(package)} {package.version}, which [plugins] allow does not "
                f"name as it lies here; if it is meant, add {line!r}"
            )
        sys.pycache_prefix = NOWHERE  # what was hashed is what is run: its sources


def check_lines(allow: Collection[str]) -> None:
    """Refuse a line of another form. Raises SettingsError."""
    for line in allow:
        if not LINE.fullmatch(line):
            raise SettingsError(
                f"[plugins] allow: {line!r} is not of the form 'name==version sha256:...'; "
                "`barocast doctor --plugins` prints it"
            )


def installed_plugins() -> tuple[str, ...]:
    """Give a line for each package of a stranger that offers something of ours."""
    points: list[EntryPoint] = [point for group in GROUPS for point in entry_points(group=group)]
    packages = {_name(p.dist): p.dist for p in points if p.dist is not None and not is_ours(p)}
    return tuple(_line(package) for _, package in sorted(packages.items()))


def is_ours(point: EntryPoint) -> bool:
    """Whether a module of ours is behind it; any package can call itself barocast."""
    return point.value.startswith(OUR_ROOMS) and point.dist is not None and _name(point.dist) == OURS


def _name(package: Distribution) -> str:
    return package.metadata["Name"].lower()


def _line(package: Distribution) -> str:
    return f"{_name(package)}=={package.version} sha256:{_hash(package)}"


def _hash(package: Distribution) -> str:
    """Hash each file that the package says it brought, with its path and its length."""
    if package.files is None:
        raise SettingsError(f"{_name(package)}: does not say which files it brought; install it with pip")
    told = hashlib.sha256()
    for path in sorted(package.files, key=str):
        if COMPILED in path.parts or (path.parent.suffix == ".dist-info" and path.name in NEVER_HASHED):
            continue
        try:
            content = path.read_binary()
        except OSError:
            content = b""  # gone: another hash than with it
        told.update(f"{path}\0{len(content)}\0".encode() + content)
    return told.hexdigest()
