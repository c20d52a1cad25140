"""TLS lines over real sockets of this machine: our port and who calls it, a host that we call."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from barocast.plugin.transports import tls
from barocast.plugin.transports.credentials import tls_context
from barocast.plugin.transports.tcp import ListeningTransport

HOST = "127.0.0.1"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Door:
    """A TLS port of ours, with what it says about callers and a clock that the test moves."""

    def __init__(self, credentials):
        self.now_s, self.told = 0.0, []
        self.port = ListeningTransport(
            HOST, 0, tls.answering(credentials), clock=lambda: self.now_s, report=self.told.append
        )

    def heard(self, wanted=1):
        """Serve until `wanted` bytes have come; pytest's own time-out ends the waiting."""
        data = b""
        while len(data) < wanted:
            data += self.port.read(0.05)
        return data

    def refusal(self):
        """Serve until somebody was refused."""
        while not any(self.told):
            self.port.read(0.05)
        return self.told[-1]


@contextlib.contextmanager
def calling(port, context):
    """A gateway's socket, its handshake done while the port is served by the test."""
    raw = socket.create_connection((HOST, port), timeout=20)
    with context.wrap_socket(raw, server_hostname=HOST, do_handshake_on_connect=False) as line:
        yield line


@contextlib.contextmanager
def in_background(act, *args):
    """`act` in a thread that ends with the block; what it raises of the network is its own matter."""

    def run():
        with contextlib.suppress(OSError):
            act(*args)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(timeout=20)


def pushes(port, context, *messages):
    """A gateway that calls, sends each message, and takes the same number of bytes in answer."""
    with calling(port, context) as line:
        for message in messages:
            line.sendall(message)
        for message in messages:
            received(line, len(message))


def received(line, wanted):
    data = b""
    while len(data) < wanted and (more := line.recv(65536)):
        data += more
    return data


def client(credentials, version=None):
    context = tls_context(credentials, called=False)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def bare(hospital):
    """A client that knows the CA and has no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(hospital.file)
    return context


@contextlib.contextmanager
def answering_host(credentials, act=None, context=None):
    """A host that we call: it shakes hands, does `act(line)` and hangs up; gives its port and its errors."""
    context = context or tls_context(credentials, called=True)
    errors = []

    def answer(server):
        with contextlib.closing(server.accept()[0]) as raw:
            raw.settimeout(20)
            try:
                with context.wrap_socket(raw, server_side=True) as line:
                    if act:
                        act(line)
            except OSError as error:
                errors.append(error)

    with socket.create_server((HOST, 0)) as server, in_background(answer, server):
        yield server.getsockname()[1], errors
