"""Who may see the page and who may act: address, token, cookie, Host and Origin.

    page on                  seeing needs      acting needs
    this box, no token       nothing           nothing
    this box, a token        nothing           the token
    another address          the token         the token, and the page is https or not served

The token comes as `Authorization: Bearer TOKEN`, or is given once to POST /api/login, which answers with a
cookie (HttpOnly, SameSite=Strict): an EventSource can send no header of its own. The cookie does not hold the
token but `EXPIRY.HMAC-SHA256(token, EXPIRY)`: it outlives a restart of the box and dies with the token.

A page on this box believes no other Host than this box's names, so that a web site whose name is pointed
here (DNS rebinding) is refused; elsewhere the certificate sees to that. A request that a browser makes for
another site (Origin, Sec-Fetch-Site) may not act, token or none.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIE: Final = "barocast"
SESSION_S: Final = 12 * 3600
"""Seconds that a login lasts: a long shift."""
LEAST_TOKEN: Final = 16
"""Characters: fewer could be found by trying."""
MOST_TOKEN: Final = 4096
"""Bytes of the token's file that are read."""
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_OTHERS_READ: Final = 0o004


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served."""

    host: str
    port: int
    """0: one that is free."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read HOST:PORT, [::1]:PORT. Raises SettingsError."""
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or port is None or parts.path or parts.query or parts.username is not None:
            raise SettingsError(f'[screen] address: {text!r} is not HOST:PORT, as "127.0.0.1:8520"')
        return cls(host, port)

    @property
    def local(self) -> bool:
        """Whether only this box can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        """Print it as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_token(path: str) -> str:
    """Read the bearer token from its file; empty without one. Raises SettingsError."""
    if not path:
        return ""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MOST_TOKEN).decode("ascii").strip()
        mode = Path(path).stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not plain ASCII"
        raise SettingsError(f"{path}: cannot be read ({why}); name a file in [screen] token") from error
    if len(text) < LEAST_TOKEN or not text.isprintable() or " " in text:
        raise SettingsError(f"{path}: no token; make one of {LEAST_TOKEN} or more letters and digits")
    if mode & _OTHERS_READ:
        raise SettingsError(f"{path}: everybody on this box can read the token; chmod 640 {path}")
    return text


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one page."""

    local: bool
    """Only this box reaches it."""
    token: str = field(default="", repr=False)
    """Empty: acting needs none."""

    @classmethod
    def of(cls, address: Address, token: str, certificate: str) -> Access:
        """Give the rules of an address. Raises SettingsError where it would be open to a network."""
        if not address.local and not (token and certificate):
            raise SettingsError(
                f"[screen] address: {address} can be reached from beyond this box, which needs a token and a "
                "certificate; name both, or use 127.0.0.1"
            )
        return cls(address.local, token)

    def may_see(self, headers: Mapping[str, str], now_s: float) -> bool:
        """Whether a request may be told anything of a patient. `now_s`: seconds since 1970."""
        return self.local or self.knows_token(headers, now_s)

    def may_act(self, headers: Mapping[str, str], now_s: float) -> bool:
        """Whether a request may act, wherever it comes from."""
        return not self.token or self.knows_token(headers, now_s)

    def knows_token(self, headers: Mapping[str, str], now_s: float) -> bool:
        """Whether a request brings the token or the cookie of a login that lasts."""
        return self.is_token(_bearer(headers)) or self._lasts(_cookie(headers.get("cookie", "")), now_s)

    def brings_wrong_token(self, headers: Mapping[str, str]) -> bool:
        """Whether a request has a token in its header that is not this box's; never where there is none."""
        given = _bearer(headers)
        return bool(self.token and given) and not self.is_token(given)

    def is_token(self, given: str) -> bool:
        """Compare in constant time."""
        told = given.encode(errors="surrogatepass")
        return bool(self.token) and hmac.compare_digest(told, self.token.encode())

    def cookie(self, now_s: float, *, secure: bool) -> str:
        """Give the Set-Cookie value of a login at `now_s`."""
        expiry = str(int(now_s) + SESSION_S)
        value = f"{expiry}.{self._seal(expiry)}"
        rest = f"Path=/; Max-Age={SESSION_S}; HttpOnly; SameSite=Strict"
        return f"{COOKIE}={value}; {rest}{'; Secure' if secure else ''}"

    def host_is_ours(self, headers: Mapping[str, str]) -> bool:
        """Whether the request asked for this box by a name that is its own."""
        return not self.local or _host(headers.get("host", "")) in LOCAL_NAMES

    def _lasts(self, cookie: str, now_s: float) -> bool:
        expiry, _, seal = cookie.partition(".")
        if not self.token or not hmac.compare_digest(seal.encode(), self._seal(expiry).encode()):
            return False
        return now_s < int(expiry)

    def _seal(self, expiry: str) -> str:
        return hmac.new(self.token.encode(), f"{COOKIE} {expiry}".encode(), "sha256").hexdigest()


def same_site(headers: Mapping[str, str]) -> bool:
    """Whether no browser made this request for another site's page."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or _netloc(origin) == headers.get("host", "")


def _netloc(url: str) -> str:
    """Give HOST:PORT of an origin; a blank, which no Host is, where there is none."""
    try:
        return urlsplit(url).netloc or " "
    except ValueError:
        return " "


def _host(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
