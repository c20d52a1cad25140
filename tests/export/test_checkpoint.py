"""A student's checkpoint comes back as it was kept, or is refused for one reason that is told."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from toy_student import SMALL, drawn, toy_student

from barocast.export.checkpoint import FILES, read_student
from barocast.export.model import example_input
from barocast.runtime.errors import InputError, SettingsError


def edit(folder, change):
    """Change the record, its hashes of the other files kept true."""
    record = json.loads((folder / "student.json").read_text())
    change(record)
    for other in record["files"]:
        record["files"][other] = hashlib.sha256((folder / other).read_bytes()).hexdigest()
    (folder / "student.json").write_text(json.dumps(record))


def test_a_student_answers_as_it_did_when_it_was_kept(tmp_path):
    kept, read = drawn(), read_student(toy_student(tmp_path / "s"))
    given = example_input(SMALL.network)

    with torch.no_grad():
        pairs = zip(kept.model(*given), read.model(*given), strict=True)
    assert all(torch.equal(before, after) for before, after in pairs)
    assert read.tokenizer_json == kept.tokenizer_json
    assert read.origin.settings == SMALL
    assert not read.model.training


def test_the_same_student_is_kept_in_the_same_bytes(tmp_path):
    one, two = toy_student(tmp_path / "one"), toy_student(tmp_path / "two")

    assert {p.name for p in one.iterdir()} == set(FILES)
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in FILES)
    assert read_student(one).sha256 == hashlib.sha256((one / "student.json").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_what_leaves_one(tmp_path, name):
    folder = toy_student(tmp_path / "s")
    (folder / name).unlink()

    with pytest.raises(InputError, match=rf"{name}: cannot be read .*folder that `barocast train student`"):
        read_student(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json"])
def test_one_flipped_bit_is_seen(tmp_path, name):
    path = toy_student(tmp_path / "s") / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(InputError, match=rf"{name}: its SHA-256 is not the one in student.json; copy"):
        read_student(path.parent)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["settings"]["network"].update(width=32), r"weights.safetensors.*tensor .* is \("),
        (lambda r: r["settings"]["network"].update(steps=91), "student.json: its settings make no network"),
        (lambda r: r["settings"]["network"].update(heads=0), "student.json: its settings make no network"),
        (lambda r: r["settings"]["network"].update(depth=2), "settings.network.depth is unknown to this"),
        (lambda r: r["settings"]["network"].pop("heads"), "settings.network.heads is missing"),
        (lambda r: r["settings"]["network"].update(width="16"), "settings.network.width is '16', no int"),
        (lambda r: r["settings"].update(lesson={}), "settings.lesson is unknown to this version"),
        (lambda r: r.pop("settings"), "is no student's record .'settings' is missing"),
        (lambda r: r.update(form=2), "is of form 2, this version reads 1"),
        (lambda r: r.update(settings=3), "is no student's record"),
    ],
)
def test_a_record_that_does_not_fit_is_told_by_its_place(tmp_path, change, said):
    folder = toy_student(tmp_path / "s")
    edit(folder, change)

    with pytest.raises(InputError, match=said) as refused:
        read_student(folder)
    assert str(refused.value).count("train anew") == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"form": 1}'])
def test_a_record_of_anything_else_is_one_error(tmp_path, content):
    folder = toy_student(tmp_path / "s")
    (folder / "student.json").write_bytes(content)

    with pytest.raises(InputError, match=r"student\.json: is no student's record"):
        read_student(folder)


def test_weights_that_are_no_numbers_are_named(tmp_path):
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 as export does

    folder = toy_student(tmp_path / "s")
    tensors = load_file(folder / "weights.safetensors")
    tensors["members.0.forecast.bias"][0] = torch.nan
    save_file(tensors, folder / "weights.safetensors")
    edit(folder, lambda record: None)

    with pytest.raises(
        InputError, match=r"tensor members\.0\.forecast\.bias holds numbers that are not finite"
    ):
        read_student(folder)


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(SettingsError, match=r"holds thesis\.tex, which would be lost; name another folder"):
        toy_student(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
