"""`barocast export bundle`: what it refuses, when, and what it leaves on the disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING

import pytest
from full_disk import FullDisk
from toy_bundle import manifest, toy_bundle
from toy_cohort import write_cohort
from toy_student import drawn, toy_student

from barocast.export.calibrated import ASKABLE
from barocast.export.commands import export
from barocast.export.commands.cohort_folder import COHORT_VARIABLE
from barocast.export.graphs.student import split_student
from barocast.export.packing.parent import of_adapter
from barocast.export.packing.release import Release, read_or_make_key
from barocast.export.packing.seal import seal
from barocast.runtime.bundle_files import UNHASHED
from barocast.runtime.errors import BundleError, InputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.export.graphs.split import Split


def parsed(*words):
    parser = ArgumentParser()
    export.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def cut(_checkpoint: Path) -> Split:
    """What `--adapter test_export_command:cut` would name."""
    return split_student(drawn().model)


def test_asking_for_help_loads_no_torch():
    code = (
        "import argparse, sys\n"
        "from barocast.export.commands import export\n"
        "export.add_arguments(argparse.ArgumentParser())\n"
        "print(sorted({'torch', 'onnx', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_an_absent_cohort_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv(COHORT_VARIABLE, str(tmp_path / "nowhere"))

    with pytest.raises(SettingsError, match="nowhere: no cohort there"):
        export.run(parsed("bundle", "--from", tmp_path, "--out", tmp_path / "b"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--precision", "int3"), "--precision int3: none of float, fp16, int8w, int8"),
        (("--precision", "int4"), "--precision int4: needs ONNX opset"),
        (("--sequence", "0"), "--sequence 0: must be 1 or more"),
        (("--crossval", "nowhere"), "nowhere: no figures of `train crossval`"),
        (("--from", "nowhere"), "student.json: cannot be read"),
        (("--adapter", "nothing"), "--adapter nothing: not of the form package.module:function"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_cohort_is_read(tmp_path, words, said):
    (tmp_path / "cohort").mkdir()
    places = ("--cohort", tmp_path / "cohort", "--work", tmp_path / "runs", "--out", tmp_path / "b")

    with pytest.raises((InputError, SettingsError), match=said):
        export.run(parsed("bundle", "--from", tmp_path / "student", *places, *words))
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]


def test_an_option_that_too_few_patients_carry_is_refused_before_a_graph_is_made(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", cases=4, minutes=30)
    places = ("--cohort", cohort, "--work", tmp_path / "runs", "--out", tmp_path / "b")
    words = ("bundle", "--from", toy_student(tmp_path / "student"), *places, "--by-pattern")

    with pytest.raises(SettingsError, match=r"--by-pattern: \d calibration patients; needs 20"):
        export.run(parsed(*words))
    assert not (tmp_path / "b").exists()


def test_every_kind_of_calibrator_can_be_asked_for():
    for kind in ASKABLE:
        assert parsed("bundle", "--from", "x", "--out", "x", "--calibrator", kind).calibrator == kind


def test_a_key_is_made_once_and_kept_to_its_owner(tmp_path):
    path = tmp_path / "new" / "key.pem"

    made = read_or_make_key(path)

    assert read_or_make_key(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert read_or_make_key(None) != made


def test_a_key_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match=r"key\.pem: the signing key cannot be read or made there"):
        read_or_make_key(tmp_path / "file" / "key.pem")


@pytest.fixture
def toy(tmp_path):
    """The parts of a bundle of two graphs, as `pack` hands them to `seal`, and where it is to stand."""
    made = toy_bundle(tmp_path / "toy", prefix=True)
    contents = {p.name: p.read_bytes() for p in made.directory.iterdir() if p.name not in UNHASHED}
    shutil.rmtree(made.directory)
    return contents, manifest(memory={"weight": (1, 1), "present": (1, 1)}), made.key_pem


def files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


@pytest.mark.parametrize("before", [True, False])
def test_a_disk_that_fills_at_any_write_leaves_the_old_bundle_or_none(toy, tmp_path, monkeypatch, before):
    contents, said, key = toy
    place, number = tmp_path / "bundle", 0
    if before:
        seal(place, contents | {"model_card.md": b"the old one"}, said, key)
    old = files(place) if before else None
    while True:
        number += 1
        with monkeypatch.context() as patch:
            disk = FullDisk(patch, number, lasting=False)
            try:
                seal(place, contents, said, key)
            except SettingsError as error:
                told = str(error)
            else:
                break
        assert "bundle: cannot be written (No space left on device)" in told
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"] * before
        assert not before or files(place) == old

    assert disk.done >= len(contents) + 2
    assert files(place).items() >= contents.items()


def test_a_bundle_that_the_bedside_refuses_is_never_put_in_its_place(toy, tmp_path):
    contents, said, key = toy
    seal(tmp_path / "bundle", contents, said, key)
    old = files(tmp_path / "bundle")

    with pytest.raises(BundleError, match=r"model\.onnx"):
        seal(tmp_path / "bundle", contents | {"model.onnx": b"no graph"}, said, key)
    assert files(tmp_path / "bundle") == old
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_network_of_ones_own_brings_its_tokenizer_and_is_named_by_its_bytes(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"1")
    with pytest.raises(InputError, match=r"tokenizer\.json: no tokenizer that a box can read"):
        of_adapter(f"{__name__}:cut", tmp_path)

    (tmp_path / "tokenizer.json").write_text(drawn().tokenizer_json)
    parent = of_adapter(f"{__name__}:cut", tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"2")

    assert parent.about["checkpoint"] != of_adapter(f"{__name__}:cut", tmp_path).about["checkpoint"]
    assert parent.about["parameters"] > 0
    assert "settings" not in parent.about


def test_the_card_names_the_options_that_were_not_the_usual_ones():
    usual, other = Release("b", b""), Release("b", b"", sequence=4, precision="float")

    assert (usual.options(), other.options()) == (" --id b", " --id b --sequence 4 --precision float")
