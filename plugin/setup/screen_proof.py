"""Whether the page answers where the configuration puts it: served once without a bed, and asked."""

from __future__ import annotations

import contextlib
import ssl
import urllib.request
from typing import TYPE_CHECKING, Final
from urllib.error import URLError

from barocast.plugin.setup.step import Step, failed, open_step, proven
from barocast.plugin.web.access import Address, read_token
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from barocast.plugin.settings import ScreenSettings

ANSWER_S: Final = 5.0
LOOPBACK: Final = "127.0.0.1"
EVERY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def screen_step(settings: ScreenSettings) -> Step:
    """Serve the page and ask it for its beds."""
    if not settings.address:
        return open_step("screen", "none was asked for")
    page = Page(Board(), [])
    try:
        token = read_token(settings.token)
        url = page.start(settings.address, token, settings.certificate, settings.key)
        with contextlib.closing(page):
            status = _asked(_reachable(url), token)
    except (SettingsError, URLError, TimeoutError) as error:
        return failed("screen", getattr(error, "reason", error))
    if status != 200:  # noqa: PLR2004 - HTTP's OK
        return failed("screen", f"{url} answers {status}; is another program there?")
    acts = f"acts need the token in {settings.token}" if token else "whoever sees it may act"
    return proven("screen", f"{url} answers; {acts}")


def _reachable(url: str) -> str:
    """Give an address to call where the page listens on all of the box's."""
    host = Address.parse(url.split("/")[2]).host
    return url.replace(host, LOOPBACK, 1) if host in EVERY else url


def _asked(url: str, token: str) -> int:
    request = urllib.request.Request(f"{url}api/beds")  # noqa: S310 - our own page, http or https
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    unverified = ssl.create_default_context()
    unverified.check_hostname = False  # it is called by the loopback's name; `doctor` looks at its dates
    unverified.verify_mode = ssl.CERT_NONE
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    with direct.open(request, timeout=ANSWER_S) as answer:
        status: int = answer.status
    return status
