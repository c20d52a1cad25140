"""A box of its own for the real service: its files, a manager that starts it anew, and what it told.

    box = Box(folder, ("or-1", "or-2"))       configuration, toy bundle, a stranger's witness, free ports
    with Manager(box) as manager: ...         as systemd would: Type=notify, WatchdogSec=10, Restart=always
    box.told()                                what its witness has written since the last look
    box.state(bed), box.act(bed, act, ...)    its page

The toy's risk follows the pressure alone: at a MAP of 69 it is 0.85 within 10 min, and alarms.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.allowed import installed_plugins
from barocast.plugin.virtual.lines import LOOPBACK
from barocast.runtime.trust import write_keys
from benchmarks import kills_stranger

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

ROOT: Final = Path(__file__).parents[1]
WATCHDOG_S: Final = 10.0
"""WatchdogSec of the unit."""
RESTART_S: Final = 1.0
"""RestartSec of the unit."""
LOOK_S: Final = 0.02
PAGE_S: Final = 5.0
LOST: Final = (OSError, http.client.HTTPException)
"""What a page can do whose process is killed."""
STOP_S: Final = 20.0
ENTRY_POINTS: Final = (
    "[barocast.sinks]\nwitness = kills_stranger:WITNESS\n"
    "[barocast.monitors]\nbreakable = kills_stranger:BREAKABLE\n"
)
BED: Final = """[feed]
kind = "{kind}"
address = "{address}"
[bed]
name = "{bed}"
[alarm]
priority = "medium"
[sinks]
terminal = false
sound_device = "wav:{folder}/wav-{bed}"
[sinks.witness]
file = "{folder}/told.jsonl"
"""
SHARED: Final = """[model]
bundle = "{folder}/bundle"
trust = "{folder}/keys.json"
[storage]
folder = "{storage}"
[screen]
address = "127.0.0.1:{page}"
[plugins]
allow = {allow}
"""


def free_port() -> int:
    """Give a port of this machine that nobody has."""
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


def eventually(holds: Callable[[], Any], seconds: float, what: str) -> Any:  # noqa: ANN401 - what it gives
    """Give what `holds()` gives as soon as it is true. Raises TimeoutError."""
    until_s = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > until_s:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(LOOK_S)
    return found


class Box:
    """The files of one service."""

    def __init__(
        self,
        folder: Path,
        kinds: Mapping[str, str],
        storage: Path | None = None,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        """`kinds`: bed -> its feed; a port of its own is made for each that `addresses` does not name."""
        self.folder, self.storage = folder, storage or folder / "storage"
        self.page, self.ports = free_port(), {bed: free_port() for bed in kinds}
        self.toy = _toy(folder)
        self.site = _install(folder / "site")
        self.runtime, self.order = folder / "run", folder / "order"
        self._seen = 0
        self.config = folder / "config"
        for made in (self.config, self.runtime):
            made.mkdir()
        shared = {"folder": folder, "storage": self.storage, "page": self.page, "allow": _allowed(self.site)}
        (self.config / "box.toml").write_text(SHARED.format(**shared), "utf-8")
        calls = {bed: f"tcp-listen://{LOOPBACK}:{port}" for bed, port in self.ports.items()}
        for bed, address in (calls | dict(addresses or {})).items():
            text = BED.format(kind=kinds[bed], address=address, bed=bed, folder=folder)
            (self.config / f"{bed}.toml").write_text(text, "utf-8")

    def log(self, bed: str) -> Path:
        """Where a bed's audit log lies."""
        return self.storage / "audit" / bed

    def lines(self, bed: str) -> list[dict[str, Any]]:
        """Give every whole line of a bed's case files, oldest case first."""
        files = sorted((self.storage / "cases" / bed).glob("*.jsonl"), key=lambda path: path.stat().st_ctime)
        return [json.loads(line) for path in files for line in path.read_bytes().split(b"\n")[:-1]]

    def told(self) -> list[dict[str, Any]]:
        """Give what was told since the last look, whole lines only."""
        path = self.folder / "told.jsonl"
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._seen)
            whole = file.read().rpartition(b"\n")[0]
        self._seen += len(whole) + 1 if whole else 0
        return [json.loads(line) for line in whole.splitlines()]

    def state(self, bed: str) -> dict[str, Any]:
        """Give the page's state of a bed. Raises one of LOST."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.page}/api/{bed}/state", timeout=PAGE_S) as got:
            found: dict[str, Any] = json.load(got)
            return found

    def shown(self, bed: str) -> dict[str, Any] | None:
        """Give the same; None while there is no answer."""
        try:
            return self.state(bed)
        except LOST:
            return None

    def act(self, bed: str, act: str, **said: object) -> bool:
        """Do something at the page; whether it was taken."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.page}/api/{bed}/{act}",
            data=json.dumps(said).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PAGE_S) as got:  # noqa: S310 - our own address
                return bool(got.status == 200)  # noqa: PLR2004 - HTTP's word
        except LOST:
            return False


@dataclass(slots=True)
class Life:
    """One process of the service."""

    process: subprocess.Popen[bytes]
    began_s: float
    """Monotonic seconds, as all of these."""
    ready_s: float | None = None
    ended_s: float | None = None
    pings_s: list[float] = field(default_factory=list)
    why: str = ""
    """What its manager ended it for."""


class Manager:
    """Starts the service, hears it, ends it when it is silent, and starts it again."""

    def __init__(self, box: Box, restart_s: float = RESTART_S, wrapped: Sequence[str] = ()) -> None:
        """Put `wrapped` before the command."""
        self._box, self._restart_s, self._wrapped = box, restart_s, tuple(wrapped)
        self.lives: list[Life] = []
        self._over, self._held = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="manager", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the service."""
        self.stop()

    @property
    def life(self) -> Life:
        """The newest process."""
        return eventually(lambda: self.lives and self.lives[-1], STOP_S, "a process")  # type: ignore[no-any-return]

    def ready(self, seconds: float = 60.0, after: Life | None = None) -> Life:
        """Wait until one is READY, `after` a former one."""

        def found() -> Life | None:
            life = self.lives[-1] if self.lives else None
            return life if life and life is not after and life.ready_s is not None else None

        return eventually(found, seconds, "READY")  # type: ignore[no-any-return]

    def kill(self) -> Life:
        """SIGKILL the newest process, and nothing else of it."""
        life = self.life
        life.why = "killed"
        life.process.kill()
        return life

    def hold(self) -> None:
        """Start no new one until it is released."""
        self._held.set()

    def release(self) -> None:
        """Start one again."""
        self._held.clear()

    def stop(self) -> int:
        """End it as systemd does; give the exit status."""
        self._over.set()
        life = self.lives[-1]
        life.why = life.why or "stopped"
        life.process.terminate()
        try:
            return life.process.wait(STOP_S)
        finally:
            life.process.kill()
            self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            if self._held.is_set():
                time.sleep(LOOK_S)
                continue
            self._live()
            self._over.wait(self._restart_s)

    def _live(self) -> None:
        path = str(self._box.folder / f"notify-{len(self.lives)}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(path)
            heard.settimeout(LOOK_S)
            life = Life(self._started(path), time.monotonic())
            self.lives.append(life)
            while life.process.poll() is None:
                with suppress(TimeoutError):
                    _hear(life, heard.recv(1 << 16).decode().split("\n"))
                self._mind(life)
            with suppress(BlockingIOError):  # what it said last
                heard.settimeout(0)
                while True:
                    _hear(life, heard.recv(1 << 16).decode().split("\n"))
            life.ended_s = time.monotonic()
        Path(path).unlink()

    def _started(self, notify: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(
                [str(self._box.site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
            ),
            "NOTIFY_SOCKET": notify,
            "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
            "RUNTIME_DIRECTORY": str(self._box.runtime),
            "OMP_NUM_THREADS": "1",
            kills_stranger.ORDER: str(self._box.order),
        }
        command = [*self._wrapped, str(Path(sys.executable).with_name("barocast")), "run", "--config"]
        with (self._box.folder / "stderr.log").open("ab") as said:
            return subprocess.Popen(
                [*command, str(self._box.config)], env=environment, stderr=said, start_new_session=True
            )

    def _mind(self, life: Life) -> None:
        since_s = life.pings_s[-1] if life.pings_s else life.ready_s
        if not life.why and since_s is not None and time.monotonic() - since_s > WATCHDOG_S:
            life.why = "watchdog"
            life.process.kill()


def _hear(life: Life, words: Sequence[str]) -> None:
    now_s = time.monotonic()
    if "READY=1" in words:
        life.ready_s = now_s
    if "WATCHDOG=1" in words:
        life.pings_s.append(now_s)
    if "WATCHDOG=trigger" in words:
        life.why = life.why or "it asked for it"
        life.process.kill()


def gone(life: Life) -> bool:
    """Whether nothing of a process group is left."""
    try:
        os.killpg(life.process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def child_of(life: Life) -> int:
    """Give the engine's process id."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = stat.read_text("ascii", "replace").partition(" ")
            parent = int(rest.rpartition(")")[2].split()[1])
            if parent == life.process.pid and b"engine_child" in stat.with_name("cmdline").read_bytes():
                return int(pid)
    raise ProcessLookupError("no engine")


def signalled(pid: int, number: signal.Signals) -> float:
    """Send a signal; give when."""
    os.kill(pid, number)
    return time.monotonic()


def _toy(folder: Path) -> Any:  # noqa: ANN401 - the tests' own Toy
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from toy_bundle import toy_bundle  # noqa: PLC0415 - it lies with the tests
    finally:
        sys.path.remove(str(ROOT / "tests"))
    toy = toy_bundle(folder / "bundle")
    write_keys(folder / "keys.json", {"toy": toy.public_key})
    return toy


def _install(site: Path) -> Path:
    """Put the stranger where a folder of packages would have it, as pip does."""
    info = site / "kills_stranger-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(kills_stranger.__file__, site)
    (info / "METADATA").write_text("Name: kills-stranger\nVersion: 1.0\n", "ascii")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, "ascii")
    (info / "RECORD").write_text("kills_stranger.py,,\n", "ascii")
    return site


def _allowed(site: Path) -> str:
    sys.path.insert(0, str(site))
    try:
        return json.dumps(installed_plugins())
    finally:
        sys.path.remove(str(site))
