"""What a graph may hold, read off an ONNX file's own bytes before any library loads it.

    broken_graph_rule(model) -> the first rule that it breaks, or None

    ModelProto      1 ir_version, 7 graph, 8 opset_import (1 domain, 2 version), 25 functions
    GraphProto      1 node, 5 initializer, 15 sparse_initializer
    NodeProto       4 op_type, 5 attribute, 7 domain
    AttributeProto  5 t, 6 g, 10 tensors, 11 graphs, 22 sparse_tensor, 23 sparse_tensors
    TensorProto     13 external_data, 14 data_location (1: external)

A signature says who made a bundle, not that its graph stays inside it: weights in other files have been a
way out of a directory (CVE-2024-27318, CVE-2024-5187), operators of other domains need libraries that no
bundle may bring, and a newer format is not loaded by the last onnxruntime of Python 3.10. Source: onnx.proto3
of ONNX 1.17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAINS: Final = frozenset({b"", b"ai.onnx"})
"""The standard operators; no others."""
MAX_IR: Final = 10
MAX_OPSET: Final = 20
"""What onnxruntime 1.23 loads with room to spare (docs/decisions/0002)."""
MAX_DEPTH: Final = 8
"""Of graphs in attributes of nodes; ours have none."""
IR_VERSION, GRAPH, OPSET_IMPORT, FUNCTIONS = 1, 7, 8, 25
NODES, WEIGHTS, SPARSE_WEIGHTS = 1, 5, 15
ATTRIBUTES, DOMAIN = 5, 7
TENSORS, GRAPHS, SPARSE = frozenset({5, 10}), frozenset({6, 11}), frozenset({22, 23})
EXTERNAL_DATA, DATA_LOCATION = 13, 14
INSIDE: Final = 0
"""The one data_location that may be: another number may be EXTERNAL (1) once it is cut to 32 bits."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES: Final = 10
"""Of 64 bits, seven to a byte."""
KEY_BITS: Final = 32
"""Of a field's key. protobuf cuts a longer one to these: what is unknown here would be known there."""
ORT_FORMAT: Final = b"ORTM"
"""At byte 4 of onnxruntime's own format, which it takes a file for whatever else its bytes may mean."""


class _OddError(Exception):
    """The bytes are no such message, or break a rule; its text says which."""


def broken_graph_rule(model: bytes) -> str | None:
    """Say what is wrong with the file; None when nothing is."""
    try:
        _check_model(memoryview(model))
    except _OddError as odd:
        return str(odd)
    return None


def _check_model(model: memoryview) -> None:
    if bytes(model[4:8]) == ORT_FORMAT:
        raise _OddError("is of onnxruntime's own format, not an ONNX file")
    ir = 0
    for field, value in _fields(model):
        if field == IR_VERSION:
            ir = _number(value)
        elif field == GRAPH:
            _check_graph(_message(value), 0)
        elif field == OPSET_IMPORT:
            _check_opset(_message(value))
        elif field == FUNCTIONS:
            raise _OddError("brings functions of its own, which no bundle may")
    if not 0 < ir <= MAX_IR:
        raise _OddError(f"is of IR version {ir}; at most {MAX_IR} is loaded everywhere")


def _check_opset(opset: memoryview) -> None:
    found = dict(_fields(opset))
    _check_domain(_message(found.get(1, memoryview(b""))))
    version = _number(found.get(2, 0))
    if version > MAX_OPSET:
        raise _OddError(f"is of opset {version}; at most {MAX_OPSET} is loaded everywhere")


def _check_domain(domain: memoryview) -> None:
    if bytes(domain) not in DOMAINS:
        raise _OddError(
            f"needs operators of {bytes(domain).decode(errors='replace')!r}; only standard ones may be"
        )


def _check_graph(graph: memoryview, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _OddError("nests graphs too deeply")
    for field, value in _fields(graph):
        if field == NODES:
            _check_node(_message(value), depth)
        elif field == WEIGHTS:
            _check_tensor(_message(value))
        elif field == SPARSE_WEIGHTS:
            raise _OddError("holds sparse weights, which this version does not check")


def _check_node(node: memoryview, depth: int) -> None:
    for field, value in _fields(node):
        if field == DOMAIN:
            _check_domain(_message(value))
        elif field == ATTRIBUTES:
            for inner, held in _fields(_message(value)):
                if inner in SPARSE:
                    raise _OddError("holds sparse weights, which this version does not check")
                if inner in TENSORS:
                    _check_tensor(_message(held))
                elif inner in GRAPHS:
                    _check_graph(_message(held), depth + 1)


def _check_tensor(tensor: memoryview) -> None:
    for field, value in _fields(tensor):
        if field == EXTERNAL_DATA or (field == DATA_LOCATION and _number(value) != INSIDE):
            raise _OddError("keeps weights outside the file")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Give each field's number and value: a number, or the bytes of what has a length (protobuf encoding)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key >> KEY_BITS:
            raise _OddError("is not an ONNX file")
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        length, at = _varint(message, at) if kind == BYTES else (_width(kind), at)
        if length > len(message) - at:
            raise _OddError("is cut short")
        yield key >> 3, message[at : at + length]
        at += length


def _width(kind: int) -> int:
    if kind not in {FIXED64, FIXED32}:
        raise _OddError("is not an ONNX file")
    return 8 if kind == FIXED64 else 4


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint has no top bit
            return value, at + place + 1
    raise _OddError("is cut short or not an ONNX file")


def _number(value: int | memoryview) -> int:
    if isinstance(value, memoryview):
        raise _OddError("is not an ONNX file")
    return value


def _message(value: int | memoryview) -> memoryview:
    if not isinstance(value, memoryview):
        raise _OddError("is not an ONNX file")
    return value
