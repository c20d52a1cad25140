"""What the page's addresses answer.

    GET  /  /bed/{bed}               the page (static/index.html), which holds nothing of a patient
    GET  /static/{name}              its parts
    GET  /metrics                    figures of the service, for Prometheus
    GET  /api/beds                   [{"bed", "title"}]
    GET  /api/{bed}/state            the newest state
    GET  /api/{bed}/events           the same as it changes (events.py)
    GET  /api/{bed}/trend  /summary  of the whole case
    POST /api/login {"token"}        200 and a cookie, or 401, late (attempts.py)
    POST /api/{bed}/{act}            acts.py: 200 {"ok": true}, 409 refused, 504 not taken up in time

Every refusal is JSON {"error": "why"}: 400 a bad body, 401 no token, 403 another site's page or Host, 404,
405, 408 a body that does not come, 413 too long, 415 not JSON, 429 too many wrong tokens, 503 too many
screens. Who may do what: access.py.
Nothing here touches a bed: states come off the board, acts go over the desk.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from barocast.plugin.clock import wall_s
from barocast.plugin.web.access import same_site
from barocast.plugin.web.acts import ACTS, MOST_BODY, BadActError, read_act, read_object
from barocast.plugin.web.events import EventStream
from barocast.plugin.web.guard import SUMMARY_POLICY, Guard
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from starlette.requests import Request

    from barocast.plugin.web.access import Access
    from barocast.plugin.web.attempts import Attempts
    from barocast.plugin.web.bed import Bed
    from barocast.plugin.web.board import Board

STATIC: Final = Path(__file__).parent / "static"
MEDIA: Final = MappingProxyType(
    {
        ".css": "text/css",
        ".html": "text/html",
        ".js": "text/javascript",
        ".json": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
)
"""Ending -> type: the browser is told not to guess, and the box's own table may know none."""
EXPOSITION: Final = "text/plain; version=0.0.4"
"""Prometheus's text format."""
BODY_S: Final = 5.0
"""Longest wait for a body."""
ANSWER_S: Final = 2.0
"""Longest wait for the bed to take up an act."""
CASE_S: Final = 10.0
"""Longest wait for what is read of a whole case."""
UNANSWERED: Final = f"the bed has not answered within {ANSWER_S:g} s; nothing was done"


class Site:
    """The beds of one page, as a web site. Raises SettingsError where two share a slug."""

    def __init__(
        self,
        board: Board,
        beds: Iterable[Bed],
        access: Access,
        attempts: Attempts,
        metrics: Callable[[], str] | None = None,
    ) -> None:
        """`metrics` gives the text of GET /metrics, in a thread of the page."""
        self._metrics = metrics
        self._board = board
        self._beds: dict[str, Bed] = {}
        for bed in beds:
            if bed.slug in self._beds:
                raise SettingsError(f"[bed] name: two beds are called {bed.slug!r} in addresses; rename one")
            self._beds[bed.slug] = bed
        self._access = access
        self._attempts = attempts

    def application(self) -> Starlette:
        """Give the whole as an ASGI application."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/bed/{bed}", self.page),
                Route("/static/{name}", self.static),
                Route("/metrics", self.metrics),
                Route("/api/beds", self.beds),
                Route("/api/login", self.login, methods=["POST"]),
                Route("/api/{bed}/state", self.state),
                Route("/api/{bed}/events", self.events),
                Route("/api/{bed}/trend", self.trend),
                Route("/api/{bed}/summary", self.summary),
                Route("/api/{bed}/{act}", self.act, methods=["POST"]),
            ],
            middleware=[Middleware(Guard, access=self._access, attempts=self._attempts)],
            exception_handlers={HTTPException: _refused},
        )

    async def page(self, _: Request) -> Response:
        """Give the page; what it may show it has to ask for."""
        return _file("index.html")

    async def static(self, request: Request) -> Response:
        """Give a part of the page."""
        return _file(request.path_params["name"])

    async def metrics(self, request: Request) -> Response:
        """Give the figures of the service (health/metrics.py); whoever may see the beds may see them."""
        self._let_see(request)
        if self._metrics is None:
            raise HTTPException(404, "nothing is measured here")
        return PlainTextResponse(await asyncio.to_thread(self._metrics), media_type=EXPOSITION)

    async def beds(self, request: Request) -> Response:
        """Name the beds."""
        self._let_see(request)
        return JSONResponse([{"bed": bed.slug, "title": bed.title} for bed in self._beds.values()])

    async def state(self, request: Request) -> Response:
        """Give the newest state."""
        posted = self._board.newest(self._seen_bed(request).slug)
        if posted is None:
            raise HTTPException(503, "the bed has said nothing yet; ask again")
        return Response(posted.seen_by(may_act=self._may_act(request)), media_type="application/json")

    async def events(self, request: Request) -> Response:
        """Follow a bed."""
        bed = self._seen_bed(request)
        return EventStream(
            self._board, bed.slug, partial(self._may_see, request), partial(self._may_act, request)
        )

    async def trend(self, request: Request) -> Response:
        """Give the whole case."""
        return JSONResponse(await _case_of(self._seen_bed(request).trend))

    async def summary(self, request: Request) -> Response:
        """Give the case's page, to be read or printed."""
        page = await _case_of(self._seen_bed(request).summary)
        return HTMLResponse(page, headers={"content-security-policy": SUMMARY_POLICY})

    async def login(self, request: Request) -> Response:
        """Exchange the token for a cookie."""
        given = _asked(partial(read_object, await _body(request), ("token",))).get("token")
        if not isinstance(given, str) or not self._access.is_token(given):
            raise HTTPException(*await self._attempts.wrong())
        cookie = self._access.cookie(wall_s(), secure=request.url.scheme == "https")
        return JSONResponse({"ok": True}, headers={"set-cookie": cookie})

    async def act(self, request: Request) -> Response:
        """Leave an act at the bed's desk, and say what came of it."""
        body = await _body(request)
        if not self._may_act(request):
            raise HTTPException(401, "acting needs the token; log in")
        bed, name = self._bed(request), request.path_params["act"]
        if name not in ACTS:
            raise HTTPException(404, f"no such act; there are {', '.join(ACTS)}")
        if refusal := await _outcome(bed.desk.put(_asked(partial(read_act, name, body)))):
            raise HTTPException(409, refusal)
        return JSONResponse({"ok": True})

    def _may_see(self, request: Request) -> bool:
        return self._access.may_see(request.headers, wall_s())

    def _may_act(self, request: Request) -> bool:
        return self._access.may_act(request.headers, wall_s())

    def _let_see(self, request: Request) -> None:
        if not self._may_see(request):
            raise HTTPException(401, "this page needs the token; log in")

    def _bed(self, request: Request) -> Bed:
        bed = self._beds.get(request.path_params["bed"])
        if bed is None:
            raise HTTPException(404, "no such bed; /api/beds names them")
        return bed

    def _seen_bed(self, request: Request) -> Bed:
        self._let_see(request)
        return self._bed(request)


def _file(name: str) -> Response:
    """Give a file that lies in the folder itself: a name is compared, never joined to a path."""
    for path in STATIC.glob("*.*"):
        if path.name == name and path.suffix in MEDIA:
            return FileResponse(path, media_type=MEDIA[path.suffix])
    raise HTTPException(404, "no such page")


async def _body(request: Request) -> bytes:
    """Read the body of a POST that this very page may send."""
    if not same_site(request.headers):
        raise HTTPException(403, "another site's page may not act here")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "the body must be sent as application/json")
    try:
        return await asyncio.wait_for(_capped(request), BODY_S)
    except asyncio.TimeoutError:
        raise HTTPException(408, "the body did not come") from None


async def _capped(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise HTTPException(413, f"the body is longer than {MOST_BODY} bytes")
    return body


def _asked(read: Callable[[], Any]) -> Any:  # noqa: ANN401 - an act, or an object's fields
    try:
        return read()
    except BadActError as error:
        raise HTTPException(400, str(error)) from error


async def _outcome(asked: Future[str]) -> str:
    """Await what came of an act. One that nobody takes up in time is withdrawn: it must not come later."""
    outcome = asyncio.wrap_future(asked)
    await asyncio.wait([outcome], timeout=ANSWER_S)
    if asked.cancel():
        raise HTTPException(504, UNANSWERED)
    return await outcome  # done, or begun and done in a moment


async def _case_of(tell: Callable[[], Any]) -> Any:  # noqa: ANN401 - a table or a page
    """Ask for what is read of a whole case, in a thread: nothing else waits for it."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(tell), CASE_S)
    except asyncio.TimeoutError:
        raise HTTPException(504, f"the case could not be read within {CASE_S:g} s") from None
    except Exception as error:
        raise HTTPException(500, f"the case could not be read ({type(error).__name__})") from error


def _refused(_: Request, error: Exception) -> Response:
    """Say why, in the one shape that every refusal has."""
    refusal = cast("HTTPException", error)
    return JSONResponse({"error": refusal.detail}, refusal.status_code, headers=refusal.headers)
