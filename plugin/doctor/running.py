"""A service that runs: its metrics (health/metrics.py), as it writes them, in sentences.

    running(path) -> Readings of a service that runs now, None where none does
    service(readings), bed(slug, readings)

A file that has not been written for STALE_S belongs to a service that has ended or hangs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import wall_s
from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.health.exposition import Readings, read
from barocast.plugin.health.histogram import at_most
from barocast.plugin.service.engine_process import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STALE_S: Final = 60.0
"""It is written every 15 s."""
MOST_BYTES: Final = 1 << 20
"""Of a metrics file: a box of twenty beds writes a tenth of it."""
LOST_SHARE: Final = 0.01
"""Of the frames: a sound line loses none; where more than this is lost, parity, wiring or rate is wrong."""
WORK_S: Final = 0.2
"""Of a turn at the bed (requirement ALM-06)."""
P99: Final = 0.99


def running(path: Path) -> Readings | None:
    """Read the metrics of a service that runs now."""
    try:
        if not 0.0 <= wall_s() - path.stat().st_mtime <= STALE_S:
            return None
        with path.open("rb") as file:
            return read(file.read(MOST_BYTES).decode("utf-8", "replace"))
    except OSError:
        return None


def service(readings: Readings) -> Iterator[Finding]:
    """Say how the service as a whole fares."""
    up_h = readings.value("barocast_uptime_seconds") / 3600
    watchdog_s = readings.value("barocast_watchdog_seconds")
    watched = "nobody watches over it" if math.isnan(watchdog_s) else f"watchdog {watchdog_s:g} s"
    memory_mb = readings.value("barocast_resident_bytes") / 1e6
    files = readings.value("barocast_descriptors")
    yield good("service", f"runs for {up_h:.1f} h, {memory_mb:.0f} MB, {files:.0f} files open; {watched}")
    for name, value in readings.by("barocast_model_info", "bundle").items():
        if value:
            yield _engine(readings, name)


def beds(readings: Readings) -> list[str]:
    """Name the beds that it serves."""
    return list(readings.by("barocast_bed_served", "bed"))


def bed(slug: str, readings: Readings) -> Iterator[Finding]:
    """Say how one bed fares."""
    for say in _OF_A_BED:
        found = say(slug, readings)
        if found is not None:
            yield Finding(found.topic, found.ok, f"{slug}: {found.text}")


def _engine(readings: Readings, bundle: str) -> Finding:
    p99_s = _p99_s(readings, "inference")
    took = "" if math.isnan(p99_s) else f", 99 % within {p99_s:g} s"
    if readings.value("barocast_engine_up") == 0:
        return bad("engine", f"{bundle}: its process is gone and started again; see the journal")
    slow = p99_s > DEADLINE_S / 2
    return Finding("engine", ok=not slow, text=f"{bundle} answers{took}{'; the box is too slow' * slow}")


def _served(slug: str, readings: Readings) -> Finding | None:
    restarts = readings.value("barocast_bed_restarts_total", bed=slug)
    again = f"built again {restarts:.0f} times" if restarts else "never had to be built again"
    if readings.value("barocast_bed_served", bed=slug) != 1:
        return bad("bed", f"NOT SERVED, {again}; the journal says why")
    return good("bed", f"served, {again}")


def _turns(slug: str, readings: Readings) -> Finding | None:
    work_s, turn_s = (_p99_s(readings, name, bed=slug) for name in ("work", "turn"))
    if math.isnan(work_s):
        return None
    slow = "; the box is too slow for its beds" * (work_s > WORK_S)
    text = f"99 % of turns come within {turn_s:g} s and work at most {work_s:g} s{slow}"
    return Finding("bed", ok=not slow, text=text)


def _data(slug: str, readings: Readings) -> Finding | None:
    ages = readings.by("barocast_data_age_seconds", "channel", bed=slug)
    if not ages:
        return good("feed", "no value yet")
    listed = ", ".join(f"{channel} {age:.0f} s" for channel, age in sorted(ages.items()))
    return good("feed", f"newest values: {listed} old")


def _losses(slug: str, readings: Readings) -> Finding | None:
    frames = readings.value("barocast_feed_frames_total", bed=slug)
    lost = readings.by("barocast_feed_corrupt_total", "reason", bed=slug)
    total = sum(lost.values())
    kinds = ", ".join(f"{reason} {count:.0f}" for reason, count in sorted(lost.items()))
    text = f"{frames:,.0f} frames, {total:.0f} pieces lost" + (f" ({kinds})" if kinds else "")
    bad_line = total > LOST_SHARE * frames
    return Finding("feed", ok=not bad_line, text=text + "; check parity, wiring and rate" * bad_line)


def _decisions(slug: str, readings: Readings) -> Finding | None:
    states = readings.by("barocast_decisions_total", "state", bed=slug)
    if not states:
        return good("forecast", "no decision yet")
    why = readings.by("barocast_decisions_total", "reason", bed=slug)
    reasons = ", ".join(f"{reason} {count:.0f}" for reason, count in sorted(why.items()) if reason)
    told = ", ".join(f"{count:.0f} {state}" for state, count in sorted(states.items()))
    faults = states.get("fault", 0.0)
    text = f"{told}{f' ({reasons})' if reasons else ''}"
    return Finding(
        "forecast", ok=not faults, text=text + "; a fault is a broken model or engine" * bool(faults)
    )


def _alarms(slug: str, readings: Readings) -> Finding | None:
    raised = readings.by("barocast_alarm_transitions_total", "condition", bed=slug, transition="raised")
    listed = ", ".join(f"{condition} {count:.0f}" for condition, count in sorted(raised.items()) if condition)
    return good("alarms", f"raised since its start: {listed or 'none'}")


def _parts(slug: str, readings: Readings) -> Finding | None:
    parts = sorted(readings.by("barocast_trouble", "part", bed=slug))
    pending = readings.value("barocast_log_pending", bed=slug)
    waits = [f"{pending:.0f} rows of the log wait for the disk"] if pending > 0 else []
    troubles = [*([f"does not work: {', '.join(parts)}"] if parts else []), *waits]
    if troubles:
        return bad("parts", f"{'; '.join(troubles)}; the screen and the journal say why")
    return good("parts", "all work")


def _p99_s(readings: Readings, name: str, **labels: str) -> float:
    return at_most(readings.by(f"barocast_{name}_seconds_bucket", "le", **labels), P99)


_OF_A_BED: Final[tuple[Callable[[str, Readings], Finding | None], ...]] = (
    *(_served, _turns, _data, _losses, _decisions, _alarms, _parts),
)
