"""`barocast train`: what it costs to ask, and what it says when something is missing."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest
from toy_cohort import write_cohort

from barocast.export.commands import train
from barocast.export.commands.courses import add_course_arguments, course_of
from barocast.runtime.errors import SettingsError


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(arguments)


def course(*arguments: str):
    parser = argparse.ArgumentParser()
    add_course_arguments(parser)
    return course_of(parser.parse_args(arguments))


def test_asking_for_help_loads_no_torch():
    code = (
        "import argparse, sys\n"
        "from barocast.export.commands import train\n"
        "train.add_arguments(argparse.ArgumentParser())\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


@pytest.mark.parametrize("what", [name for name in train.COMMANDS if name != "cohort"])
def test_a_cohort_that_is_not_there_is_named(what, tmp_path):
    args = parsed(what, "--cohort", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"))

    with pytest.raises(SettingsError, match="nowhere: no cohort there; name its folder with --cohort"):
        train.run(args)


@pytest.mark.parametrize(
    ("package", "extra"), [("accelerate", "train"), ("gguf", "train"), ("torch", "export")]
)
def test_a_package_that_is_missing_is_named_with_its_extra(package, extra):
    def missing(_args, _say):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    args = argparse.Namespace(command=missing)

    with pytest.raises(
        SettingsError, match=rf"{package}, which is not installed: pip install 'barocast\[{extra}\]'"
    ):
        train.run(args)


def test_a_preset_is_changed_by_what_the_command_line_says():
    changed = course(
        "--preset", "small", "--trunk", "tiny", "--mode", "joint", "--steps", "7", "--text-steps", "0"
    )

    assert (changed.network.trunk, changed.network.mode) == ("tiny", "joint")
    assert (changed.lesson.steps, changed.text_steps) == (7, 0)
    assert changed.patch_steps == course("--preset", "small").patch_steps


def test_the_papers_layers_are_changed_at_all_three_horizons():
    changed = course("--preset", "paper", "--layers", "1", "--steps", "3")

    assert changed.network.layers == (1, 1, 1)
    assert changed.text_steps == 0


def test_a_teacher_is_taught_from_a_cohort_and_judged_on_patients_who_taught_nothing(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", cases=24, minutes=60)
    few = [f"--{stage}-steps=2" for stage in ("text", "patch", "straight")]
    said: list[str] = []

    args = parsed(
        *(
            "teacher",
            "--cohort",
            str(cohort),
            "--out",
            str(tmp_path / "out"),
            "--work",
            str(tmp_path / "runs"),
        ),
        *("--trunk", "tiny", "--made", "none", "--steps", "2", *few),
    )
    status = args.command(args, said.append)

    figures = json.loads((tmp_path / "out" / "figures.json").read_text("utf-8"))
    assert status == 0
    assert list(figures["auroc"]) == ["own text", "no text", "another patient's text"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "curves.svg",
        "figures.json",
        "teacher.safetensors",
    ]
    assert any(line.startswith("AUROC, no text") for line in said)
