"""Each bed of a configuration: what its settings make of it, its port, its ways out.

Ports and sinks are tried only while no service runs: what it holds cannot be opened twice, and a monitor that
serves one client would take us for it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from barocast.plugin.clock import utc_now, wall_s
from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.forecast_quality import read_quality
from barocast.plugin.service.bed import sinks_of
from barocast.plugin.service.model import NO_MODEL
from barocast.plugin.settings import DROP
from barocast.plugin.sinks.view import SILENT_TRIAL
from barocast.plugin.transports.addresses import check_files, open_transport
from barocast.plugin.transports.transport import TransportLost
from barocast.plugin.web.access import Address
from barocast.runtime.errors import BarocastError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.plugin.service.house import BedFile
    from barocast.plugin.settings import Settings

SERIAL: Final = "serial"
PLAIN: Final = "tcp-listen"
PROCESSES: Final = Path("/proc")


def bed(found: BedFile, *, running: bool) -> Iterator[Finding]:
    """Say everything about one bed; `running`: a service holds its port and its sinks."""
    settings = found.settings
    if settings is None:
        yield bad("config", found.trouble)
        return
    yield good("config", f"{found.path}: {settings.bed.name}, {settings.feed.kind}")
    yield from _as_set(settings)
    if running:
        yield good("port", f"{settings.feed.address}: held by the service that runs")
        return
    yield port(settings)
    yield from ways_out(settings)


def port(settings: Settings) -> Finding:
    """Open the feed's port and let go of it again."""
    feed = settings.feed
    try:
        check_files(feed.address, feed.tls, wall_s())
        open_transport(feed.address, feed.tls).close()
    except SettingsError as error:
        return bad("port", error)
    except TransportLost as lost:
        return bad("port", f"{feed.address}: {lost}{_who_has_it(feed.address)}")
    return good("port", f"{feed.address}: can be opened")


def ways_out(settings: Settings) -> Iterator[Finding]:
    """Try every sink; in a silent trial there is none."""
    try:
        sinks = sinks_of(settings, NO_MODEL)
    except BarocastError as error:
        yield bad("sinks", error)
        return
    for sink in sinks:
        with contextlib.closing(sink):
            test = sink.self_test()
        yield Finding("sinks", ok=test.ok, text=test.text)
    if not sinks and not settings.alarm.silent:
        yield good("sinks", "NO SOUND: [sinks] sound_device names no device")


def holders(device: str) -> list[str]:
    """Name the programs that have a device open, as far as we may look."""
    target = os.path.realpath(device)
    found = []
    for process in PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.path.realpath(descriptor) == target for descriptor in (process / "fd").iterdir()):
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return found


def _who_has_it(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != SERIAL:
        return ""
    if not Path(parts.path).exists():
        return "; plug the adapter in, or take its name from `barocast discover`"
    names = ", ".join(holders(parts.path))
    return f"; {names} has it: stop that first" if names else "; is this user in the group dialout?"


def _as_set(settings: Settings) -> Iterator[Finding]:
    if settings.alarm.silent:
        yield good("silent", f"{SILENT_TRIAL}; NOTHING SOUNDS; the log is {settings.sinks.log}")
    if settings.feed.demographics != DROP:
        text = (
            "[feed] demographics: age in years, sex, height and weight are read from the feed; never a name"
        )
        yield good("privacy", text)
    yield from _plain(settings.feed.address)
    yield _quality(settings.model.status)


def _plain(address: str) -> Iterator[Finding]:
    """Say where a network may call us unencrypted; not bad, since it may be the monitor's alone."""
    parts = urlsplit(address)
    if parts.scheme == PLAIN and not Address(parts.hostname or "", parts.port or 0).local:
        text = "whoever reaches this port can send pressures; take tls-listen://, or a network of its own"
        yield good("plain", f"{address}: not encrypted: {text}")


def _quality(path: str) -> Finding:
    if not path:
        return good("quality", "not watched: [model] status names no file")
    try:
        quality = read_quality(Path(path))
    except SettingsError as error:
        return bad("quality", error)
    trouble = quality.trouble(utc_now())
    return Finding("quality", ok=not trouble, text=f"forecasts of {quality.bundle}: {trouble or quality}")
