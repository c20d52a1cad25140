"""The locks of the box: complete for their target, whatever machine they were made on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from barocast.plugin.box.lock import (
    LOCKS,
    Candidate,
    Pin,
    lock_file,
    read_lock,
    required,
    roots_of,
)
from barocast.plugin.box.target import TARGETS, find_target
from barocast.runtime.errors import BarocastError, SettingsError

ROOT = Path(__file__).resolve().parents[2]
JETPACK_6 = find_target("aarch64-cp310")
JETPACK_7 = find_target("aarch64-cp312")


def candidates(**requires: tuple[str, ...]) -> dict[str, Candidate]:
    return {name: Candidate(Pin(name, "1", "00"), lines) for name, lines in requires.items()}


@pytest.mark.req("RUN-07")
def test_every_target_has_a_lock_and_every_lock_a_target():
    assert {lock_file(target) for target in TARGETS} == set(LOCKS.iterdir())


@pytest.mark.req("RUN-07")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_lock_pins_what_pyproject_asks_for_on_that_target(target):
    """Our own dependencies, judged by the target's markers, are each met by a pin of the lock."""
    pins = {pin.name: pin.version for pin in read_lock(lock_file(target))}
    wanted = [Requirement(line) for line in roots_of(ROOT)]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate(dict(target.environment))]

    assert [
        str(one) for one in wanted if pins.get(canonicalize_name(one.name), "") not in one.specifier
    ] == []


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_lock_holds_one_pinned_and_hashed_wheel_a_line_and_no_address(target):
    lines = lock_file(target).read_text("ascii").splitlines()
    line = re.compile(r"[a-z0-9-]+==[0-9a-z.]+ --hash=sha256:[0-9a-f]{64}")

    assert [text for text in lines if not line.fullmatch(text)] == []
    assert lines == sorted(lines)


def test_jetpack_6_gets_the_last_releases_for_its_python():
    pins = {pin.name: pin.version for pin in read_lock(lock_file(JETPACK_6))}

    assert (pins["onnxruntime"], pins["numpy"]) == ("1.23.2", "2.2.6")
    assert {"tomli", "exceptiongroup"} <= pins.keys()


def test_markers_are_judged_for_the_target_and_not_for_this_python():
    found = candidates(
        app=('tomli>=2; python_version < "3.11"', 'fast; platform_machine == "aarch64"'), fast=()
    )

    assert ({"app", "fast"}, ["tomli>=2"]) == required(["app"], found, JETPACK_6.environment)
    assert ({"app", "fast"}, []) == required(["app"], found, JETPACK_7.environment)


def test_an_extra_brings_its_own_requirements_and_no_other_extra():
    found = candidates(app=('a; extra == "one"', 'b; extra == "two"'), a=(), b=())

    assert ({"app", "a"}, []) == required(["app[one]"], found, JETPACK_7.environment)


def test_what_nothing_needs_is_left_out_and_a_circle_ends():
    found = candidates(app=("other",), other=("app",), idle=())

    assert ({"app", "other"}, []) == required(["app"], found, JETPACK_7.environment)


def test_a_line_that_is_no_pin_is_refused_with_its_place(tmp_path):
    (tmp_path / "x.txt").write_text("numpy==2.2.6 --hash=sha256:00\nnumpy>=2\n")

    with pytest.raises(BarocastError, match=r"x\.txt:2: not name==version"):
        read_lock(tmp_path / "x.txt")


def test_a_missing_lock_says_how_it_is_written(tmp_path):
    with pytest.raises(BarocastError, match=r"python -m barocast\.plugin\.box\.lock"):
        read_lock(tmp_path / "none.txt")


def test_a_target_that_is_none_names_those_there_are():
    with pytest.raises(SettingsError, match="aarch64-cp310"):
        find_target("riscv64-cp312")


def test_a_wheel_for_another_processor_or_a_newer_system_is_no_wheel_of_the_target():
    tags = {str(tag) for tag in JETPACK_6.tags}

    assert {"cp310-cp310-manylinux_2_28_aarch64", "cp39-abi3-manylinux2014_aarch64", "py3-none-any"} <= tags
    assert tags.isdisjoint(
        {
            "cp310-cp310-manylinux_2_28_x86_64",
            "cp312-cp312-manylinux_2_28_aarch64",
            "cp310-cp310-manylinux_2_34_aarch64",
        }
    )
