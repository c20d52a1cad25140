"""The beds of a box: one file, or a folder in which a bad file costs its own bed only."""

from __future__ import annotations

import pytest

from barocast.plugin.service.house import read_house, slug_of
from barocast.runtime.errors import SettingsError

BED = '[feed]\nkind = "hl7"\naddress = "tcp-listen://127.0.0.1:6661"\n[bed]\nname = "{}"\n'


def folder(path, **files):
    for name, text in files.items():
        (path / f"{name}.toml").write_text(text)
    return path


def test_a_file_is_a_house_of_one_bed_with_everything_in_it(tmp_path):
    file = tmp_path / "or3.toml"
    file.write_text(BED.format("OR 3") + '[screen]\naddress = "127.0.0.1:0"\n')
    house = read_house(file)

    assert [bed.slug for bed in house.beds] == ["or-3"]
    assert house.box.screen.address == "127.0.0.1:0"


def test_a_folder_holds_a_bed_a_file_and_what_they_share(tmp_path):
    house = read_house(
        folder(tmp_path, box="[storage]\nquota_mb = 500\n", a=BED.format("OR 1"), b=BED.format("OR 2"))
    )

    assert [bed.slug for bed in house.beds] == ["or-1", "or-2"]
    assert [bed.settings.storage.quota_mb for bed in house.beds] == [500, 500]
    assert house.box.storage.quota_mb == 500


@pytest.mark.req("RUN-08")
def test_a_bad_file_costs_its_own_bed_and_says_why(tmp_path):
    house = read_house(folder(tmp_path, a=BED.format("OR 1"), b="[feed]\nkid = 1\n"))
    good, bad = house.beds

    assert (good.trouble, bad.settings, bad.slug) == ("", None, "b")
    assert "b.toml: [feed] kid: unknown; the nearest is 'kind'" in bad.trouble


def test_two_beds_of_one_name_are_told_apart(tmp_path):
    house = read_house(folder(tmp_path, a=BED.format("OR 1"), b=BED.format("or 1")))

    assert [bed.slug for bed in house.beds] == ["or-1", "or-1-b"]
    assert "is the bed of a.toml already; name it otherwise" in house.beds[1].trouble


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no bed; write one"),
        ({"box": "[screen]\n"}, "holds no bed"),
        ({"a": "[feed"}, "a.toml: not TOML"),
        ({"box": "[feed]\n", "a": BED.format("A")}, r"box.toml: \[feed\]: unknown; the nearest is"),
        ({"box": "[storage]\nquota_mb = 1\n", "a": BED.format("A")}, "quota_mb: must be at least 64"),
        (
            {"box": "[engine]\nkind = 'cud'\n", "a": BED.format("A")},
            r"box.toml: \[engine\] kind: 'cud' is not",
        ),
        ({"box": "[model]\nthreads = 99\n", "a": BED.format("A")}, r"\[model\] threads: must be 1 to 64"),
    ],
)
def test_where_nothing_can_run_the_reason_is_one_line(tmp_path, files, said):
    with pytest.raises(SettingsError, match=said):
        read_house(folder(tmp_path, **files))


def test_what_is_the_whole_boxs_stays_out_of_a_beds_file(tmp_path):
    house = read_house(folder(tmp_path, a=BED.format("OR 1"), b=BED.format("OR 2") + "[storage]\n"))

    assert house.beds[1].trouble.endswith("b.toml: [storage]: is the whole box's; move it to box.toml")


@pytest.mark.parametrize(("name", "slug"), [("OR 3", "or-3"), ("Säle/../3", "s-le-3"), ("..", "bed")])
def test_a_slug_is_safe_in_a_path_and_an_address(name, slug):
    assert slug_of(name) == slug
