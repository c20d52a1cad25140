"""Ways to open a port: beside the loop that wants it, or at once where opening cannot take time.

    opening = in_background(open_port)     Future of the port, or of what `open_port` raised
    give_up(opening)                       nobody wants it any more: if it comes about, it is closed

A name that does not resolve or a host that does not answer keeps `open_port` for seconds, and nothing can
interrupt it. Its thread is a daemon: it holds up no end of the program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeAlias

from barocast.plugin.transports.transport import Transport

OpenPort: TypeAlias = Callable[[], Transport]
"""Gives an open port, or raises TransportLost."""
Opener: TypeAlias = "Callable[[OpenPort], Future[Transport]]"


def in_background(open_port: OpenPort) -> Future[Transport]:
    """Open in a thread of its own."""
    opening: Future[Transport] = Future()
    threading.Thread(target=_fulfil, args=(opening, open_port), name="opening", daemon=True).start()
    return opening


def at_once(open_port: OpenPort) -> Future[Transport]:
    """Open here and now: for lines in memory, whose time is no thread's."""
    opening: Future[Transport] = Future()
    _fulfil(opening, open_port)
    return opening


def give_up(opening: Future[Transport]) -> None:
    """Close what is opened, now or when it comes about."""
    opening.add_done_callback(_close)


def _fulfil(opening: Future[Transport], open_port: OpenPort) -> None:
    try:
        port = open_port()
    except Exception as error:  # noqa: BLE001 - it is raised again by whoever asks for the result
        opening.set_exception(error)
    else:
        opening.set_result(port)


def _close(opening: Future[Transport]) -> None:
    if opening.exception() is None:
        opening.result().close()
