"""The bill of materials: valid CycloneDX, whole, and with the model in it."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from barocast.plugin.box.sbom import bill
from barocast.plugin.box.target import find_target
from barocast.plugin.box.wheel import read_wheel
from barocast.runtime.bundle import default_bundle
from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from pathlib import Path

JETPACK_6 = find_target("aarch64-cp310")
WALL = "2026-11-22T21:00:05.123+00:00"


def wheel(folder: Path, name: str, *headers: str, tag: str = "py3-none-any", **files: str) -> Path:
    path = folder / f"{name}-1.0-{tag}.whl"
    metadata = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *headers])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", metadata + "\n\nA description.\n")
        for inside, text in files.items():
            archive.writestr(inside, text)
    return path


REFERENCE = {"mode": "eval", "checkpoint": "c" * 64, "prefix_float": "a" * 64, "tick_float": "f" * 64}
"""What a bundle of two graphs says of its parents."""


@pytest.fixture
def bom(tmp_path) -> dict:
    manifest = json.dumps(
        json.loads((default_bundle() / "manifest.json").read_text("utf-8")) | {"reference": REFERENCE}
    )
    requires = (
        "Requires-Dist: numpy",
        'Requires-Dist: tomli; python_version < "3.11"',
        'Requires-Dist: gpiod; extra == "relay"',
    )
    paths = [
        wheel(
            tmp_path,
            "barocast",
            "License-Expression: Apache-2.0",
            *requires,
            **{"barocast/runtime/default_bundle/manifest.json": manifest},
        ),
        wheel(
            tmp_path, "gpiod", "Classifier: License :: OSI Approved :: GNU Lesser General Public License v2"
        ),
        wheel(
            tmp_path, "numpy", "License: BSD-3-Clause", "Author: Travis E. Oliphant et al.", "Summary: Arrays"
        ),
        wheel(tmp_path, "tomli"),
    ]
    return bill([read_wheel(path) for path in paths], JETPACK_6, WALL)


@pytest.mark.req("SEC-05")
def test_it_is_valid_cyclonedx(bom):
    validation = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-bom is not installed")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6

    assert validation.JsonStrictValidator(schema).validate_str(json.dumps(bom)) is None


@pytest.mark.req("SEC-05")
def test_it_says_who_made_what_in_which_version_with_which_bytes(bom):
    parts = {part["name"]: part for part in bom["components"]}

    assert {"gpiod", "numpy", "tomli", "barocast-map-1"} == set(parts)
    assert tuple(bom["metadata"]["component"][key] for key in ("name", "type")) == ("barocast", "application")
    assert parts["numpy"]["supplier"] == {"name": "Travis E. Oliphant et al."}
    assert parts["numpy"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert parts["gpiod"]["licenses"] == [{"license": {"name": "GNU Lesser General Public License v2"}}]
    assert all(len(part["hashes"][0]["content"]) == 64 for part in parts.values())


def test_it_says_what_needs_what_on_the_target(bom):
    needs = {one["ref"]: one.get("dependsOn", []) for one in bom["dependencies"]}

    assert needs["pkg:pypi/barocast@1.0"] == [
        "pkg:pypi/gpiod@1.0",
        "pkg:pypi/numpy@1.0",
        "pkg:pypi/tomli@1.0",
        "model:barocast-map-1",
    ]
    assert needs["pkg:pypi/numpy@1.0"] == []


def test_the_model_has_a_card_with_the_signed_manifests_facts(bom):
    manifest = json.loads((default_bundle() / "manifest.json").read_text("utf-8"))
    model = bom["components"][-1]

    assert model["type"] == "machine-learning-model"
    assert manifest["files"]["model.onnx"]["sha256"] == model["hashes"][0]["content"]
    assert [manifest["intended_use"]] == model["modelCard"]["considerations"]["useCases"]
    assert "MAP < 65 mmHg for 60 s" in model["modelCard"]["modelParameters"]["task"]


def test_the_model_is_listed_with_its_files_and_the_network_they_were_made_of(bom):
    files = json.loads((default_bundle() / "manifest.json").read_text("utf-8"))["files"]
    model = bom["components"][-1]

    assert hashes(model["components"]) == {name: entry["sha256"] for name, entry in files.items()}
    assert hashes(model["pedigree"]["ancestors"]) == {n: h for n, h in REFERENCE.items() if n != "mode"}


def hashes(components: list[dict]) -> dict[str, str]:
    return {component["name"]: component["hashes"][0]["content"] for component in components}


def test_without_our_own_wheel_there_is_nothing_to_describe(tmp_path):
    with pytest.raises(BarocastError, match="no wheel of barocast among 1"):
        bill([read_wheel(wheel(tmp_path, "numpy"))], JETPACK_6, WALL)


@pytest.mark.parametrize("name", ["numpy.whl", "numpy-1.0-py3-none-any.whl"])
def test_what_is_no_wheel_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"no zip")

    with pytest.raises(BarocastError, match=f"{name}: no wheel"):
        read_wheel(tmp_path / name)
