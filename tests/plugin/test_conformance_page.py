"""The page on writing a driver cannot rot: its code, as it stands, is a package that goes through the kit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from barocast.plugin.conformance.check import CHECKS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "drivers.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder that looks to Python as if the page's package were installed in it."""
    decoder, session, monitor = blocks("python")
    (tmp_path / "corvane.py").write_text(decoder + session, "utf-8")
    (tmp_path / "virtual_corvane.py").write_text(monitor, "utf-8")
    project = tomllib.loads(blocks("toml")[0])["project"]
    info = tmp_path / f"barocast_corvane-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n", "utf-8")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups), "utf-8")
    return tmp_path


def test_the_package_of_the_page_is_found_and_conforms(package: Path):
    """As the page prints it: the first line, every check passed, the last line."""
    done = subprocess.run(
        [sys.executable, "-m", "barocast.plugin", "feed", "check", "corvane"],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    first, *findings, last = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in findings if not line.startswith("pass ")] == []
    assert f"    {first}\n    {findings[0]}\n    ...\n    {last}\n" in PAGE


def test_the_line_that_the_page_shows_is_a_sound_one():
    corvane = ModuleType("corvane")
    exec(compile(blocks("python")[0], "docs/drivers.md", "exec"), corvane.__dict__)  # noqa: S102 - our own page
    shown = re.search(r"^    (P,\S+) CR LF$", PAGE, re.MULTILINE)
    events = corvane.CorvaneDecoder().feed(f"{shown[1]}\r\n".encode())

    assert [(event.channel, event.value, event.t_s) for event in events] == [
        ("ABP_SYS", 118.0, 12.0),
        ("ABP_DIA", 62.0, 12.0),
        ("ABP_MEAN", 81.0, 12.0),
    ]


def test_the_page_lists_every_check_and_no_other():
    listed = re.findall(r"^\| (\w+) \| ([\w ]+) \| .+ \|$", PAGE, re.MULTILINE)[1:]

    assert listed == [(check.part, check.name) for check in CHECKS]
