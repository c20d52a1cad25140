"""How the bed's process and the engine's process speak: frames over a pair of pipes, no pickle.

    frame     := length:u32 little-endian, kind:1 byte, body   length counts kind and body
    ask       := Q  t_s:f64  series mask trend text          ModelInput's arrays, of the manifest's shapes
    forecast  := F  logits:f64[3] minutes q10 q50 q90:f64[n] gates:f64[k]
    fault     := X  UTF-8 reason
    ready     := R  SHA-256 of the graphs (32 bytes)  UTF-8 name, line break, why not the wanted engine

Both ends were made from the same verified manifest, so every length is known before it is read; a frame of
another length is a broken engine. Raises EngineLostError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.errors import BarocastError

if TYPE_CHECKING:
    from barocast.runtime.manifest import Manifest

LENGTH: Final = struct.Struct("<I")
TIME: Final = struct.Struct("<d")
MOST_BYTES: Final = 1 << 20
"""Of a frame: a window of a hundred channels is a tenth of it."""
MOST_REASON: Final = 2000
"""Characters of a reason that are carried over."""
TYPES: Final = {"series": "<f4", "mask": "<f4", "trend": "<f4", "text": "<i8"}
HASH_BYTES: Final = 32


class EngineLostError(BarocastError):
    """The other process has gone, or says what cannot be meant."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One window to answer."""

    t_s: float
    model_input: ModelInput


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine has loaded its bundle and knows its known answers."""

    graphs_sha256: bytes
    name: str
    reason: str
    """Why it is not the engine that was wanted; empty where it is."""


def frame(kind: bytes, *parts: bytes) -> bytes:
    """Pack one frame."""
    body = b"".join((kind, *parts))
    return LENGTH.pack(len(body)) + body


def pack_ask(model_input: ModelInput, t_s: float) -> bytes:
    """Pack a window."""
    arrays = (np.ascontiguousarray(getattr(model_input, f.name), TYPES[f.name]) for f in fields(ModelInput))
    return frame(b"Q", TIME.pack(t_s), *(array.tobytes() for array in arrays))


def unpack_ask(body: bytes, manifest: Manifest) -> Ask:
    """Read a window of the manifest's shapes."""
    at, arrays = TIME.size, {}
    for field in fields(ModelInput):
        shape = manifest.shapes[field.name]
        count = int(np.prod(shape))
        arrays[field.name] = np.frombuffer(body, TYPES[field.name], count, at).reshape(shape)
        at += arrays[field.name].nbytes
    _all_read(body, at)
    return Ask(TIME.unpack_from(body)[0], ModelInput(**arrays))


def pack_answer(answer: Forecast | Fault) -> bytes:
    """Pack what the engine gave."""
    if isinstance(answer, Fault):
        return frame(b"X", answer.reason[:MOST_REASON].encode())
    curves = (answer.minutes, answer.q10, answer.q50, answer.q90)
    gates = np.array(list(answer.gates.values()), dtype="<f8")
    return frame(b"F", *(np.asarray(a, "<f8").tobytes() for a in (answer.logits, *curves, gates)))


def unpack_answer(kind: bytes, body: bytes, manifest: Manifest, t_s: float) -> Forecast | Fault:
    """Read an answer for the instant `t_s`."""
    if kind == b"X":
        return Fault(t_s, body.decode(errors="replace"))
    if kind != b"F":
        raise EngineLostError(f"the engine sent a frame of kind {kind!r}")
    values = np.frombuffer(body, "<f8", len(body) // 8)
    horizons, steps = len(manifest.horizons_min), len(manifest.forecast_minutes)
    _all_read(body, 8 * (horizons + 4 * steps + len(manifest.gates)))
    logits, curves, gates = np.split(values, [horizons, horizons + 4 * steps])
    minutes, q10, q50, q90 = curves.reshape(4, steps)
    return Forecast(logits, minutes, q10, q50, q90, dict(zip(manifest.gates, gates.tolist(), strict=True)))


def pack_ready(ready: Ready) -> bytes:
    """Pack the engine's first word."""
    return frame(b"R", ready.graphs_sha256, f"{ready.name}\n{ready.reason}"[:MOST_REASON].encode())


def unpack_ready(kind: bytes, body: bytes) -> Ready:
    """Read the engine's first word; what kept it from starting is raised."""
    if kind == b"X":
        raise EngineLostError(body.decode(errors="replace"))
    if kind != b"R" or len(body) < HASH_BYTES:
        raise EngineLostError(f"the engine began with a frame of kind {kind!r}")
    name, _, reason = body[HASH_BYTES:].decode(errors="replace").partition("\n")
    return Ready(body[:HASH_BYTES], name, reason)


def _all_read(body: bytes, expected: int) -> None:
    if len(body) != expected:
        raise EngineLostError(f"a frame of {len(body)} bytes where {expected} are due")
