"""A bundle is used whole and signed, or not at all."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from toy_bundle import MEMORY, SHAPES, known_answers, manifest, toy_bundle

from barocast.calibration.parametric import TemperatureBias
from barocast.runtime.bundle import read_bundle, sign, write_manifest
from barocast.runtime.bundle_files import FILES, TWO_GRAPHS
from barocast.runtime.errors import BundleError, SettingsError
from barocast.runtime.trust import trusted_keys, write_keys

if TYPE_CHECKING:
    from pathlib import Path


EACH_FILE = [(name, which == TWO_GRAPHS) for which, names in FILES.items() for name in names]


def test_what_was_packed_is_what_is_read(tmp_path):
    bundle = toy_bundle(tmp_path / "b", id="toy-7").read()

    assert bundle.manifest.id == "toy-7"
    assert bundle.manifest.shapes["quantiles"] == (1, 3, 30)
    assert bundle.manifest.alarm.trigger.p_on == 0.5
    assert bundle.tokenizer.encode("asa years") == [2, 3]
    assert (bundle.prefix, dict(bundle.manifest.memory), list(bundle.graphs)) == (None, {}, ["model.onnx"])


def test_a_bundle_of_two_graphs_is_read_with_its_prefix_and_its_memory(tmp_path):
    toy = toy_bundle(tmp_path / "b", prefix=True)
    bundle = toy.read()

    assert dict(bundle.manifest.memory) == MEMORY
    assert bundle.prefix == (toy.directory / "prefix.onnx").read_bytes()
    assert list(bundle.graphs) == ["model.onnx", "prefix.onnx"]


def test_a_manifest_without_a_memory_says_nothing_of_one(tmp_path):
    """So the manifests of one graph, and their signatures, are what they were."""
    one, two = (toy_bundle(tmp_path / str(prefix), prefix=prefix).directory for prefix in (False, True))
    said = [json.loads((directory / "manifest.json").read_text()) for directory in (one, two)]

    assert [fields["format"] for fields in said] == [1, 2]
    assert said[1].keys() - said[0].keys() == {"memory"}


@pytest.mark.parametrize(("name", "prefix"), EACH_FILE)
def test_one_flipped_bit_anywhere_is_refused(tmp_path, name, prefix):
    toy = toy_bundle(tmp_path / "b", prefix=prefix)
    path = toy.directory / name
    content = bytearray(path.read_bytes())
    rng = random.Random(name)
    for _ in range(40):
        at, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
        content[at] ^= bit
        path.write_bytes(content)
        with pytest.raises(BundleError):
            toy.read()
        content[at] ^= bit

    path.write_bytes(content)
    assert toy.read().manifest.id == "toy-1"


@pytest.mark.parametrize(("name", "prefix"), EACH_FILE)
def test_a_cut_or_missing_file_is_refused(tmp_path, name, prefix):
    toy = toy_bundle(tmp_path / "b", prefix=prefix)
    path = toy.directory / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match=name if name != "manifest.json" else "signature"):
        toy.read()

    path.unlink()
    with pytest.raises(BundleError, match=name):
        toy.read()


@pytest.mark.req("SEC-01")
def test_the_signature_is_checked_before_the_manifest_is_parsed(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    (toy.directory / "manifest.json").write_text("{")

    with pytest.raises(BundleError, match="no trusted key signed"):
        toy.read()


def test_a_strangers_signature_is_refused(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    with pytest.raises(BundleError, match="no trusted key signed"):
        read_bundle(toy.directory, [stranger])


def test_a_swapped_file_is_refused_though_each_is_genuine(tmp_path):
    first, second = toy_bundle(tmp_path / "a"), toy_bundle(tmp_path / "b", {"gates": (0.5,)})
    (first.directory / "model.onnx").write_bytes((second.directory / "model.onnx").read_bytes())

    with pytest.raises(BundleError, match=r"model\.onnx: its SHA-256"):
        first.read()


@pytest.mark.req("SEC-02")
def test_an_extra_file_and_a_symlink_are_refused(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    (toy.directory / "model.onnx.data").write_bytes(b"external")
    with pytest.raises(BundleError, match="not a file of a bundle"):
        toy.read()

    (toy.directory / "model.onnx.data").unlink()
    (toy.directory / "model_card.md").rename(tmp_path / "elsewhere.md")
    (toy.directory / "model_card.md").symlink_to(tmp_path / "elsewhere.md")
    with pytest.raises(BundleError, match="not a plain file"):
        toy.read()


ALARM = {"horizon_min": 10, "trigger": {"p_on": 0.5, "p_off": 0.4}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 99}, "format 1"),
        ({"format": [1]}, "format 1 or 2"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"id": ""}, "id must"),
        ({"id": 7}, "id must"),
        ({"sequence": 0}, "sequence must"),
        ({"sequence": True}, "sequence must"),
        ({"sequence": 1.5}, "sequence must"),
        ({"text_template": "0"}, "text_template must"),
        ({"horizons_min": [5, 10]}, "horizons_min must"),
        ({"event": {"below": 65}}, "below"),
        ({"event": {"below_mmhg": 60.0}}, "event must"),
        ({"event": {"lasting_s": 120.0}}, "event must"),
        ({"step_s": 2.0}, "step_s must"),
        ({"step_s": "10"}, "step_s must"),
        ({"window_min": 30}, "window_min must"),
        ({"channels": []}, "channels must"),
        ({"channels": "ABP_MEAN"}, "channels must"),
        ({"channels": ["HR"]}, "channels must"),
        ({"channels": ["ABP_MEAN", "MAP"]}, "channels must"),
        ({"channels": ["ABP_MEAN", "ABP_MEAN"]}, "channels must"),
        ({"channels": ["ABP_MEAN", ["HR"]]}, "channels must"),
        ({"channels": ["ABP_MEAN", "HR"]}, "shapes must"),
        ({"gates": "text"}, "gates must"),
        ({"gates": ["text", "series"]}, "shapes must"),
        ({"forecast_minutes": []}, "forecast_minutes must"),
        ({"forecast_minutes": [0.0, 1.0]}, "forecast_minutes must"),
        ({"forecast_minutes": [1.0, 1.0]}, "forecast_minutes must"),
        ({"forecast_minutes": [1.0, float("nan")]}, "forecast_minutes must"),
        ({"forecast_minutes": [1.0, float("inf")]}, "forecast_minutes must"),
        ({"forecast_minutes": ["1", "2"]}, "forecast_minutes must"),
        ({"forecast_minutes": [1.0, 2.0]}, "shapes must"),
        ({"known_answer_tolerance": 0}, "known_answer_tolerance must"),
        ({"known_answer_tolerance": "0.02"}, "known_answer_tolerance must"),
        ({"known_answer_tolerance": 0.06}, "known_answer_tolerance must"),
        ({"known_answer_tolerance": float("nan")}, "known_answer_tolerance must"),
        ({"alarm": ALARM | {"horizon_min": 7}}, r"alarm\.horizon_min must"),
        ({"alarm": ALARM | {"trigger": {"p_on": 0.2, "p_off": 0.3}}}, "p_off"),
        ({"alarm": ALARM | {"trigger": {"p_on": 0.5, "p_off": 0.4, "n": 2.5}}}, r"alarm\.trigger must"),
        ({"calibrator": {"kind": "magic"}}, "calibrator kind"),
        ({"calibrator": TemperatureBias().to_dict() | {"scale": 0.01}}, "calibrator scale"),
        ({"calibrator": TemperatureBias().to_dict() | {"scale": 21}}, "calibrator scale"),
        ({"calibrator": TemperatureBias().to_dict() | {"bias": -21}}, "bias -21"),
    ],
)
def test_a_signed_manifest_that_this_version_cannot_mean_is_refused(tmp_path, change, reason):
    toy = toy_bundle(tmp_path / "b")
    _say(toy, change)

    with pytest.raises(BundleError, match=rf"manifest\.json: .*{reason}"):
        toy.read()


@pytest.mark.parametrize("name", sorted(SHAPES.keys() - {"text"}))
def test_a_shape_that_this_version_neither_feeds_nor_reads_is_refused(tmp_path, name):
    toy = toy_bundle(tmp_path / "b")
    _say(toy, {"shapes": SHAPES | {name: (*SHAPES[name][:-1], SHAPES[name][-1] + 1)}})
    with pytest.raises(BundleError, match="shapes must"):
        toy.read()

    _say(toy, {"shapes": {n: shape for n, shape in SHAPES.items() if n != name}})
    with pytest.raises(BundleError, match="shapes must"):
        toy.read()


@pytest.mark.parametrize("shape", [[1, 0], [1, 513], [2, 128], [128], [], [1, 1, 128], [1, "128"], [1, True]])
def test_a_text_of_a_shape_that_cannot_be_meant_is_refused(tmp_path, shape):
    toy = toy_bundle(tmp_path / "b")
    _say(toy, {"shapes": SHAPES | {"text": shape}})

    with pytest.raises(BundleError, match=r"shapes\.text must be \(1, n\) with n from 1 to 512"):
        toy.read()


def test_how_many_tokens_a_text_has_the_bundle_says(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    answers = known_answers()
    np.savez(toy.directory / "known_answers.npz", **answers | {"text": answers["text"][:, :64]})
    write_manifest(toy.directory, manifest(shapes=SHAPES | {"text": (1, 64)}))
    toy.resign()

    assert toy.read().text_tokens == 64


@pytest.mark.parametrize(
    "memory",
    [
        {"series": [1, 4]},
        {"": [1, 4]},
        {"aspects": []},
        {"aspects": [2, 4]},
        {"aspects": [1, 0]},
        {"aspects": [1, "4"]},
        {"aspects": [1] * 9},
        {"aspects": [1, 2**20, 2**40]},
        {"aspects": [1, 2**20], "present": [1, 2**20 + 1]},
    ],
)
def test_a_memory_that_cannot_be_meant_is_refused(tmp_path, memory):
    toy = toy_bundle(tmp_path / "b", prefix=True)
    _say(toy, {"memory": memory})

    with pytest.raises(BundleError, match="memory must be tensors of other names than shapes"):
        toy.read()


@pytest.mark.parametrize(
    ("prefix", "change", "reason"),
    [
        (True, {"memory": {}}, "memory must be some in format 2"),
        (False, {"memory": MEMORY}, "memory must be none in format 1"),
        (True, {"memory": 3}, "manifest.json"),
        (True, {"format": 1}, r"prefix\.onnx: not a file of a bundle of format 1"),
        (False, {"format": 2}, r"prefix\.onnx: missing"),
    ],
)
def test_format_memory_and_files_agree_or_the_bundle_is_refused(tmp_path, prefix, change, reason):
    toy = toy_bundle(tmp_path / "b", prefix=prefix)
    _say(toy, change)

    with pytest.raises(BundleError, match=reason):
        toy.read()


def test_a_manifest_of_a_prefix_that_does_not_lie_there_is_not_written(tmp_path):
    toy = toy_bundle(tmp_path / "b")

    with pytest.raises(BundleError, match=r"prefix\.onnx: missing"):
        write_manifest(toy.directory, manifest(memory=MEMORY))


@pytest.mark.req("INF-03")
@pytest.mark.parametrize("name", ["series", "text", "logits", "quantiles"])
def test_known_answers_of_another_layout_are_refused(tmp_path, name):
    toy = toy_bundle(tmp_path / "b")
    answers = known_answers()
    np.savez(toy.directory / "known_answers.npz", **answers | {name: answers[name][..., 1:]})
    write_manifest(toy.directory, manifest())
    toy.resign()

    with pytest.raises(BundleError, match=f"{name} is missing or of another shape"):
        toy.read()


def _say(toy, change):
    """Change what the manifest says and sign it."""
    path = toy.directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    toy.resign()


def test_signing_wants_an_ed25519_key(tmp_path):
    toy = toy_bundle(tmp_path / "b")

    with pytest.raises(SettingsError, match="cannot be read"):
        sign(toy.directory, b"no key at all")


def test_a_sites_own_keys_are_added_to_the_pinned_ones(tmp_path: Path):
    write_keys(tmp_path / "keys.json", {"site": b"k" * 32})

    assert trusted_keys(tmp_path / "keys.json") == trusted_keys() | {"site": b"k" * 32}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": "zz"}', '{"a": "00"}', '{"a": 3}', pytest.param("[" * 100_000, id="deep")]
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path, text):
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(SettingsError, match=r"keys\.json"):
        trusted_keys(tmp_path / "keys.json")
