"""A wheelhouse, from lock to first forecast: built with the package index, installed without any network.

Where no index can be reached, or the kernel gives no network name space, the tests say so and are skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from barocast.plugin.box.lock import lock_file, read_lock
from barocast.plugin.box.pip_run import pip
from barocast.plugin.box.sbom import OURS
from barocast.plugin.box.target import find_target, this_target
from barocast.plugin.box.wheel import read_wheel, sha256_of
from barocast.plugin.box.wheelhouse import SBOM, build, build_own_wheel, fetch
from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from pathlib import Path

OFFLINE = ("unshare", "--map-root-user", "--net")
"""Runs a command where there is no network, not even a loopback that is up."""


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> None:
    """Skip where pip cannot fetch one small wheel."""
    pin = read_lock(lock_file(this_target()))[0]
    try:
        pip(
            "download", "--no-deps", f"{pin.name}=={pin.version}", "-d", str(tmp_path_factory.mktemp("probe"))
        )
    except BarocastError as error:
        pytest.skip(f"needs a package index ({error})")


@pytest.fixture(scope="module")
def house(index, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist") / "wheelhouse"
    build(this_target(), folder)
    return folder


def offline(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*OFFLINE, *command], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def box(house, tmp_path_factory) -> Path:
    """Install the wheelhouse where there is no network; give the folder of the release in use."""
    if not shutil.which("unshare") or offline("true").returncode:
        pytest.skip("needs unshare --net (util-linux), and a kernel that allows it")
    prefix = tmp_path_factory.mktemp("box")
    done = offline("sh", str(house / "install.sh"), "--prefix", str(prefix), "--python", sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr
    return prefix / "opt/barocast/current"


@pytest.mark.req("RUN-07", "INF-04")
def test_a_box_without_a_network_installs_itself_and_gives_a_first_forecast(box, tmp_path):
    rows = [f"{10 * i},{90 - i / 6:.2f}" for i in range(121)]
    (tmp_path / "case.csv").write_text("t_s,ABP_MEAN\n" + "\n".join(rows) + "\n")
    out = tmp_path / "out.jsonl"
    done = offline(str(box / "bin/barocast"), "replay", str(tmp_path / "case.csv"), "--out", str(out))
    last = json.loads(out.read_text().splitlines()[-1])

    assert (done.returncode, last["state"]) == (0, "forecast")
    assert 0 < last["risk"]["5"] < last["risk"]["15"] < 1


@pytest.mark.req("RUN-07")
def test_what_is_installed_is_the_lock_and_ours_and_nothing_else(box):
    code = "import importlib.metadata as m; print(*(d.metadata['Name'].lower() for d in m.distributions()))"
    done = offline(str(box / "bin/python"), "-c", code)
    locked = {pin.name for pin in read_lock(lock_file(this_target()))} - {"pip"} | {OURS}

    assert {name.replace("_", "-") for name in done.stdout.split()} == locked


@pytest.mark.req("SEC-05")
def test_the_bill_of_materials_lists_every_wheel_by_its_hash_and_is_valid(house):
    validation = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-bom is not installed")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6
    text = (house / SBOM).read_text("utf-8")
    bom = json.loads(text)
    libraries = [bom["metadata"]["component"], *(c for c in bom["components"] if c["type"] == "library")]
    listed = {part["hashes"][0]["content"] for part in libraries}

    assert listed == {sha256_of(path) for path in (house / "wheels").iterdir()}
    assert validation.JsonStrictValidator(schema).validate_str(text) is None


@pytest.mark.req("RUN-07")
@pytest.mark.parametrize("name", ["aarch64-cp310", "aarch64-cp312"])
def test_the_locks_of_the_jetsons_resolve_completely_on_this_machine(index, tmp_path, name):
    """Each hash is found, and each wheel's tags are among those that the Jetson's pip accepts."""
    target = find_target(name)
    fetch(target, tmp_path)
    wheels = [read_wheel(path) for path in tmp_path.iterdir()]

    assert {(wheel.name, wheel.sha256) for wheel in wheels} == {
        (pin.name, pin.sha256) for pin in read_lock(lock_file(target))
    }
    assert [wheel.path.name for wheel in wheels if not wheel.tags & target.tags] == []


def test_the_same_sources_give_the_same_wheel(house, tmp_path):
    build_own_wheel(tmp_path)
    again = next(tmp_path.iterdir())

    assert sha256_of(again) == sha256_of(house / "wheels" / again.name)
