"""What holds for every request: the Host is ours, and a browser may do no more with the answer than it must.

A token in its header is right, or is answered as any wrong one (attempts.py).
Content-Security-Policy: everything from here, nothing inline, framed by nobody. The case summary alone brings
a style of its own, which is named by its hash; it may load nothing and run nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from barocast.plugin.cases.summary import SUMMARY_CSP

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from barocast.plugin.web.access import Access
    from barocast.plugin.web.attempts import Attempts

POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SUMMARY_POLICY: Final = f"{SUMMARY_CSP}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALWAYS: Final = MappingProxyType(
    {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
)
"""Header -> its value where the answer has none of its own; a browser keeps nothing of a patient."""
NOT_OURS: Final = "this box is not called that; open the page by its own address"


class Guard:
    """ASGI middleware around the whole site."""

    def __init__(self, app: ASGIApp, access: Access, attempts: Attempts) -> None:
        self._app = app
        self._access = access
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            refusal = await self._refusal(Headers(scope=scope))
            await (refusal or self._app)(scope, receive, guarded)

    async def _refusal(self, headers: Headers) -> JSONResponse | None:
        if not self._access.host_is_ours(headers):
            return JSONResponse({"error": NOT_OURS}, 403)
        if self._access.brings_wrong_token(headers):
            status, said = await self._attempts.wrong()
            return JSONResponse({"error": said}, status)
        return None
