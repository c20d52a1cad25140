"""`python -m benchmarks.service_soak [MINUTES] [--speed N]`: the service at length; service_soak.md.

`barocast run` (kills_rig) with four beds: two at virtual IntelliVue monitors with an ABP wave behind ptys in
real time, two at HL7 gateways whose clocks run SPEED times as fast, so that all that grows with decisions,
alarms and kept lines grows SPEED times as fast. Deadlines, the page and the watchdog keep real time.

    memory     resident, of service and engine, every EVERY_S; its slope by least squares after WARM_S
    files      open descriptors of the service, likewise
    decisions  of each bed's case file: every STEP_S of the device's clock, from its first line to its last
    disk       beforehand, on an ext4 of its own (root): full, then read-only, as the kernel makes it after an
               error; the alarm sounds on, `log fault` is raised within TOLD_S and ends with its cause

Exit status 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify
from barocast.plugin.monitors import INTELLIVUE_SERIAL
from barocast.runtime.alarm.events import Part
from barocast.runtime.alarm.facts import FORECAST
from benchmarks import machine
from benchmarks.kills_gateway import BEGAN, HISTORY_S, Gateway, risky
from benchmarks.kills_rig import Box, Manager, child_of, eventually
from benchmarks.soak_monitors import speak
from benchmarks.wedge import missed

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTES: Final = 20.0
SPEED: Final = 20.0
REAL: Final = ("or-1", "or-2")
FAST: Final = ("or-3", "or-4")
EVERY_S: Final = 5.0
WARM_S: Final = 300.0
"""Until buffers, histories and caches are as large as they get: a window is 15 min, of the fast beds 45 s."""
START_S: Final = 15.0
"""Of the wall, for the first start: what the fast beds tell until then is history, too old to decide on."""
SLOPE_MB_H: Final = 1.0
"""Of an hour of the wall, SPEED hours of monitoring (requirement RUN-06)."""
TOLD_S: Final = 40.0
"""For `log fault`: a case file is written with each decision, 30 s apart."""
DISK_MB: Final = 120.0
REFILL_S: Final = 1.0
"""For the log to meet a full disk and give its reserve up."""
FILES: Final = 8
"""Descriptors that come and go: a page that is read, an alarm memory that is written."""
IN_PRIVATE: Final = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from benchmarks.service_soak import bad_disks
print(json.dumps([asdict(disk) for disk in bad_disks(Path(sys.argv[1]))]))
"""
LOG_FAULT: Final = str(Part.LOG)
MB: Final = 1e6

TEXT: Final = """# The service at length

`python -m benchmarks.service_soak {minutes:g} --speed {speed:g}` on {machine}; load average {load}.

`barocast run` with four beds, a page, audit logs and cases, for {minutes:g} min: {real} at virtual IntelliVue
monitors behind ptys in real time, {fast} at HL7 gateways whose clocks run {speed:g} times as fast, so
that each hears {hours:.1f} h of monitoring. The bundle is a toy; the fast beds alarm.

| | |
|---|---|
| resident, MB: after {warm:g} s, end (service; engine) | {rss} |
| slope of the service, MB an hour of the wall; an hour of monitoring | {slope} |
| the same over the last quarter of the run | {late} |
| open descriptors: least, most, after {warm:g} s | {files} |
| decisions; missed | {decisions} |
| watchdog pings: longest rest, s | {rest:.2f} |
| audit logs | {verdict} |

An hour of the wall is {speed:g} hours of the fast beds: what grows with a case grows so many times as fast
here. A case takes the memory of its whole day when it begins; `python -m benchmarks.growth` shows a bed
alone, hour by hour.

| disk | raised after, s | alarm meanwhile | ended after, s |
|---|---|---|---|
{disk}

{broken}
"""


@dataclass(slots=True)
class Soaked:
    """What one run showed."""

    at_s: list[float] = field(default_factory=list)
    rss_mb: list[tuple[float, float]] = field(default_factory=list)
    """Service, engine."""
    files: list[int] = field(default_factory=list)
    decisions: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Bed -> made, missed."""
    rest_s: float = 0.0
    verdicts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadDisk:
    """What came of one."""

    name: str
    raised_s: float
    shown: str
    """What the page showed of the alarm meanwhile."""
    ended_s: float
    """From its mending until the page showed the alarm alone."""


def whole(t_s: float) -> float:
    """Give a MAP as monitors tell it, in whole mmHg: every other number would be one more to remember."""
    return float(round(risky(t_s)))


def soak(folder: Path, minutes: float, speed: float) -> Soaked:
    """Let the service run."""
    soaked = Soaked()
    link, far = multiprocessing.get_context("spawn").Pipe()
    others = multiprocessing.get_context("spawn").Process(target=speak, args=(far, len(REAL), 0), daemon=True)
    others.start()
    addresses = dict(zip(REAL, link.recv(), strict=True))
    kinds = dict.fromkeys(REAL, INTELLIVUE_SERIAL.name) | dict.fromkeys(FAST, "hl7")
    box = Box(folder, kinds, addresses=addresses)
    with ExitStack() as stack:
        for bed in FAST:
            stack.enter_context(Gateway(box.ports[bed], whole, speed))
        manager = stack.enter_context(Manager(box))
        life = manager.ready()
        _watch(soaked, life.process.pid, child_of(life), minutes * 60)
        if manager.stop() or len(manager.lives) > 1:
            raise RuntimeError("the service ended by itself")
    link.send("stop")
    present_s = BEGAN.timestamp() + HISTORY_S + START_S * speed
    soaked.rest_s = float(max(np.diff(life.pings_s)))
    for bed in kinds:
        made = sum("state" in line for line in box.lines(bed))
        soaked.decisions[bed] = (made, missed(box, bed, present_s if bed in FAST else 0.0))
        finding = verify(box.log(bed), public_key(box.log(bed))).finding
        soaked.verdicts[bed] = "sound" if finding is None else f"{finding.kind}: {finding.text}"
    return soaked


def _watch(soaked: Soaked, service: int, engine: int, seconds: float) -> None:
    """Read the meters until it is time."""
    began_s = time.monotonic()
    while (at_s := time.monotonic() - began_s) < seconds:
        soaked.at_s.append(at_s)
        soaked.rss_mb.append((resident_mb(service), resident_mb(engine)))
        soaked.files.append(len(list(Path(f"/proc/{service}/fd").iterdir())))
        time.sleep(EVERY_S)


def resident_mb(pid: int) -> float:
    """Give what a process holds, megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def slope_mb_h(soaked: Soaked, warm_s: float) -> float:
    """Give how fast the service grew after it was warm."""
    warm = [(t, rss) for t, (rss, _) in zip(soaked.at_s, soaked.rss_mb, strict=True) if t >= warm_s]
    return float(np.polyfit([t for t, _ in warm], [rss for _, rss in warm], 1)[0]) * 3600


def bad_disks(folder: Path) -> list[BadDisk]:
    """Alarm on a disk that fills up, and on one that the kernel makes read-only after an error."""
    image, storage = folder / "disk.img", folder / "storage"
    storage.mkdir()
    with image.open("wb") as file:
        file.truncate(round(DISK_MB * MB))
    _run("mkfs.ext4", "-q", "-F", str(image))
    _run("mount", "-o", "loop,errors=remount-ro", str(image), str(storage))
    box = Box(folder, {FAST[0]: "hl7"}, storage)
    with Gateway(box.ports[FAST[0]], speed=SPEED), Manager(box) as manager:
        manager.ready()
        eventually(lambda: FORECAST in _conditions(box), 60.0, "an alarm")
        full = _bad(box, "full", lambda: _fill(storage), lambda: _empty(storage), still=True)
        broken = _bad(box, "read-only", lambda: _break(storage), lambda: _mended(storage, image, manager))
    finding = verify(box.log(FAST[0]), public_key(box.log(FAST[0]))).finding
    _run("umount", str(storage))
    if finding is not None:
        raise RuntimeError(f"the log after bad disks: {finding.text}")
    return [full, broken]


def _bad(
    box: Box, name: str, spoil: Callable[[], None], mend: Callable[[], None], *, still: bool = False
) -> BadDisk:
    """Spoil the disk, `still` more while the bed says nothing, and see what it says until it is mended."""

    def told() -> bool:
        if still:
            spoil()
        return LOG_FAULT in _conditions(box)

    spoil()
    began_s, bursts = time.monotonic(), _bursts(box)
    eventually(told, TOLD_S, f"{name}: {LOG_FAULT}")
    raised_s = time.monotonic() - began_s
    eventually(lambda: _bursts(box) > bursts, TOLD_S, f"{name}: a burst")
    shown = ", ".join(sorted(_conditions(box)))
    mend()
    began_s = time.monotonic()
    eventually(lambda: FORECAST in _conditions(box) and LOG_FAULT not in _conditions(box), TOLD_S, name)
    return BadDisk(name, raised_s, shown, time.monotonic() - began_s)


def _conditions(box: Box) -> set[str]:
    state = box.shown(FAST[0])
    return {c["name"] for c in state["alarm"]["conditions"]} if state else set()


def _bursts(box: Box) -> int:
    return len(list((box.folder / f"wav-{FAST[0]}").glob("*")))


def _fill(storage: Path) -> None:
    """Take the last byte; asked again, also what the log's reserve gave up meanwhile."""
    with suppress(OSError), (storage / f"ballast-{time.monotonic_ns()}").open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass


def _empty(storage: Path) -> None:
    for file in storage.glob("ballast-*"):
        file.unlink()


def _break(storage: Path) -> None:
    """Let the kernel find an error."""
    asked = ["findmnt", "-no", "SOURCE", str(storage)]
    told = subprocess.run(asked, check=True, capture_output=True, text=True)
    (Path("/sys/fs/ext4") / Path(told.stdout.strip()).name / "trigger_fs_error").write_text("1", "ascii")


def _mended(storage: Path, image: Path, manager: Manager) -> None:
    """Do what a person does with a broken disk: stop, check, mount, start."""
    manager.hold()
    life = manager.kill()
    life.process.wait()
    _run("umount", "-l", str(storage))
    time.sleep(REFILL_S)
    check = ["e2fsck", "-fy", str(image)]
    subprocess.run(check, check=False, capture_output=True)  # it gives 1 where it mended something
    _run("mount", "-o", "loop,errors=remount-ro", str(image), str(storage))
    manager.release()
    manager.ready(after=life)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _page(soaked: Soaked, disks: list[BadDisk], minutes: float, speed: float, broken: list[str]) -> str:
    warm_s = min(WARM_S, minutes * 30)
    warm = [rss for t, rss in zip(soaked.at_s, soaked.rss_mb, strict=True) if t >= warm_s]
    files = [count for t, count in zip(soaked.at_s, soaked.files, strict=True) if t >= warm_s]
    slope = slope_mb_h(soaked, warm_s)
    late = slope_mb_h(soaked, minutes * 45)
    pairs = [f"{bed} {made:,}; {gone}" for bed, (made, gone) in soaked.decisions.items()]
    return TEXT.format(
        minutes=minutes,
        machine=machine.described(),
        load=", ".join(f"{load:.2f}" for load in os.getloadavg()),
        real=len(REAL),
        fast=len(FAST),
        speed=speed,
        hours=minutes / 60 * speed,
        warm=warm_s,
        rss=f"{warm[0][0]:.1f}, {warm[-1][0]:.1f}; {warm[0][1]:.1f}, {warm[-1][1]:.1f}",
        slope=f"{slope:.2f}; {slope / speed:.3f}",
        late=f"{late:.2f}; {late / speed:.3f}",
        files=f"{min(files)}, {max(files)}",
        decisions=", ".join(pairs),
        rest=soaked.rest_s,
        verdict=", ".join(f"{bed} {verdict}" for bed, verdict in soaked.verdicts.items()),
        disk="\n".join(f"| {d.name} | {d.raised_s:.1f} | {d.shown} | {d.ended_s:.1f} |" for d in disks)
        or "| not tried: needs root, mkfs.ext4 and a loop device | | | |",
        broken="\n".join(f"- {what}" for what in broken) or "No promise was broken.",
    )


def _broken(soaked: Soaked, disks: list[BadDisk], minutes: float) -> list[str]:
    warm_s = min(WARM_S, minutes * 30)
    slope = slope_mb_h(soaked, warm_s)
    files = [count for t, count in zip(soaked.at_s, soaked.files, strict=True) if t >= warm_s]
    found = [
        (slope > SLOPE_MB_H, f"grows by {slope:.1f} MB an hour"),
        (max(files) - min(files) > FILES, f"from {min(files)} to {max(files)} open files"),
        (any(gone for _, gone in soaked.decisions.values()), f"decisions missed: {soaked.decisions}"),
        (set(soaked.verdicts.values()) != {"sound"}, f"audit logs: {soaked.verdicts}"),
    ]
    found += [(FORECAST not in disk.shown, f"{disk.name}: no alarm") for disk in disks]
    return [said for wrong, said in found if wrong]


def main() -> int:
    """Soak, and write the page; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=MINUTES)
    parser.add_argument("--speed", type=float, default=SPEED, help=f"of the fast beds (default {SPEED:g})")
    args = parser.parse_args()
    minutes, speed = args.minutes, args.speed
    with TemporaryDirectory() as name:
        folder = Path(name)
        disks = _privately(folder / "disks") if os.geteuid() == 0 else []
        (folder / "soak").mkdir()
        soaked = soak(folder / "soak", minutes, speed)
    broken = _broken(soaked, disks, minutes)
    text = _page(soaked, disks, minutes, speed, broken)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if broken else 0


def _privately(folder: Path) -> list[BadDisk]:
    """Try bad disks where nobody else sees what is mounted."""
    folder.mkdir()
    command = ["unshare", "-m", sys.executable, "-c", IN_PRIVATE, str(folder)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [BadDisk(**each) for each in json.loads(told.stdout.splitlines()[-1])]


if __name__ == "__main__":
    sys.exit(main())
