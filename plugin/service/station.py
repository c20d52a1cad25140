"""What of a bed outlives its loop: where people act on it, its case, its audit log, its place on the page.

A bed's loop may be built again at any moment; its desk, its open case and its log go on. `close` writes that
the service stopped and lets go of the files; the case stays open, for the next start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.alarm_memory import AlarmMemory
from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.row import Provenance
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.clock import wall_time
from barocast.plugin.desk import Desk
from barocast.plugin.patient_option import read_patient
from barocast.plugin.serve import say
from barocast.plugin.web.bed import Bed

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.audit.reserve import Reserve
    from barocast.plugin.settings import Settings
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Patient

RUNTIME_FOLDER: Final = "RUNTIME_DIRECTORY"
"""Where systemd says that a service may keep what a reboot shall forget."""
CASES, AUDIT, STATE = "cases", "audit", "state"


@dataclass(slots=True)
class Station:
    """One bed's lasting parts."""

    slug: str
    settings: Settings
    patient: Patient
    """As the bed's file describes whoever lies there."""
    book: CaseBook
    audit: AuditLog | None = None
    memory: AlarmMemory | None = None
    desk: Desk = field(default_factory=Desk)
    recording: Callable[[], tuple[Path, ...]] = tuple
    """The segment that a recorder writes now."""

    @property
    def bed(self) -> Bed:
        """Give the bed as the page knows it."""
        return Bed(
            self.slug,
            self.settings.bed.name,
            self.desk,
            trend=lambda: self.book.trend(wall_time()),
            summary=lambda: self.book.summary(wall_time()),
        )

    @property
    def open_files(self) -> tuple[Path, ...]:
        """What is being written now: nothing may delete it."""
        return (*self.book.open_files, *self.recording())

    def close(self) -> None:
        """Write that the service stops, and let go."""
        self.book.close()
        if self.audit is not None:
            self.audit.note("stop", {}, wall_time())
            self.audit.close()


def station(slug: str, settings: Settings, bundle: Bundle, reserve: Reserve | None = None) -> Station:
    """Open a bed's case book and log. Raises PatientError."""
    patient = read_patient(Path(settings.bed.patient) if settings.bed.patient else None)
    root = Path(settings.storage.folder) if settings.storage.folder else None
    book = CaseBook(
        about_of(settings, bundle),
        wall_time(),
        root / CASES / slug if root else None,
        patient,
        keep_notes=settings.storage.keep_notes,
    )
    if root is None:
        return Station(slug, settings, patient, book)
    state = Path(os.environ.get(RUNTIME_FOLDER, root)) / STATE / f"{slug}.json"
    memory = AlarmMemory(state, bundle.manifest.id)
    return Station(slug, settings, patient, book, _audit(slug, settings, bundle, root, reserve), memory)


def about_of(settings: Settings, bundle: Bundle) -> About:
    """Give what every picture of a case says of the bed."""
    point = bundle.manifest.alarm
    return About(
        settings.bed.name,
        bundle.manifest.id,
        point.horizon_min,
        point.trigger.p_on,
        silent=settings.alarm.silent,
    )


def _audit(slug: str, settings: Settings, bundle: Bundle, root: Path, reserve: Reserve | None) -> AuditLog:
    point, event = bundle.manifest.alarm, bundle.manifest.event
    limits = {
        "risk on": point.trigger.p_on,
        "risk off": point.trigger.p_off,
        "horizon min": point.horizon_min,
        "map mmHg": event.below_mmhg,
    }
    said = Provenance(settings.bed.name, bundle.manifest.id, bundle.graphs_sha256, limits)
    log = AuditLog(root / AUDIT / slug, said, log_days=settings.storage.log_days, reserve=reserve)
    test = log.self_test()
    say(f"{'ready' if test.ok else 'NOT READY'}: {test.text}")
    log.note("start", {"barocast": version("barocast"), "feed": settings.feed.kind}, wall_time())
    return log
