"""What a wheelhouse is for: a processor and a Python, and what pip and markers must believe of them.

    aarch64-cp310                     the name of a lock file, a wheelhouse, a Debian package

A wheelhouse is built on another machine than the one it is for. pip takes the tags from its options, but
judges environment markers (`python_version < "3.11"`) by the Python that runs it; `environment` is the
target's.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from packaging.tags import compatible_tags, cpython_tags

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from packaging.tags import Tag

DEBIAN: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""Our processors, and what Debian calls them."""
PYTHONS: Final = {
    "cp310": (3, 10),  # JetPack 6, Ubuntu 22.04
    "cp311": (3, 11),  # Debian 12
    "cp312": (3, 12),  # JetPack 7, Ubuntu 24.04
    "cp313": (3, 13),  # Debian 13
}
NEWEST_GLIBC: Final = 28
"""manylinux_2_28: what onnxruntime is built for; glibc 2.28 is older than any system above."""
OLDEST_GLIBC: Final = 17
"""manylinux2014: the oldest that a wheel of ours is still published for."""


@dataclass(frozen=True, slots=True)
class Target:
    """A processor and a Python."""

    arch: str
    """As `uname -m` says it, one of DEBIAN."""
    python: str
    """One of PYTHONS."""

    @property
    def name(self) -> str:
        """As in the lock's file name."""
        return f"{self.arch}-{self.python}"

    @property
    def version(self) -> tuple[int, int]:
        """Of Python: major, minor."""
        return PYTHONS[self.python]

    @property
    def platforms(self) -> list[str]:
        """Platform tags, best first."""
        glibc = [f"manylinux_2_{minor}_{self.arch}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
        return [*glibc, f"manylinux2014_{self.arch}"]

    @property
    def pip_options(self) -> list[str]:
        """For `pip download` and `pip install --dry-run`: wheels for this target alone."""
        abis = [f"--abi={abi}" for abi in (self.python, "abi3", "none")]
        platforms = [f"--platform={tag}" for tag in self.platforms]
        python = ["--implementation=cp", f"--python-version={self.python.removeprefix('cp')}"]
        return ["--only-binary=:all:", *python, *abis, *platforms]

    @property
    def tags(self) -> frozenset[Tag]:
        """Every tag that a wheel may carry."""
        own = cpython_tags(self.version, abis=[self.python, "abi3", "none"], platforms=self.platforms)
        return frozenset(own) | frozenset(compatible_tags(self.version, self.python, self.platforms))

    @property
    def environment(self) -> dict[str, str]:
        """What markers are evaluated with."""
        version = ".".join(map(str, self.version))
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": self.arch,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": "linux",
        }


TARGETS: Final = tuple(Target(arch, python) for python in PYTHONS for arch in DEBIAN)


def find_target(name: str) -> Target:
    """Give the target of that name. Raises SettingsError."""
    for target in TARGETS:
        if target.name == name:
            return target
    raise SettingsError(f"--target {name}: no such target; there are {', '.join(t.name for t in TARGETS)}")


def this_target() -> Target:
    """Give the target that this Python is. Raises SettingsError where there is no lock for it."""
    return find_target(f"{platform.machine()}-cp{sys.version_info.major}{sys.version_info.minor}")
