"""`python -m benchmarks.no_route`: from a wheelhouse to the first forecast where no network can be reached.

    wheelhouse of this Python            <- barocast.plugin.box.wheelhouse, unless one is named
    unshare -n                           a network namespace of its own: lo, and no route
    install.sh --prefix                  into a clean prefix, self-test included
    barocast setup --non-interactive     every step that can be proven without a monitor
    barocast run                         20 min of a gateway's messages, then the page's own answer

What is printed goes to benchmarks/no_route.md. Needs root (a namespace) and `ip`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import machine

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = Path(__file__).with_name("no_route.md")
FEED: Final = ("127.0.0.1", 6661)
STATE: Final = "http://127.0.0.1:8520/api/or-3/state"
HISTORY_S: Final = 1200
"""Of messages, one each 10 s: more than a window."""
UP_S: Final = 60.0
SETUP: Final = (
    "setup",
    "--non-interactive",
    "--simulate",
    *("--feed", "hl7", "--address", f"tcp-listen://{FEED[0]}:{FEED[1]}"),
    *("--name", "OR 3", "--screen", "127.0.0.1:8520"),
)


def main() -> int:
    """Build where needed, go inside, write the page; 0 when a forecast came."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheelhouse", type=Path, help="one that was built before")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        return _inside(args.wheelhouse, args.inside)
    with TemporaryDirectory() as folder:
        wheelhouse = args.wheelhouse or _built(Path(folder) / "wheelhouse")
        inside = ("-m", "benchmarks.no_route", "--wheelhouse", str(wheelhouse), "--inside", folder)
        done = subprocess.run(["unshare", "-n", sys.executable, *inside], cwd=ROOT, check=False)  # noqa: S607 - util-linux
        if done.returncode == 0:
            PAGE.write_text((Path(folder) / "page.md").read_text("utf-8"), "utf-8")
    return done.returncode


def _built(folder: Path) -> Path:
    target = f"{platform.machine()}-cp{sys.version_info.major}{sys.version_info.minor}"
    command = [
        sys.executable,
        "-m",
        "barocast.plugin.box.wheelhouse",
        "--target",
        target,
        "--out",
        str(folder),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


def _inside(wheelhouse: Path, folder: Path) -> int:
    """Install, set up, run, ask; everything here has no network but its own."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607 - iproute2
    routes = len(Path("/proc/net/route").read_text("ascii").splitlines()) - 1
    began = time.monotonic()
    installed = _said(["bash", str(wheelhouse / "install.sh"), "--prefix", str(folder / "root")], folder)
    install_s = time.monotonic() - began
    (barocast,) = (folder / "root").glob("**/current/bin/barocast")
    places = ("--storage", str(folder / "var"), "--config", str(folder / "etc"))
    set_up = _said([str(barocast), *SETUP, *places], folder)
    began = time.monotonic()
    command = [str(barocast), "run", "--config", str(folder / "etc")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as service:
        try:
            up_s = _feed(began)
            state = _state()
        finally:
            service.terminate()
    page = _page(routes, (installed, install_s), set_up, up_s, state)
    (folder / "page.md").write_text(page, "utf-8")
    print(page)
    return int(state["decision"]["state"] != "forecast")


def _said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip().replace(str(folder), "FOLDER")


def _feed(began: float) -> float:
    """Tell the service 20 min as a gateway would; give the seconds until it listened."""
    sys.path.insert(0, str(ROOT / "tests"))
    from builders import abp_message  # noqa: PLC0415 - it lies with the tests

    while True:
        try:
            line = socket.create_connection(FEED, timeout=5)
            break
        except ConnectionRefusedError:
            if time.monotonic() - began > UP_S:
                raise
            time.sleep(0.1)
    up_s = time.monotonic() - began
    with line:
        for second in range(0, HISTORY_S + 1, 10):
            line.sendall(abp_message(second))
            line.recv(4096)
        time.sleep(2)
    return up_s


def _state() -> dict[str, Any]:
    with urllib.request.urlopen(STATE, timeout=5) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def _page(routes: int, installed: tuple[str, float], set_up: str, up_s: float, state: dict[str, Any]) -> str:
    decision = state["decision"]
    return f"""# Installed and forecasting where no network can be reached

`python -m benchmarks.no_route` on {machine.described()}, as {"root" if os.geteuid() == 0 else "a user"}. A
namespace with {routes} routes; the feed is a gateway's messages from inside it (simulated).

| | |
|---|---|
| install.sh, self-test included | {installed[1]:.0f} s |
| service listening after | {up_s:.1f} s |
| after {HISTORY_S // 60} min of messages | {decision["state"]} of bundle {state["bundle"]} |
| risk at 5 / 10 / 15 min | {" / ".join(f"{p:.3f}" for p in decision["risk"].values())} |

The installer's last line:

```
{installed[0].splitlines()[-1]}
```

`barocast setup` says:

```
{set_up}
```
"""


if __name__ == "__main__":
    sys.exit(main())
