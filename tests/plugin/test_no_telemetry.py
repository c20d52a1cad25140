"""onnxruntime from 1.32 on keeps a device id and sends usage data: never from this box."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SPY = """
import os, sys

class Spy:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print("ORT_DISABLE_TELEMETRY =", os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Spy())
"""
"""Prints what onnxruntime will find in its environment, at the moment of its import."""


def at_home(tmp_path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a command of ours as a user who has just moved in, and whom nothing was set for."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    environment = kept | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(part) for part in command],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def left_behind(tmp_path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "home").rglob("*"))


@pytest.mark.req("SEC-09")
@pytest.mark.parametrize(
    "imported",
    ["barocast.runtime.engines", "barocast.plugin.service.engine_child"],
)
def test_it_is_told_so_before_it_is_imported(tmp_path, imported):
    done = at_home(tmp_path, sys.executable, "-c", f"{SPY}\nimport {imported}")

    assert (done.stderr, done.stdout) == ("", "ORT_DISABLE_TELEMETRY = 1\n")


@pytest.mark.req("SEC-09")
def test_neither_doctor_nor_replay_leaves_anything_in_the_users_home(tmp_path):
    barocast = Path(sys.executable).with_name("barocast")
    case = tmp_path / "case.csv"
    case.write_text("t_s,ABP_MEAN\n" + "".join(f"{10 * i},{80 + i % 2}\n" for i in range(120)))
    doctor = at_home(tmp_path, barocast, "doctor")
    replay = at_home(tmp_path, barocast, "replay", case, "--out", tmp_path / "out.jsonl")

    assert "onnxruntime" in doctor.stdout
    assert replay.returncode == 0, replay.stderr
    assert '"forecast"' in (tmp_path / "out.jsonl").read_text()
    assert left_behind(tmp_path) == []
