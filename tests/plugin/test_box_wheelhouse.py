"""Building for the box: what is refused, and what a Debian package holds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from barocast.plugin.box import deb, wheelhouse
from barocast.plugin.box.pip_run import pip
from barocast.plugin.box.target import find_target
from barocast.runtime.errors import BarocastError

dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")


def toy_house(folder: Path) -> Path:
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels/a-1-py3-none-any.whl").write_text("a wheel")
    for name, text in {"target": "aarch64-cp312\n", "release": "0.1.0-5c1d0f2a\n", "SHA256SUMS": ""}.items():
        (folder / name).write_text(text)
    shutil.copy(wheelhouse.FILES / "install.sh", folder)
    return folder


def listed(package: Path) -> dict[str, str]:
    """Give each path in a package with its mode and owner, and what a link points to."""
    text = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=5) for line in text.splitlines()]
    return {path.removeprefix("./").rstrip("/"): f"{mode} {owner}" for mode, owner, _, _, _, path in rows}


def field(package: Path, name: str) -> str:
    done = subprocess.run(["dpkg-deb", "-f", package, name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dpkg
def test_a_package_is_for_one_processor_and_one_python(tmp_path):
    package = deb.build(toy_house(tmp_path / "house"), tmp_path / "out")

    assert package.name == "barocast_0.1.0+cp312_arm64.deb"
    assert field(package, "Architecture") == "arm64"
    assert field(package, "Depends").startswith("python3 (>= 3.12), python3 (<< 3.13), ")


@dpkg
def test_a_package_puts_wheelhouse_units_and_rules_where_the_system_looks(tmp_path):
    files = listed(deb.build(toy_house(tmp_path / "house"), tmp_path / "out"))
    plain, runs = "-rw-r--r-- root/root", "-rwxr-xr-x root/root"

    assert {files[place] for place in deb.PLACES.values()} == {plain}
    assert files["usr/lib/barocast/wheelhouse/wheels/a-1-py3-none-any.whl"] == plain
    assert files["usr/lib/barocast/wheelhouse/install.sh"] == runs
    assert files["usr/bin/barocast -> /opt/barocast/current/bin/barocast"] == "lrwxrwxrwx root/root"
    assert [path for path in files if path.startswith(("etc", "var", "opt", "home"))] == []


@dpkg
def test_the_maintainer_scripts_are_shell_that_parses(tmp_path):
    package = deb.build(toy_house(tmp_path / "house"), tmp_path / "out")
    subprocess.run(["dpkg-deb", "-e", package, tmp_path / "control"], check=True)
    scripts = [tmp_path / "control" / name for name in deb.SCRIPTS] + [wheelhouse.FILES / "install.sh"]
    said = [subprocess.run(["sh", "-n", path], capture_output=True, check=False).stderr for path in scripts]

    assert said == [b""] * 4
    assert {path.stat().st_mode & 0o777 for path in scripts[:3]} == {0o755}


def test_a_folder_that_is_no_wheelhouse_is_not_packed(tmp_path, capsys):
    assert deb.main(["--wheelhouse", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"deb: {tmp_path}: no wheelhouse; make one with `make wheelhouse`\n"


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")

    assert wheelhouse.main(["--target", "aarch64-cp310", "--out", str(tmp_path)]) == 2
    assert "exists and is no wheelhouse; name another folder" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_wheel_for_another_machine_never_gets_into_a_wheelhouse(tmp_path, monkeypatch):
    """A lock that was edited by hand, or an index that answers with the wrong file."""

    def wrong(target, folder):
        shutil.copy(stranger, folder)

    stranger = tmp_path / "numpy-2.2.6-cp310-cp310-manylinux_2_17_x86_64.whl"
    shutil.make_archive(str(stranger), "zip", base_dir=".", root_dir=_unpacked(tmp_path / "numpy"))
    Path(f"{stranger}.zip").rename(stranger)
    monkeypatch.setattr(wheelhouse, "fetch", wrong)
    monkeypatch.setattr(wheelhouse, "build_own_wheel", lambda folder: None)

    with pytest.raises(BarocastError, match=r"aarch64-cp310: numpy-.*x86_64\.whl would not install there"):
        wheelhouse.build(find_target("aarch64-cp310"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _unpacked(folder: Path) -> Path:
    (folder / "numpy-2.2.6.dist-info").mkdir(parents=True)
    (folder / "numpy-2.2.6.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: numpy\n")
    return folder


def test_what_pip_says_last_is_the_error(tmp_path):
    with pytest.raises(BarocastError, match=r"^pip download: .*nothing-of-that-name"):
        pip("download", "--no-index", "--no-deps", "nothing-of-that-name==1", "-d", str(tmp_path))
