"""What the beds of a box share: the model, the page, the keeping of the disk, and what is measured of it all.

    with Household(house) as household:
        household.fit(slug)       puts one bed together, now and after every failure

A page that cannot be served and a disk that is full cost the page and the log; the beds say so and go on. A
model that is refused costs the forecasts (model.refused_model).
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.audit.keeping import Keeping, Limits
from barocast.plugin.audit.reserve import Reserve
from barocast.plugin.clock import wall_s, wall_time
from barocast.plugin.health.metrics import Health
from barocast.plugin.health.textfile import HEALTH, TextFile
from barocast.plugin.serve import say
from barocast.plugin.service.bed import Screens, fit
from barocast.plugin.service.model import load_model, refused_model
from barocast.plugin.service.releases import Releases
from barocast.plugin.service.station import RUNTIME_FOLDER, station
from barocast.plugin.transports.addresses import check_files
from barocast.plugin.web.access import read_token
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page
from barocast.runtime.errors import BundleError, PatientError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from barocast.plugin.service.bed_loop import Fitted
    from barocast.plugin.service.house import BedFile, House
    from barocast.plugin.service.model import Model
    from barocast.plugin.service.station import Station
    from barocast.plugin.settings import ScreenSettings, StorageSettings

MEGABYTE: Final = 1_000_000
HOUR_S: Final = 3600.0
KEEPING_END_S: Final = 1.0
"""Longest wait for the keeping's thread at the end; a disk that hangs is left to hang."""


class Household:
    """Opens what is shared, and closes it again. Raises SettingsError, PatientError."""

    def __init__(self, house: House, clock: Callable[[], float]) -> None:
        """`clock` gives real seconds."""
        self.health = Health(house.box.storage, clock)
        self._unserved = [bed.trouble for bed in house.beds if bed.settings is None]
        """What keeps beds of this box from being served: the others tell it."""
        self.model = self.health.measured(_model(house))
        if self.model.reason():
            say(f"ENGINE: {self.model.engine.name}")
        storage, screen = house.box.storage, house.box.screen
        self._root = Path(storage.folder) if storage.folder else None
        self._reserve = Reserve(self._root) if self._root else None
        self._closing = contextlib.ExitStack()
        self._closing.callback(self.model.close)
        self._stations = self._opened(house)
        self._keeping = self._keep(self._root, storage) if self._root else None
        self._screens = self._page(screen) if screen.address else Screens()
        self._textfile = self._written(os.environ.get(RUNTIME_FOLDER, ""))

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything, the last opened first."""
        self._closing.close()

    def fit(self, slug: str) -> Fitted:
        """Put one bed together. Raises SettingsError."""
        opened = self._stations[slug]
        check_files(opened.settings.feed.address, opened.settings.feed.tls)
        fitted = fit(opened, self.model, replace(self._screens, meter=self.health.bed(slug)))
        fitted.bedside.parts["engine choice"] = self.model.reason
        fitted.bedside.parts["other beds"] = lambda: "; ".join(self._unserved)
        if (file := self._textfile) is not None:
            fitted.bedside.parts["health"] = lambda: file.trouble
        if (keeping := self._keeping) is not None:
            fitted.bedside.parts["storage"] = lambda: keeping.trouble
        return fitted

    @property
    def slugs(self) -> tuple[str, ...]:
        """Give the beds that can be served."""
        return tuple(self._stations)

    def _opened(self, house: House) -> dict[str, Station]:
        """Open what of each bed lasts; one of several whose patient file is bad is not served."""
        alone = len(house.beds) == 1
        opened = [self._station(bed, alone=alone) for bed in house.beds]
        for trouble in self._unserved:
            say(f"NOT SERVED: {trouble}")
        return {one.slug: one for one in opened if one is not None}

    def _station(self, bed: BedFile, *, alone: bool) -> Station | None:
        if bed.settings is None:
            return None
        try:
            opened = station(bed.slug, bed.settings, self.model.bundle, self._reserve)
        except PatientError as error:
            if alone:
                raise
            self._unserved.append(str(error))
            return None
        self._closing.callback(opened.close)
        return opened

    def _page(self, screen: ScreenSettings) -> Screens:
        board = Board()
        page = Page(board, [opened.bed for opened in self._stations.values()], self.health.metrics)
        try:
            url = page.start(screen.address, read_token(screen.token), screen.certificate, screen.key)
        except SettingsError as error:
            said = str(error)
            say(f"NO SCREEN: {said}")
            return Screens(trouble=lambda: said)
        self._closing.callback(page.close)
        say(f"screen: {url}")
        return Screens(board, lambda: page.trouble)

    def _written(self, folder: str) -> TextFile | None:
        """Write the metrics where the service manager lets us keep what a reboot shall forget."""
        if not folder:
            return None
        file = TextFile(Path(folder) / HEALTH.name, self.health.metrics)
        file.start()
        self._closing.callback(file.close)
        return file

    def _keep(self, root: Path, storage: StorageSettings) -> Keeping:
        keeping = Keeping(
            root,
            Limits(storage.quota_mb * MEGABYTE, storage.waves_h * HOUR_S),
            wall_s,
            open_files=lambda: [path for bed in self._stations.values() for path in bed.open_files],
            reserve=self._reserve,
            tell=self._note,
        )
        stopping = threading.Event()
        thread = threading.Thread(target=keeping.run, args=(stopping,), name="keeping", daemon=True)
        thread.start()
        self._closing.callback(thread.join, KEEPING_END_S)
        self._closing.callback(stopping.set)
        return keeping

    def _note(self, kind: str, fields: dict[str, object]) -> None:
        """Write what was deleted into the first bed's log: the disk is the box's, and one row is enough."""
        log = next(iter(self._stations.values())).audit
        if log is not None:
            log.note(kind, fields, wall_time())


def _model(house: House) -> Model:
    """Start the model; one that is refused costs the forecasts, and never the beds."""
    folder = house.box.storage.folder
    try:
        return load_model(house.box.model, Releases(Path(folder)) if folder else None, house.box.engine)
    except BundleError as error:
        say(f"NO FORECASTS: {error}")
        return refused_model(error)
