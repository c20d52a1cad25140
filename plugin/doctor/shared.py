"""What the beds of a box share: the storage folder with its reserve, quota and audit logs, and the page."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.keeping import size_of
from barocast.plugin.audit.reading import logs_in
from barocast.plugin.audit.reserve import Reserve
from barocast.plugin.audit.seal import public_key
from barocast.plugin.audit.verify import verify
from barocast.plugin.clock import wall_s
from barocast.plugin.doctor.finding import Finding, bad, good
from barocast.plugin.health.metrics import MEGABYTE
from barocast.plugin.transports.credentials import Credentials, check_dates, tls_context
from barocast.plugin.web.access import Access, Address, read_token
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.plugin.settings import ScreenSettings, StorageSettings

RENEW_S: Final = 30 * 86400.0
"""Seconds before its end that a certificate is told."""


def storage(settings: StorageSettings) -> Iterator[Finding]:
    """Say whether it can be written to, what is in it, and whether its logs are as they were written."""
    if not settings.folder:
        yield good("storage", "nothing is kept: [storage] folder names none")
        return
    folder = Path(settings.folder)
    if not folder.is_dir():
        yield _not_yet(folder)
        return
    yield _writable(folder)
    yield _room(folder, settings.quota_mb)
    yield from _logs(folder)


def screen(settings: ScreenSettings) -> Iterator[Finding]:
    """Say who may reach the page, and whether its certificate lasts."""
    if not settings.address:
        yield good("screen", "none: [screen] address names none")
        return
    try:
        address, token = Address.parse(settings.address), read_token(settings.token)
        Access.of(address, token, settings.certificate)
        if settings.certificate:
            _check_certificate(settings)
    except SettingsError as error:
        yield bad("screen", error)
        return
    acts = "with the token of " + settings.token if token else "by whoever sees it"
    yield good("screen", f"{address}, {'this box only' if address.local else 'the network'}; acts {acts}")
    if settings.certificate:
        yield _lasts(settings)


def _not_yet(folder: Path) -> Finding:
    parent = next(parent for parent in folder.absolute().parents if parent.is_dir())
    try:
        with tempfile.TemporaryFile(dir=parent):
            return good("storage", f"{folder}: not there yet; the service makes it")
    except OSError as error:
        return bad("storage", f"{folder}: is not there and cannot be made ({error.strerror}); make it")


def _writable(folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        return bad(
            "storage", f"{folder}: cannot be written ({error.strerror}); give it to the service's user"
        )
    return good("storage", f"{folder}: can be written")


def _room(folder: Path, quota_mb: int) -> Finding:
    used, free = size_of(folder), shutil.disk_usage(folder).free
    begun = any((folder / name).exists() for name in ("audit", "cases"))
    text = f"{used // MEGABYTE:,} of {quota_mb:,} MB used, {free // MEGABYTE:,} MB free on the disk"
    if begun and not Reserve(folder).held:
        return bad("storage", f"{text}; nothing is held back for the log: make room")
    return Finding("storage", ok=used <= quota_mb * MEGABYTE, text=text)


def _logs(folder: Path) -> Iterator[Finding]:
    try:
        logs = logs_in(folder)
    except InputError:
        yield good("audit", f"{folder}: no log yet")
        return
    for log in logs:
        yield _log(log)


def _log(folder: Path) -> Finding:
    try:
        verdict = verify(folder, public_key(folder))
    except (InputError, OSError, ValueError) as error:
        return bad("audit", f"{folder}: cannot be verified ({error}); is this the user that may read it?")
    if verdict.finding is not None:
        found = verdict.finding
        return bad("audit", f"{folder}: BROKEN at row {found.sequence}: {found.kind}: {found.text}")
    return good(
        "audit", f"{folder}: sound, rows {verdict.first} to {verdict.last}, head {verdict.head.hex()[:16]}"
    )


def _credentials(settings: ScreenSettings) -> Credentials:
    return Credentials(settings.certificate, settings.key, mutual=False)


def _check_certificate(settings: ScreenSettings) -> None:
    """Read it as the page does. Raises SettingsError."""
    tls_context(_credentials(settings), called=True)
    check_dates(_credentials(settings), wall_s())


def _lasts(settings: ScreenSettings) -> Finding:
    try:
        check_dates(_credentials(settings), wall_s() + RENEW_S)
    except SettingsError:
        return bad("screen", f"{settings.certificate}: ends within {RENEW_S / 86400:.0f} days; renew it")
    return good("screen", f"{settings.certificate}: valid for {RENEW_S / 86400:.0f} days and more")
