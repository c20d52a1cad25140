"""A bundle that was damaged, swapped, taken back, or reaches outside itself is refused, each by its word."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import SparseTensorProto, TensorProto, helper
from toy_bundle import graph, known_answers, prefix_graph, toy_bundle

from barocast.runtime.bundle import _verify_signature, default_bundle, read_bundle, write_manifest
from barocast.runtime.bundle_files import FILES, TWO_GRAPHS
from barocast.runtime.errors import BundleError, Refused, SettingsError
from barocast.runtime.graph_rules import broken_graph_rule
from barocast.runtime.known_answers import MOST_UNPACKED
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from pathlib import Path

FLIPS = 2000
"""Sampled over the whole bundle that ships (requirement SEC-01); the manifest's are all tried."""
SIGNED = {"manifest.json", "signature"}


@dataclass(frozen=True)
class Whole:
    """A sound bundle, and who is trusted with it."""

    directory: Path
    trusted: list[bytes]

    def code(self, gone=frozenset()):
        return code_of(self.directory, self.trusted, gone)


@pytest.fixture
def shipped(tmp_path):
    return Whole(shutil.copytree(default_bundle(), tmp_path / "b"), [*trusted_keys().values()])


@pytest.fixture
def two_graphs(tmp_path):
    toy = toy_bundle(tmp_path / "b", prefix=True)
    return Whole(toy.directory, [toy.public_key])


@pytest.fixture(params=["shipped", "two_graphs"])
def whole(request):
    return request.getfixturevalue(request.param)


def code_of(directory, trusted, gone=frozenset()):
    with pytest.raises(BundleError) as caught:
        read_bundle(directory, trusted, gone)
    assert str(directory) in str(caught.value)
    return caught.value.code


def codes_of_flips(whole, count):
    """File -> the words that some of its flipped bits are refused with."""
    files = {path.name: path.read_bytes() for path in whole.directory.iterdir()}
    rng, found = random.Random(8), {}
    for _ in range(count):
        name = rng.choice(sorted(files))
        at, bit = rng.randrange(len(files[name])), 1 << rng.randrange(8)
        damaged = bytearray(files[name])
        damaged[at] ^= bit
        (whole.directory / name).write_bytes(damaged)
        found[name] = found.get(name, set()) | {whole.code()}
        (whole.directory / name).write_bytes(files[name])
    return found


def words_of_flips(whole):
    names = [path.name for path in whole.directory.iterdir()]
    return {name: {Refused.SIGNATURE if name in SIGNED else Refused.HASH} for name in names}


@pytest.mark.req("SEC-01", "P9")
def test_two_thousand_flipped_bits_of_the_shipped_bundle_are_all_refused(shipped):
    assert codes_of_flips(shipped, FLIPS) == words_of_flips(shipped)
    assert read_bundle(shipped.directory, shipped.trusted).manifest.id


@pytest.mark.req("SEC-01", "P9")
def test_flipped_bits_of_a_bundle_of_two_graphs_are_all_refused(two_graphs):
    assert codes_of_flips(two_graphs, FLIPS // 10) == words_of_flips(two_graphs)
    assert read_bundle(two_graphs.directory, two_graphs.trusted).prefix


@pytest.mark.req("SEC-01")
def test_every_bit_of_the_manifest_counts(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    files = {name: (toy.directory / name).read_bytes() for name in ("manifest.json", "signature")}
    whole = files["manifest.json"]
    accepted = []
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            _verify_signature(toy.directory, files | {"manifest.json": bytes(damaged)}, [toy.public_key])
        except BundleError:
            continue
        accepted.append(bit)

    assert _verify_signature(toy.directory, files, [toy.public_key]) == toy.public_key
    assert accepted == []


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize("name", FILES[TWO_GRAPHS])
def test_every_truncation_of_a_file_is_refused(two_graphs, name):
    path = two_graphs.directory / name
    content = path.read_bytes()
    lengths = {0, 1, len(content) - 1, *range(0, len(content), max(1, len(content) // 40))}
    codes = set()
    for length in lengths:
        path.write_bytes(content[:length])
        codes.add(two_graphs.code())

    assert codes == {Refused.SIGNATURE if name in SIGNED else Refused.HASH}


def linked(name):
    def link(bundle):
        (bundle / name).rename(bundle.parent / name)
        (bundle / name).symlink_to(bundle.parent / name)

    return link


def swapped(one, other):
    def swap(bundle):
        contents = (bundle / one).read_bytes(), (bundle / other).read_bytes()
        (bundle / one).write_bytes(contents[1])
        (bundle / other).write_bytes(contents[0])

    return swap


def dangling(bundle):
    (bundle / "prefix.onnx").unlink()
    (bundle / "prefix.onnx").symlink_to("nowhere")


ONE_DAMAGE = [
    (lambda b: (b / "model.onnx").unlink(), Refused.MISSING),
    (shutil.rmtree, Refused.MISSING),
    (lambda b: (b / "weights.bin").write_bytes(b"x"), Refused.EXTRA),
    (lambda b: (b / "sub").mkdir(), Refused.EXTRA),
    (lambda b: (b / "model_card.md").write_bytes(bytes((1 << 20) + 1)), Refused.TOO_LARGE),
    (linked("model.onnx"), Refused.LINK),
    (lambda b: shutil.copy(b / "model_card.md", b / "tokenizer.json"), Refused.HASH),
]
ONE_NAMES = [
    "missing file",
    "missing folder",
    "extra file",
    "extra folder",
    "too large",
    "symlink",
    "swapped",
]


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(("damage", "code"), ONE_DAMAGE, ids=ONE_NAMES)
def test_each_kind_of_damage_has_its_own_word(whole, damage, code):
    damage(whole.directory)

    assert whole.code() is code


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda b: (b / "prefix.onnx").unlink(), Refused.MISSING),
        (lambda b: (b / "prefix.onnx").write_bytes(bytes((64 << 20) + 1)), Refused.TOO_LARGE),
        (linked("prefix.onnx"), Refused.LINK),
        (dangling, Refused.LINK),
        (swapped("prefix.onnx", "model.onnx"), Refused.HASH),
    ],
    ids=["missing", "too large", "symlink", "dangling symlink", "swapped with the tick"],
)
def test_each_kind_of_damage_to_the_prefix_has_its_own_word(two_graphs, damage, code):
    damage(two_graphs.directory)

    assert two_graphs.code() is code


@pytest.mark.req("SEC-02")
def test_a_prefix_that_a_bundle_of_one_graph_does_not_have_is_refused(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    (toy.directory / "prefix.onnx").write_bytes(prefix_graph().SerializeToString())

    assert code_of(toy.directory, [toy.public_key]) is Refused.EXTRA


@pytest.mark.req("SEC-02")
def test_a_key_and_a_bundle_that_were_taken_back_are_refused_whoever_trusts_them(tmp_path):
    toy = toy_bundle(tmp_path / "b")
    (tmp_path / "revoked.json").write_text(json.dumps([toy.public_key.hex()]))

    assert code_of(toy.directory, [toy.public_key], revoked(tmp_path / "revoked.json")) is Refused.REVOKED
    assert toy.read().signer == toy.public_key


@pytest.mark.parametrize("text", ["", "{}x", '["zz"]', '["00"]', "[3]", "7"])
def test_a_list_of_revoked_keys_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "revoked.json").write_text(text)

    with pytest.raises(SettingsError, match=r"revoked\.json"):
        revoked(tmp_path / "revoked.json")


def external(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def deep_external(model):
    inner = helper.make_graph([], "inner", [], [], [helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])])
    external_inner = inner.initializer[0]
    external_inner.data_location = TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner))


def sparse(model):
    model.graph.sparse_initializer.add()


def sparse_attribute(model):
    outside = TensorProto(data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    held = SparseTensorProto(values=outside, dims=[4])
    model.graph.node.append(helper.make_node("Constant", [], ["w"], sparse_value=held))


RULES = {
    "outside the file": external,
    "keeps weights outside": deep_external,
    "needs operators of 'com.acme'": lambda m: m.opset_import.add(domain="com.acme", version=1),
    "needs operators of 'evil'": lambda m: setattr(m.graph.node[0], "domain", "evil"),
    "IR version 13": lambda m: setattr(m, "ir_version", 13),
    "opset 24": lambda m: setattr(m.opset_import[0], "version", 24),
    "functions of its own": lambda m: m.functions.add(name="f"),
    "sparse": sparse,
    "holds sparse weights": sparse_attribute,
}


GRAPHS = {"model.onnx": lambda: graph(prefix=True), "prefix.onnx": prefix_graph}


@pytest.mark.req("SEC-02", "INF-04")
@pytest.mark.parametrize("file", GRAPHS)
@pytest.mark.parametrize("said", RULES)
def test_a_graph_that_reaches_outside_itself_is_refused_though_it_is_signed(tmp_path, said, file):
    toy = toy_bundle(tmp_path / "b", prefix=True)
    manifest, model = toy.read().manifest, GRAPHS[file]()
    RULES[said](model)
    (toy.directory / file).write_bytes(model.SerializeToString())
    write_manifest(toy.directory, manifest)
    toy.resign()

    with pytest.raises(BundleError, match=said) as caught:
        toy.read()
    assert file in str(caught.value)
    assert caught.value.code is Refused.GRAPH


def with_known_answers(folder, write):
    """A toy, signed, whose known answers are what `write` makes of their path."""
    toy = toy_bundle(folder / "b")
    manifest = toy.read().manifest
    write(toy.directory / "known_answers.npz")
    write_manifest(toy.directory, manifest)
    toy.resign()
    return toy


def bomb(path):
    np.savez_compressed(path, **known_answers(), more=np.zeros(MOST_UNPACKED, np.uint8))


def bare_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def huge_header(path):
    """An array of a few bytes that says of itself that it has 2**60."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("series.npy", "w") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (1 << 60,)}
        )


@pytest.mark.req("SEC-02")
@pytest.mark.parametrize(
    ("write", "said"),
    [
        (bomb, "at most 67108864 may be"),
        (bare_array, "not an npz archive"),
        (huge_header, "not an npz archive"),
        (lambda path: path.write_bytes(b""), "not an npz archive"),
    ],
    ids=["bomb", "no archive", "huge", "empty"],
)
def test_known_answers_that_would_fill_the_memory_or_are_none_are_refused(tmp_path, write, said):
    toy = with_known_answers(tmp_path, write)

    with pytest.raises(BundleError, match=said) as caught:
        toy.read()
    assert caught.value.code is Refused.KNOWN_ANSWERS


def varint(number):
    low = number & 0x7F
    return bytes([low]) if number < 0x80 else bytes([low | 0x80]) + varint(number >> 7)


def field(number, content, over=0):
    return varint(number << 3 | 2 | over) + varint(len(content)) + content


def model_of(node):
    """An ONNX file of one node, byte by byte: IR 8, opset 17."""
    return b"\x08\x08" + field(7, field(1, node)) + field(8, b"\x10\x11")


@pytest.mark.req("SEC-02")
def test_a_key_of_more_than_32_bits_hides_no_operator():
    """protobuf cuts a key to 32 bits: what is an unknown field to us would be a domain to it."""
    node = helper.make_node("Gelu", ["x"], ["y"]).SerializeToString()
    hidden = field(7, b"com.microsoft", over=1 << 32)

    assert broken_graph_rule(model_of(node)) is None
    assert broken_graph_rule(model_of(node + hidden)) == "is not an ONNX file"


@pytest.mark.req("SEC-02")
def test_what_onnxruntime_takes_for_its_own_format_is_refused():
    """`ORTM` at byte 4: a flatbuffer whose first bytes are a sound protobuf, too."""
    odd = b"\x08\x08\xfa\x00ORTM" + bytes(0x4F - 3)

    assert "onnxruntime's own format" in broken_graph_rule(odd)


def test_the_graph_that_ships_breaks_no_rule():
    assert [broken_graph_rule(path.read_bytes()) for path in default_bundle().glob("*.onnx")] in (
        [None],
        [None] * 2,
    )


def test_any_bytes_are_answered_and_none_raise():
    rng = np.random.default_rng(3)
    whole = graph().SerializeToString()
    said = set()
    for _ in range(2000):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        said.add(broken_graph_rule(bytes(damaged)))

    assert len(said) > 3
