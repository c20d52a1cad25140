"""The demo's bed behind the real page, in one process, from the virtual monitor to the case and the screen.

with DemoBed() as bed:      bed.url; its clock hurries until the forecast alarm
    bed.cut = False         the monitor speaks; before, nothing has come
    bed.stuck = True        the bed's own loop hangs
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from barocast.plugin.bedside import Bedside
from barocast.plugin.cases.book import CaseBook
from barocast.plugin.cases.facts import About
from barocast.plugin.cases.summary import summary_page
from barocast.plugin.clock import wall_time
from barocast.plugin.desk import Desk
from barocast.plugin.monitors import HL7
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.plugin.watch import Watch, alarm_rules
from barocast.plugin.web.bed import Bed
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page
from barocast.plugin.web.publisher import Publisher, Shown
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.engines import OrtEngine
from barocast.runtime.trust import trusted_keys

if TYPE_CHECKING:
    from typing_extensions import Self

SLUG, TITLE = "or-3", "OR 3"
FAST, LIVE = 400.0, 4.0
"""Times the wall's pace before there is something to see, and from then on."""
STEP_S, PICTURE_S = 1.0, 2.0
"""Of the bed's clock: between two turns, for the virtual gateway speaks once a second, and two pictures."""


class DemoBed:
    """A simulated patient who drifts into hypotension, with forecasts of medium priority."""

    def __init__(self) -> None:
        self.cut, self.stuck = True, False
        bundle = read_bundle(default_bundle(), trusted_keys().values())
        desk, board = Desk(), Board()
        self._monitor = VirtualHl7(SimulatedPatient(SCENARIOS["drift"], 17))
        book = CaseBook(About(TITLE, bundle.manifest.id, simulated=True), wall_time())
        self._bedside = Bedside(
            name="hl7",
            session=HL7.session(),
            watch=Watch(bundle, OrtEngine(bundle), priority=Priority.MEDIUM),
            sinks=[],
            desk=desk,
            book=book,
            wall=wall_time,
        )
        self._publish = Publisher(
            board,
            self._bedside,
            Shown(SLUG, TITLE, alarm_rules(bundle, Priority.MEDIUM), simulated=True),
            wall=wall_time,
            case=lambda: book.case,
            history=book.history,
            every_s=PICTURE_S,
        )
        told = (lambda: book.trend(wall_time()), lambda: summary_page(book.facts(wall_time())))
        self._page = Page(board, [Bed(SLUG, TITLE, desk, *told)])
        self.url = self._page.start("127.0.0.1:0")
        self._over = threading.Event()
        self._loop = threading.Thread(target=self._run, daemon=True)
        self._loop.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._loop.join()
        self._page.close()

    def _run(self) -> None:
        now_s, asked, alarmed = 0.0, b"", False
        while not self._over.is_set():
            began = time.monotonic()
            if not self.stuck:
                now_s += STEP_S
                said = b"" if self.cut else self._monitor.receive(asked, now_s) + self._monitor.due(now_s)
                asked = self._bedside.step(said, now_s)
                self._publish(now_s)
                alarmed |= any(not c.technical for c in self._bedside.watch.snapshot(now_s).conditions)
            speed = LIVE if alarmed else FAST
            self._over.wait(max(STEP_S / speed - (time.monotonic() - began), 0.0))
