"""`python -m benchmarks.wedge [TIMES]`: wedge, freeze and break parts of the real service; writes wedge.md.

`barocast run` with two beds (kills_rig) under a manager that does what systemd does with the unit
(Type=notify, WatchdogSec=10, Restart=always, RestartSec=1). Each is caused TIMES times, and timed outside:

    wedged loop      a stranger's feed hangs in receive() for ever: killed, READY again within READY_S
    raising loop     it raises instead: its bed is back within REBUILT_S, the other bed misses nothing
    frozen engine    SIGSTOP to the engine's process: `engine fault`, and well again within BACK_S of that
    dead engine      SIGKILL to it: the same
    failure buzzer   SIGKILL to a service that nobody starts again: heard in BACK_S, silent when it is back

Exit status 1 when one took longer.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from barocast.plugin.service.bed_loop import BACK_OFF_S
from barocast.plugin.service.cry import STOPPED
from barocast.runtime.alarm.events import Part
from barocast.runtime.alarm.truth import FAULT
from benchmarks import machine
from benchmarks.kills_gateway import BEGAN, Gateway
from benchmarks.kills_rig import Box, Manager, child_of, eventually, signalled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMES: Final = 5
FRAIL: Final = "or-1"
SOUND: Final = "or-2"
SPEED: Final = 20.0
READY_S: Final = 15.0
"""From a loop's last turn to READY again."""
BACK_S: Final = 5.0
REBUILT_S: Final = BACK_OFF_S[-1] + 2.0
"""For a bed that fails again and again: its longest rest, and the building of it."""
FOUND_S: Final = 12.0
"""For an engine that answers nothing to be found out: asked every 5 s, with 2 s to answer."""
STEP_S: Final = 30.0
"""Device seconds from one decision to the next."""
DEAD_S: Final = 8.0
"""How long the service is left dead."""
SILENT_WITHIN_S: Final = 1.5
"""A heartbeat, a look at it, and the end of a burst."""
LISTEN_S: Final = 7.0
"""Longer than from one burst to the next."""
ENGINE: Final = str(Part.ENGINE)
APLAY: Final = '#!/bin/sh\ncat > /dev/null\ndate +%s.%N >> "{heard}"\n'

TEXT: Final = """# Wedged, frozen, broken

`python -m benchmarks.wedge {times}` on {machine}; load average {load}.

`barocast run` with two beds under a manager that does with it what systemd does with the unit (Type=notify,
WatchdogSec=10, Restart=always, RestartSec=1), each caused {times} times; seconds as they were measured, and
the most that is allowed.

| what | seconds | most |
|---|---|---|
{rows}

{broken}
"""


class Bench:
    """A box, its manager and its monitors, and what was measured."""

    def __init__(self, box: Box, manager: Manager) -> None:
        self.box, self.manager = box, manager
        self.seconds: dict[str, tuple[list[float], float]] = {}
        """What -> seconds, and the most that is allowed."""

    def measured(self, what: str, seconds: float, most_s: float) -> None:
        """Note one."""
        self.seconds.setdefault(what, ([], most_s))[0].append(seconds)

    def shows(self, bed: str, condition: str) -> bool:
        """Whether the page shows a condition."""
        state = self.box.shown(bed)
        return state is not None and any(c["name"] == condition for c in state["alarm"]["conditions"])

    def forecasting(self, bed: str) -> bool:
        """Whether the page shows a forecast."""
        state = self.box.shown(bed)
        return bool(state and state["decision"] and state["decision"]["state"] == "forecast")

    def settled(self) -> None:
        """Wait until both beds forecast and nothing is wrong with the engine."""
        for bed in (FRAIL, SOUND):
            eventually(lambda bed=bed: self.forecasting(bed), 60.0, f"{bed}: a forecast")
        eventually(lambda: not self.shows(SOUND, ENGINE), 30.0, "an engine")


def wedge_loop(bench: Bench) -> None:
    """Hang one bed's loop: the watchdog that it no longer earns ends the process."""
    life, wedged_s = bench.manager.life, _ordered(bench.box, "hang")
    again = bench.manager.ready(60.0, after=life)
    bench.measured("wedged loop: process ended", (life.ended_s or math.inf) - wedged_s, READY_S)
    bench.measured("wedged loop: READY again", (again.ready_s or math.inf) - wedged_s, READY_S)


def break_loop(bench: Bench) -> None:
    """Let one bed's loop raise: it is told so, it comes back, and the other bed goes on."""
    life, raised_s = bench.manager.life, _ordered(bench.box, "raise")
    stopped_s = _told(bench.box, FRAIL, lambda shown: STOPPED in shown)
    back_s = _told(bench.box, FRAIL, lambda shown: STOPPED not in shown)
    bench.measured("raising loop: its sinks told", stopped_s - raised_s, BACK_S)
    bench.measured("raising loop: its bed is back", back_s - raised_s, REBUILT_S)
    if bench.manager.life is not life:
        raise RuntimeError("one bed's error ended the service")


def freeze_engine(bench: Bench) -> None:
    """SIGSTOP the engine's process."""
    _lose_engine(bench, signal.SIGSTOP, "frozen engine")


def kill_engine(bench: Bench) -> None:
    """SIGKILL the engine's process."""
    _lose_engine(bench, signal.SIGKILL, "dead engine")


def _lose_engine(bench: Bench, number: signal.Signals, what: str) -> None:
    bench.box.told()
    lost_s = signalled(child_of(bench.manager.life), number)
    found_s = _told(bench.box, SOUND, lambda shown: bool(shown & {ENGINE, FAULT}))
    well_s = _told(bench.box, SOUND, lambda shown: not shown & {ENGINE, FAULT})
    bench.measured(f"{what}: told", found_s - lost_s, FOUND_S)
    bench.measured(f"{what}: forecasts again, from then", well_s - found_s, BACK_S)


def buzz(bench: Bench) -> None:
    """SIGKILL the service and leave it dead for a while."""
    heard = bench.box.folder / "heard"
    time.sleep(SILENT_WITHIN_S)
    heard.unlink(missing_ok=True)
    bench.manager.hold()
    killed_s, wall_s = time.monotonic(), time.time()
    life = bench.manager.kill()
    eventually(lambda: heard.exists() and heard.read_text("ascii"), 30.0, "a buzzer")
    bench.measured("failure buzzer: heard", float(heard.read_text("ascii").split()[0]) - wall_s, BACK_S)
    time.sleep(max(0.0, DEAD_S - (time.monotonic() - killed_s)))
    bench.manager.release()
    bench.manager.ready(60.0, after=life)
    time.sleep(SILENT_WITHIN_S)
    bursts = heard.read_text("ascii").count("\n")
    time.sleep(LISTEN_S)
    bench.measured(
        "failure buzzer: bursts once it is back", heard.read_text("ascii").count("\n") - bursts, 0.0
    )


def _ordered(box: Box, what: str) -> float:
    """Order a breakdown; give when it happened."""
    box.told()
    box.order.with_suffix(".new").write_text(what, "ascii")
    box.order.with_suffix(".new").replace(box.order)
    eventually(lambda: not box.order.exists(), 10.0, f"the feed to {what}")
    return time.monotonic()


def _told(box: Box, bed: str, holds: Callable[[set[str]], bool]) -> float:
    """Wait until the bed's sinks were told of such conditions; give when."""

    def found() -> float | None:
        lines = [line for line in box.told() if line.get("bed", bed) == bed and "told" in line]
        return next((x["at_s"] for x in lines if holds({name for name, *_ in x["told"]})), None)

    return float(eventually(found, 60.0, f"{bed} to be told"))


def missed(box: Box, bed: str, since_s: float) -> int:
    """Count the decisions that a bed's case lacks, from `since_s` on its device's clock to its last one."""
    made = {line["t_s"] for line in box.lines(bed) if "state" in line and line["t_s"] >= since_s}
    return round((max(made) - min(made)) / STEP_S) + 1 - len(made)


@contextmanager
def _buzzer(box: Box) -> Iterator[None]:
    """Run the buzzer as its unit does, with an `aplay` that writes down when it was started."""
    player = box.folder / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(APLAY.format(heard=box.folder / "heard"), "ascii")
    player.chmod(0o755)
    command = [sys.executable, "-m", "barocast.plugin.buzzer", "--device", "none"]
    environment = os.environ | {"PATH": f"{player.parent}:{os.environ['PATH']}"}
    with subprocess.Popen(
        [*command, "--heartbeat", str(box.runtime / "heartbeat")], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.kill()


def measure(folder: Path, times: int) -> Bench:
    """Cause each breakdown so often."""
    box = Box(folder, {FRAIL: "breakable", SOUND: "hl7"})
    feeds = [Gateway(port, speed=SPEED) for port in box.ports.values()]
    with ExitStack() as stack:
        for feed in feeds:
            stack.enter_context(feed)
        manager = stack.enter_context(Manager(box))
        bench = Bench(box, manager)
        bench.settled()
        stack.enter_context(_buzzer(box))
        _apart(bench, feeds[-1], times)
        for cause in (freeze_engine, kill_engine, wedge_loop, buzz):
            for _ in range(times):
                cause(bench)
                bench.settled()
        began_s = time.monotonic()
        bench.measured("SIGTERM: exit status", manager.stop(), 0.0)
        bench.measured("SIGTERM: to the exit", time.monotonic() - began_s, BACK_S)
    return bench


def _apart(bench: Bench, feed: Gateway, times: int) -> None:
    """Break one bed's loop again and again, and look at the other's case."""
    since_s = BEGAN.timestamp() + feed.now_s
    for _ in range(times):
        break_loop(bench)
        bench.settled()
    time.sleep(2 * STEP_S / SPEED)
    bench.measured(
        "raising loop: decisions that the other bed missed", missed(bench.box, SOUND, since_s), 0.0
    )


def main() -> int:
    """Measure, and write the page; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=TIMES)
    times = parser.parse_args().times
    with TemporaryDirectory() as folder:
        bench = measure(Path(folder), times)
    late = [what for what, (took, most) in bench.seconds.items() if max(took) > most]
    text = TEXT.format(
        times=times,
        machine=machine.described(),
        load=", ".join(f"{load:.2f}" for load in os.getloadavg()),
        rows="\n".join(
            f"| {what} | {', '.join(f'{s:.2f}'.removesuffix('.00') for s in took)} | {most:g} |"
            for what, (took, most) in bench.seconds.items()
        ),
        broken=f"Over the limit: {', '.join(late)}." if late else "Nothing was over its limit.",
    )
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
