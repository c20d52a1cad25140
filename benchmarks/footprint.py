"""What the bedside costs: size of the installed base, memory of the running process, start-up time."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine

_CHILD = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
ROOT = Path(__file__).resolve().parent.parent


def measure() -> str:
    """Install the base into a fresh environment and run the demo in it."""
    with tempfile.TemporaryDirectory() as folder:
        bin_ = _installed(Path(folder))
        total, tools = _size_mb(Path(folder) / "venv"), _size_mb(*_installers(Path(folder)))
        help_s = min(_timed([bin_ / "barocast", "run", "--help"]) for _ in range(3))
        rss_mb = _peak_rss_mb(
            [bin_ / "barocast", "demo", "--headless", "--speed", "120", "--seconds", "1200"]
        )
    return f"""# Footprint

`make bench ARGS=footprint` on {machine.described()}.

| what | measured | goal |
|---|---|---|
| installed base environment, everything in it | {total:.0f} MB | < 250 MB |
| of which pip and setuptools, which the box does not need | {tools:.0f} MB | |
| peak memory of the whole demo[^1] | {rss_mb:.0f} MB RSS | < 150 MB |
| `barocast run --help`, best of 3 | {help_s:.2f} s | |

[^1]: Runtime, screen, simulated patient and virtual monitor in one process, 20 simulated minutes.
"""


def _installed(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    bin_ = folder / "venv" / "bin"
    subprocess.run([bin_ / "python", "-m", "pip", "install", "-q", ROOT], check=True)
    return bin_


def _installers(folder: Path) -> list[Path]:
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    return [
        path
        for path in site.iterdir()
        if re.match(r"(pip|setuptools|pkg_resources|_distutils_hack)\b", path.name)
    ]


def _size_mb(*paths: Path) -> float:
    files = (file for path in paths for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files) / 1e6


def _timed(command: list[Path | str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started


def _peak_rss_mb(command: list[Path | str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *command], check=True, capture_output=True, text=True
    )
    return int(done.stdout) / 1000
