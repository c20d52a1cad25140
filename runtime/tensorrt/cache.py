r"""Plans that were built on this device, kept on its disk: a folder of files, each named by its key's hash.

    {"key": {...}, "sha256": "...", "bytes": N}\n      one line of JSON, at most MOST_HEADER_BYTES
    plan                                              N bytes, whose SHA-256 the line holds

A plan is as good as a program: TensorRT runs what is in it. So the folder and its files are for their owner
alone to write, and what is a link, is somebody else's, is writable by others, or has another hash or key than
its line says is told of and not used. A new entry appears whole or not at all; the oldest go when there are
more than MOST_ENTRIES.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import EngineUnavailable, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ENTRIES: Final = 16
"""Two plans a bundle and timings beside them: what a few releases of a bundle leave behind."""
MOST_HEADER_BYTES: Final = 4096
MOST_PLAN_BYTES: Final = 512 << 20
"""A bundle's graph has at most 64 MiB; small graphs gave plans of up to thirteen times their size."""
ENTRY, UNFINISHED = ".plan", ".part"
ONLY_OWNER: Final = 0o700
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Key:
    """What a plan holds good for, and nothing else."""

    content: str
    """SHA-256 of the ONNX graph, or what stands for it."""
    library: str
    """As "TensorRT 10.3.0"."""
    gpu: str
    """As its driver calls it."""
    capability: str
    """Compute capability, as "8.7"."""
    precision: str
    """What `build` made of the graph's types."""

    @property
    def digest(self) -> str:
        """The entry's name."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


class _OddError(Exception):
    """An entry that may not be used; its text says why."""


class PlanCache:
    """The folder; it is made when the first plan is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: Key) -> bytes:
        """Give what was kept. Raises EngineUnavailable: nothing was, or it may not be used."""
        path = self._path(key)
        try:
            self._check_folder()
            return _read(path, key)
        except FileNotFoundError as error:
            raise EngineUnavailable(
                f"{self.folder}: no plan of {key.library} for this bundle and {key.gpu}"
            ) from error
        except (OSError, _OddError) as error:
            raise EngineUnavailable(f"{path}: not used, {error}") from error

    def put(self, key: Key, plan: bytes) -> None:
        """Keep it, and let the oldest entries go. Raises SettingsError where the folder does not take it."""
        fields = {"key": asdict(key), "sha256": hashlib.sha256(plan).hexdigest(), "bytes": len(plan)}
        try:
            self.folder.mkdir(mode=ONLY_OWNER, parents=True, exist_ok=True)
            self._check_folder()
            with _renamed_when_whole(self._path(key)) as file:
                file.write(json.dumps(fields).encode() + b"\n" + plan)
            self._let_go()
        except (OSError, _OddError) as error:
            raise SettingsError(
                f"{self.folder}: keeps no plan ({getattr(error, 'strerror', None) or error}); "
                "name a folder of yours with room in it"
            ) from error

    def _path(self, key: Key) -> Path:
        return self.folder / (key.digest + ENTRY)

    def _check_folder(self) -> None:
        _check_owner(self.folder.stat(), "the folder")

    def _let_go(self) -> None:
        """Keep the newest; what a build that was cut off left behind ages with the rest."""
        entries = [path for path in self.folder.iterdir() if path.suffix in (ENTRY, UNFINISHED)]
        for path in sorted(entries, key=lambda path: path.lstat().st_mtime_ns, reverse=True)[MOST_ENTRIES:]:
            path.unlink(missing_ok=True)


def _check_owner(found: os.stat_result, what: str) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & OTHERS_WRITE:
        raise _OddError(f"{what} is not one that you own and you alone may write to")


def _read(path: Path, key: Key) -> bytes:
    # Without O_NONBLOCK a pipe of that name would be waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        _check_owner(found, "it")
        if not stat.S_ISREG(found.st_mode):
            raise _OddError("it is no plain file")
        fields = _header(file.readline(MOST_HEADER_BYTES))
        plan = file.read(MOST_PLAN_BYTES + 1)
    if fields.get("key") != asdict(key):
        raise _OddError("it was kept under another key")
    if len(plan) != fields.get("bytes") or hashlib.sha256(plan).hexdigest() != fields.get("sha256"):
        raise _OddError("it is damaged")
    return plan


def _header(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (RecursionError, ValueError) as error:
        raise _OddError("it is damaged") from error
    return fields if isinstance(fields, dict) else {}


@contextmanager
def _renamed_when_whole(path: Path) -> Iterator[Any]:
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=UNFINISHED)  # of mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
