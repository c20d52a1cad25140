"""install.sh on toy wheelhouses, unprivileged and without a network: what is in use when it ends."""

from __future__ import annotations

import ensurepip
import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from barocast.plugin.box.wheelhouse import FILES

PIP = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
TARGET = f"{platform.machine()}-cp{sys.version_info[0]}{sys.version_info[1]}"

pytestmark = [
    pytest.mark.req("RUN-07"),
    pytest.mark.skipif(not PIP, reason="this Python carries no wheel of pip (ensurepip)"),
    pytest.mark.skipif(not shutil.which("flock"), reason="install.sh needs flock (util-linux)"),
]


def wheel(folder: Path, version: str, doctor: int) -> Path:
    """Make a wheel whose `barocast` command answers with the status `doctor`."""
    path = folder / f"barocast-{version}-py3-none-any.whl"
    info = f"barocast-{version}.dist-info"
    files = {
        "toy.py": f"import sys\ndef main():\n print(*sys.argv[1:])\n sys.exit({doctor})\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: barocast\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nbarocast = toy:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wheelhouse(folder: Path, version: str, doctor: int = 0) -> Path:
    (folder / "wheels").mkdir(parents=True)
    ours = wheel(folder / "wheels", version, doctor)
    shutil.copy(PIP[-1], folder / "wheels")
    (folder / "requirements.txt").write_text(f"barocast=={version} --hash=sha256:{sha256(ours)}\n")
    (folder / "target").write_text(f"{TARGET}\n")
    (folder / "release").write_text(f"{version}\n")
    shutil.copy(FILES / "install.sh", folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    (folder / "SHA256SUMS").write_text("".join(f"{sha256(f)}  {f.relative_to(folder)}\n" for f in files))
    return folder


def install(
    source: Path, prefix: Path, *options: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    script = ["sh", str(source / "install.sh"), "--prefix", str(prefix), "--python", sys.executable]
    return subprocess.run([*script, *options], capture_output=True, text=True, check=False, cwd=cwd)


def in_use(prefix: Path) -> str:
    return (prefix / "opt/barocast/current").resolve().name


def kept(prefix: Path) -> list[str]:
    return sorted(path.name for path in (prefix / "opt/barocast/releases").iterdir())


@pytest.fixture(scope="module")
def houses(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("houses")
    versions = {"1.0": 0, "2.0": 0, "3.0": 0, "4.0": 1}
    return {version: wheelhouse(folder / version, version, status) for version, status in versions.items()}


@pytest.fixture(scope="module")
def first_box(houses, tmp_path_factory) -> Path:
    prefix = tmp_path_factory.mktemp("first")
    for name in ("etc/barocast/or3.toml", "var/lib/barocast/alarms.db"):
        (prefix / name).parent.mkdir(parents=True)
        (prefix / name).write_text(name)
    done = install(houses["1.0"], prefix)
    assert done.returncode == 0, done.stderr
    return prefix


@pytest.fixture
def box(first_box, tmp_path) -> Path:
    """A box with a configuration and data, on release 1.0."""
    shutil.copytree(first_box, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


def test_an_installation_tries_box_and_configuration_and_doing_it_again_changes_nothing(houses, box):
    again = install(houses["1.0"], box)

    assert (again.returncode, in_use(box), kept(box)) == (0, "1.0", ["1.0"])
    assert f"doctor\nrun --check --config {box}/etc/barocast\n" in again.stdout
    assert "installing" not in again.stdout


def test_an_upgrade_keeps_configuration_data_and_one_release_to_go_back_to(houses, box):
    statuses = [install(houses[version], box).returncode for version in ("2.0", "3.0")]
    upgraded = (in_use(box), kept(box))
    back = install(houses["3.0"], box, "--rollback").returncode

    assert (statuses, upgraded, back, in_use(box)) == ([0, 0], ("3.0", ["2.0", "3.0"]), 0, "2.0")
    assert (box / "etc/barocast/or3.toml").read_text() == "etc/barocast/or3.toml"
    assert (box / "var/lib/barocast/alarms.db").exists()


def test_a_release_that_fails_its_self_test_is_never_in_use(houses, box):
    failed = install(houses["4.0"], box)

    assert (failed.returncode, in_use(box), kept(box)) == (1, "1.0", ["1.0"])
    assert "self-test of 4.0 FAILED; in use: 1.0" in failed.stderr


def test_an_installation_that_was_cut_off_is_made_anew(houses, box):
    torn = box / "opt/barocast/releases/2.0"
    torn.mkdir()
    (torn / "half").write_text("")
    done = install(houses["2.0"], box)

    assert (done.returncode, in_use(box), (torn / "half").exists()) == (0, "2.0", False)


def test_uninstalling_leaves_configuration_and_data(houses, box):
    done = install(houses["1.0"], box, "--uninstall")
    left = sorted(str(path.relative_to(box)) for path in box.rglob("*") if path.is_file())

    assert (done.returncode, left) == (0, ["etc/barocast/or3.toml", "var/lib/barocast/alarms.db"])


@pytest.mark.parametrize("name", ["requirements.txt", "wheels/barocast-1.0-py3-none-any.whl", "target"])
def test_a_changed_byte_or_a_missing_file_is_refused_before_anything_is_installed(houses, tmp_path, name):
    house = tmp_path / "house"
    shutil.copytree(houses["1.0"], house)
    (house / name).write_bytes((house / name).read_bytes() + b"\n")
    changed = install(house, tmp_path)
    (house / name).unlink()
    missing = install(house, tmp_path)

    assert (changed.returncode, missing.returncode, (tmp_path / "opt").exists()) == (2, 2, False)
    assert "is not what was built" in changed.stderr


def test_a_wheel_that_nobody_listed_is_not_run(houses, tmp_path):
    house = tmp_path / "house"
    shutil.copytree(houses["1.0"], house)
    (house / "wheels/pip-0.whl").write_text("not pip")

    assert install(house, tmp_path).returncode == 0


def test_nothing_is_imported_from_where_it_is_started(houses, tmp_path):
    for name in ("platform", "venv", "pip", "toy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('planted')")
    done = install(houses["1.0"], tmp_path / "box", cwd=tmp_path)

    assert (done.returncode, "planted" in done.stdout + done.stderr) == (0, False)


def test_another_python_is_refused_by_name(houses, tmp_path):
    house = tmp_path / "house"
    shutil.copytree(houses["1.0"], house)
    sums = (
        (house / "SHA256SUMS")
        .read_text()
        .replace(sha256(house / "target"), hashlib.sha256(b"other\n").hexdigest())
    )
    (house / "target").write_text("other\n")
    (house / "SHA256SUMS").write_text(sums)
    done = install(house, tmp_path)

    assert done.returncode == 2
    assert done.stderr.endswith(f"this wheelhouse is for other; {sys.executable} is {TARGET}\n")


def test_two_installations_at_once_are_one_too_many(houses, box):
    with (box / "opt/barocast/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = install(houses["2.0"], box)

    assert (done.returncode, in_use(box)) == (2, "1.0")
    assert "another installation is running" in done.stderr


def test_without_a_release_before_there_is_nothing_to_go_back_to(houses, box):
    done = install(houses["1.0"], box, "--rollback")

    assert (done.returncode, in_use(box)) == (2, "1.0")
    assert "no release before" in done.stderr


def test_an_unknown_option_is_refused_and_help_explains(houses, tmp_path):
    assert install(houses["1.0"], tmp_path, "--prefx").returncode == 2
    assert "PREFIX/opt/barocast/current" in install(houses["1.0"], tmp_path, "--help").stdout
