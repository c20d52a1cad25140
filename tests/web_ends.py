"""Both ends of the local page: one that serves a bed, and clients of the standard library."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor

from eventually import eventually

from barocast.plugin.desk import Desk
from barocast.plugin.web.bed import Bed
from barocast.plugin.web.board import Board
from barocast.plugin.web.page import Page

PATIENCE_S = 5.0
TOKEN = "abcdefghij0123456789"  # noqa: S105 - of no box


class Served:
    """A page with one bed, `or-3`, whose loop is the test itself."""

    def __init__(self, address="127.0.0.1:0", token="", certificate="", key="", **bed) -> None:
        self.desk, self.board = Desk(), Board()
        told = {"trend": lambda: {"map_mmhg": [71.0, None]}, "summary": lambda: "<p>case</p>", **bed}
        self.page = Page(self.board, [Bed("or-3", "OR 3", self.desk, **told)])
        self.url = self.page.start(address, token, certificate, key)
        self.port = int(self.url.rstrip("/").rpartition(":")[2])
        self.trust = None

    def line(self):
        """An open connection to it."""
        if self.trust is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        context = ssl.create_default_context(cafile=self.trust)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE_S, context=context)

    def ask(self, method, path, body=None, **headers):
        """Status, headers and body of one request; a body that is no bytes is sent as JSON."""
        if isinstance(body, dict):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
        with contextlib.closing(self.line()) as line:
            line.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()

    def told(self, method, path, body=None, **headers):
        """Status and JSON of one request."""
        status, _, text = self.ask(method, path, body, **headers)
        return status, json.loads(text)

    def acted(self, act, body, outcome="", **headers):
        """What the bed was asked for, and the answer after it said `outcome`."""
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(self.told, "POST", f"/api/or-3/{act}", body, **headers)
            asked = eventually(self.desk.take)
            asked[0].outcome.set_result(outcome)
            return asked[0].act, answer.result()


class Following:
    """A client of the events of a bed."""

    def __init__(self, served, bed="or-3", **headers) -> None:
        self.line = served.line()
        self.line.request("GET", f"/api/{bed}/events", headers=headers)
        self.answer = self.line.getresponse()

    def next(self) -> list[str]:
        """The lines of the next event or comment; empty at the end."""
        lines = []
        while line := self.answer.readline().decode():
            if line == "\n":
                return lines
            lines.append(line.removesuffix("\n"))
        return lines

    def state(self) -> dict:
        """The next state."""
        while lines := self.next():
            if lines[0] == "event: state":
                return json.loads(lines[1].removeprefix("data: "))
        raise EOFError

    def close(self) -> None:
        self.answer.close()
        self.line.close()
