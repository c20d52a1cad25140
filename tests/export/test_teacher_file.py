"""A taught teacher comes back from its file as it was, or is refused with the one reason and its mend."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from barocast.export.course.settings import COURSES
from barocast.export.course.teacher_file import FILE, read_teacher, save_teacher
from barocast.export.fusion.network import build_teacher
from barocast.export.fusion.settings import TeacherSettings
from barocast.export.model import blank_scaling
from barocast.runtime.errors import InputError, SettingsError

NETWORK = TeacherSettings(
    trunk="tiny", layers=1, mode="joint", patch=6, text_tokens=12, width=16, text_width=4
)
COURSE = replace(COURSES["small"], network=NETWORK)


def taught(network=NETWORK):
    teacher = build_teacher(network, blank_scaling())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in (p for p in teacher.parameters() if p.requires_grad):
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
        teacher.mean.fill_(80.0)
    return teacher.eval()


@pytest.fixture
def folder(tmp_path):
    save_teacher(taught(), COURSE, tmp_path / "teacher")
    return tmp_path / "teacher"


def rewritten(folder, course, tensors=None):
    """The file with other metadata, or other tensors."""
    path = folder / FILE
    told = course if isinstance(course, str) else json.dumps(course)
    save_file(tensors or load_file(path), path, {"course": told})


def test_a_teacher_comes_back_with_its_course(folder):
    found, before = read_teacher(folder), taught()

    assert found.teacher.settings == NETWORK
    assert not found.teacher.training
    assert found.course == json.loads(json.dumps(asdict(COURSE)))
    assert found.simulated == 0
    assert {name: tensor.tolist() for name, tensor in found.teacher.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in before.state_dict().items()
    }


def test_how_many_simulated_patients_taught_it_is_kept(tmp_path):
    save_teacher(taught(), COURSE, tmp_path, simulated=81)

    assert read_teacher(tmp_path).simulated == 81


def test_the_same_teacher_has_the_same_bytes_and_name(folder, tmp_path):
    save_teacher(taught(), COURSE, tmp_path / "again")

    assert read_teacher(folder).sha256 == read_teacher(tmp_path / "again").sha256


def test_the_frozen_language_model_stays_out_of_the_file(folder):
    assert not [name for name in load_file(folder / FILE) if name.startswith("trunk.")]


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint at all"])
def test_no_checkpoint_is_refused_with_the_folder_to_name(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)

    with pytest.raises(
        InputError, match=r"teacher\.safetensors: no readable checkpoint .*`barocast train teacher`"
    ):
        read_teacher(tmp_path)


@pytest.mark.parametrize(
    ("network", "named"),
    [
        ({**asdict(NETWORK), "width": 32}, r"tensor \S+ is .* in the file and .* in the network"),
        ({**asdict(NETWORK), "mode": "frozen"}, r"tensor \S+ is absent in the file"),
        ({**asdict(NETWORK), "patch": 7}, "patches of 7"),
        ({**asdict(NETWORK), "layers": "1"}, "no settings of a teacher"),
        ({**asdict(NETWORK), "channels": None}, "no settings of a teacher"),
        (asdict(COURSES["paper"].network), "dropout is missing"),
        ({**asdict(NETWORK), "depth": 1}, "depth is no setting of one"),
        (None, "no settings of a teacher"),
    ],
)
def test_settings_of_another_network_are_refused_with_the_mend(folder, network, named):
    rewritten(folder, {**asdict(COURSE), "network": network})

    with pytest.raises(InputError, match=rf"teacher\.safetensors: .*{named}.*train anew"):
        read_teacher(folder)


@pytest.mark.parametrize("course", ["", "[", "7", "{}", "null"])
def test_a_file_without_a_course_is_refused(folder, course):
    rewritten(folder, course)

    with pytest.raises(InputError, match=r"teacher\.safetensors: .*course.*train anew"):
        read_teacher(folder)


def test_a_trunk_that_nobody_knows_is_refused_with_those_that_there_are(folder):
    rewritten(folder, {**asdict(COURSE), "network": {**asdict(NETWORK), "trunk": "gpt9"}})

    with pytest.raises(InputError, match="trunk 'gpt9' is unknown"):
        read_teacher(folder)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SettingsError, match=r"teacher\.safetensors: cannot be written"):
        save_teacher(taught(), COURSE, tmp_path / "file")
