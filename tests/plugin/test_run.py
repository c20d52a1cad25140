"""`barocast run` as a process: a bed over TCP, recorded, until SIGTERM."""

from __future__ import annotations

import json
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
from toy_bundle import toy_bundle

from barocast.plugin.recordings import open_recording
from barocast.runtime.trust import write_keys


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def connected(port: int) -> socket.socket:
    """Call until somebody listens; pytest's own time-out ends the waiting."""
    while True:
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        time.sleep(0.05)


@pytest.mark.req("RUN-01")
def test_the_service_serves_a_gateway_records_it_and_stops_when_told(tmp_path):
    toy, port = toy_bundle(tmp_path / "bundle"), free_port()
    write_keys(tmp_path / "keys.json", {"toy": toy.public_key})
    config = tmp_path / "or3.toml"
    config.write_text(
        f'[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:{port}"\n'
        f'[model]\nbundle = "{toy.directory}"\ntrust = "{tmp_path / "keys.json"}"\n'
        f'[sinks]\nterminal = false\nsound_device = "wav:{tmp_path / "wav"}"\n'
        f'log = "{tmp_path / "log.jsonl"}"\nrecord = "{tmp_path / "raw"}"\n'
    )
    command = [Path(sys.executable).with_name("barocast"), "run", "--config", config]
    environment = os.environ | {"RUNTIME_DIRECTORY": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as service:
        with connected(port) as gateway:
            for second in range(0, 1201, 10):
                gateway.sendall(abp_message(second))
                assert b"MSA|AA|" in gateway.recv(4096)
        measured = (tmp_path / "health.prom").read_text()
        service.send_signal(signal.SIGTERM)
        _, said = service.communicate(timeout=20)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    played = [
        e for path in sorted((tmp_path / "raw").iterdir()) for b in open_recording(path).batches for e in b
    ]

    assert (service.returncode, "Traceback" in said) == (0, False)
    assert 'bundle="toy-1"' in measured
    assert not (tmp_path / "health.prom").exists()
    assert [line["state"] for line in lines].count("forecast") >= 10
    assert len([e for e in played if e.channel == "ABP_MEAN"]) == 121
