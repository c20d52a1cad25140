"""What the service listens on and talks to, as the kernel has it: what its configuration names, no more."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from builders import abp_message
from eventually import eventually

TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6", "icmp", "icmp6")
LISTENS = "0A"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def family(pid: int) -> list[int]:
    """A process and all that came of it."""
    own = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(process for child in own for process in family(int(child)))]


def inodes(pid: int) -> set[str]:
    """The sockets that a process and its children hold."""
    found = set()
    for process in family(pid):
        for handle in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):
                target = str(handle.readlink())
                if target.startswith("socket:["):
                    found.add(target[len("socket:[") : -1])
    return found


def sockets(pid: int) -> set[tuple[str, int, int, bool]]:
    """(table, local port, remote port, listens) of each socket; what is none of the internet's is "other"."""
    held, found = inodes(pid), set()
    for table in TABLES:
        path = Path(f"/proc/{pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            _, local, remote, state, *rest = line.split()
            if rest[5] in held:
                held.discard(rest[5])
                ports = (int(end.rpartition(":")[2], 16) for end in (local, remote))
                found.add((table, *ports, state == LISTENS))
    return found | {("other", int(inode), 0, False) for inode in held}


@pytest.mark.req("SEC-08")
@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="no /proc/net to read here")
def test_a_service_holds_no_socket_that_its_configuration_does_not_name(tmp_path):
    port, config = free_port(), tmp_path / "or3.toml"
    config.write_text(
        f'[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:{port}"\n'
        f'[sinks]\nterminal = false\nsound_device = "wav:{tmp_path / "wav"}"\n'
        f'log = "{tmp_path / "log.jsonl"}"\n'
    )
    unwatched = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    command = [Path(sys.executable).with_name("barocast"), "run", "--config", config]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=unwatched) as service:
        try:
            gateway = eventually(lambda: called(port))
            with gateway:
                for second in range(0, 1201, 10):
                    gateway.sendall(abp_message(second))
                    assert b"MSA|AA|" in gateway.recv(4096)
                eventually(lambda: '"forecast"' in (tmp_path / "log.jsonl").read_text())
                held, own = sockets(service.pid), gateway.getsockname()[1]
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=20)

    assert held == {("tcp", port, 0, True), ("tcp", port, own, False)}


def called(port: int) -> socket.socket | None:
    """Call once; None while nobody listens."""
    with suppress(ConnectionRefusedError):
        return socket.create_connection(("127.0.0.1", port), timeout=10)
    time.sleep(0.05)
    return None
