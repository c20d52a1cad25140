"""The demo's page: the very screen of `barocast run`, of a bed whose patient is simulated.

    with demo_page(address, bedside, book, desk, ...) as (url, show):

`address` is HOST:PORT, `off`, or empty: then the usual port, or a free one where that is taken. A page that
cannot be served where it was asked for raises SettingsError.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import wall_time
from barocast.plugin.watch import alarm_rules
from barocast.plugin.web.bed import Bed
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page
from barocast.plugin.web.publisher import FRAME_S, Publisher, Shown, leaning
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError
from barocast.runtime.influence import asker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from barocast.plugin.bedside import Bedside
    from barocast.plugin.cases.book import CaseBook
    from barocast.plugin.desk import Desk
    from barocast.runtime.bundle import Bundle
    from barocast.runtime.domain import Risk
    from barocast.runtime.engines import Engine
    from barocast.runtime.influence import Influence

USUAL: Final = "127.0.0.1:8520"
FREE: Final = "127.0.0.1:0"
OFF: Final = "off"
SLUG: Final = "demo"


@contextlib.contextmanager
def demo_page(  # noqa: PLR0913 - the parts of a bed, each by its name
    address: str,
    title: str,
    bedside: Bedside,
    *,
    book: CaseBook,
    desk: Desk,
    bundle: Bundle,
    engine: Engine,
    speed: float,
) -> Iterator[tuple[str, Callable[[float], None]]]:
    """Serve until the end of the demo; give the address to open, empty for none, and what feeds it."""
    if address == OFF:
        yield "", lambda _: None
        return
    rules, ask = alarm_rules(bundle, Priority.LOW), asker(engine, bundle.calibrators)

    def lean(risk: Risk) -> Influence | None:
        """Ask the pipeline of now: another patient has another."""
        return leaning(bedside.watch.pipeline, ask, rules)(risk)

    board = Board()
    bed = Bed(SLUG, title, desk, lambda: book.trend(wall_time()), lambda: book.summary(wall_time()))
    page = Page(board, [bed])
    publisher = Publisher(
        board,
        bedside,
        Shown(SLUG, title, rules, simulated=True),
        wall=wall_time,
        case=lambda: book.case,
        history=book.history,
        lean=lean,
        every_s=FRAME_S * speed,
    )
    bedside.parts["page"] = lambda: page.trouble or publisher.trouble
    url = _started(page, address)
    try:
        yield url, publisher
    finally:
        page.close()


def _started(page: Page, address: str) -> str:
    try:
        return page.start(address or USUAL)
    except SettingsError:
        if address:
            raise
        return page.start(FREE)
