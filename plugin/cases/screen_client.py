"""The running service as the command line reaches it: the screen's own HTTP interface.

    ScreenClient(address, bed, token, ca)
        state(), summary()      what the bed's page shows
        act(name, body)         done when it returns

Every refusal is a SettingsError with the mend. No proxy is asked: a bed is on this box or in this house.
"""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS: Final = "http://127.0.0.1:8520"
TIMEOUT_S: Final = 15.0
"""A summary of a whole day takes a second or two."""
MOST_BYTES: Final = 32 << 20
"""Of an answer: a page or a state takes some hundred thousand."""


class ScreenClient:
    """One bed of a running service."""

    def __init__(self, address: str, bed: str = "", token: str = "", ca: Path | None = None) -> None:
        """Reach nothing yet. Raises SettingsError for an address that is none."""
        if urlsplit(address).scheme not in {"http", "https"}:
            raise SettingsError(f"--screen {address}: must begin with http:// or https://")
        self._address = address.rstrip("/")
        self._token = token
        self._bed = bed
        self._opener = build_opener(ProxyHandler({}), HTTPSHandler(context=_context(ca)))

    def state(self) -> dict[str, Any]:
        """Give what the page shows now."""
        return self._table(self._ask(f"/api/{self._slug()}/state"))

    def summary(self) -> str:
        """Give the page of the case."""
        return self._ask(f"/api/{self._slug()}/summary").decode("utf-8", errors="replace")

    def act(self, name: str, body: dict[str, Any]) -> None:
        """Do something at the bed."""
        self._ask(f"/api/{self._slug()}/{name}", json.dumps(body).encode())

    def _slug(self) -> str:
        """Give the bed that was named, or the only one there is."""
        beds = [str(bed["bed"]) for bed in json.loads(self._ask("/api/beds"))]
        if self._bed in beds:
            return quote(self._bed, safe="")
        if self._bed or len(beds) != 1:
            raise SettingsError(f"--bed {self._bed or '?'}: the beds here are {', '.join(beds)}; name one")
        return quote(beds[0], safe="")

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = Request(f"{self._address}{path}", data=body, headers=headers)  # noqa: S310 - http and https alone, checked
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                given: bytes = answer.read(MOST_BYTES)
        except HTTPError as error:
            self._refused(error)
        except (URLError, OSError) as error:
            self._unreached(error)
        return given

    @staticmethod
    def _table(given: bytes) -> dict[str, Any]:
        table = json.loads(given)
        return table if isinstance(table, dict) else {}

    def _refused(self, error: HTTPError) -> NoReturn:
        """Say why the service would not."""
        if error.code == HTTPStatus.UNAUTHORIZED:
            raise SettingsError(
                f"{self._address}: refused; name the file of the screen's token with --token"
            ) from error
        raise SettingsError(f"{self._address}: {_why(error)}") from error

    def _unreached(self, error: OSError) -> NoReturn:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise SettingsError(
                f"{self._address}: its certificate is not trusted ({reason.verify_message}); "
                f"name who signed it with --ca"
            ) from error
        said = getattr(reason, "strerror", None) or reason
        raise SettingsError(
            f"{self._address}: no service answers ({said}); start `barocast run` with [screen] address, "
            f"or name its address with --screen"
        ) from error


def _why(error: HTTPError) -> str:
    """Give the service's own words, else the status."""
    try:
        return str(json.loads(error.read(MOST_BYTES))["error"])
    except (KeyError, TypeError, ValueError, OSError):
        return f"HTTP {error.code} {error.reason}"


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"--ca {ca}: holds no certificate that can be read; name a PEM file") from error
