"""Recordings of every kind that needs no live feed, made up: numerics, and arterial waves alone."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 100
BEAT_S = 0.8
COUNTS_PER_MMHG = 16
_NUMERIC, _WAVE, _SHORT = 2, 1, 5


def arterial_wave(minutes: float) -> np.ndarray:
    """Give counts, COUNTS_PER_MMHG each, of a wave of 75 beats a minute with a mean of 77 mmHg, (n,)."""
    into = np.arange(round(minutes * 60 * RATE_HZ)) / RATE_HZ % BEAT_S
    shape = np.clip(into / 0.1, 0, 1) * np.exp(-np.clip(into - 0.1, 0, None) / 0.22)
    return np.round((60 + 50 * shape) * COUNTS_PER_MMHG).astype("<i2")


def write_csv(folder: Path, name: str, map_mmhg: np.ndarray) -> Path:
    """Write a value every 10 s."""
    rows = [f"{10 * i},{'' if np.isnan(value) else value}" for i, value in enumerate(map_mmhg.tolist())]
    (folder / f"{name}.csv").write_text("\n".join(["t_s,ABP_MEAN", *rows]) + "\n")
    return folder / f"{name}.csv"


def write_wave_wfdb(folder: Path, name: str, minutes: float) -> Path:
    """Write a record in two segments, each with its signal file."""
    counts = arterial_wave(minutes)
    parts = {f"{name}_1": counts[: counts.size // 2], f"{name}_2": counts[counts.size // 2 :]}
    for part, values in parts.items():
        signal = f"{part}.dat 16 {COUNTS_PER_MMHG}(0)/mmHg 16 0 0 0 0 ABP"
        (folder / f"{part}.hea").write_text(f"{part} 1 {RATE_HZ} {values.size}\n{signal}\n")
        (folder / f"{part}.dat").write_bytes(values.tobytes())
    segments = "\n".join(f"{part} {values.size}" for part, values in parts.items())
    (folder / f"{name}.hea").write_text(f"{name}/{len(parts)} 1 {RATE_HZ} {counts.size}\n{segments}\n")
    return folder / f"{name}.hea"


def write_wave_vital(folder: Path, name: str, minutes: float) -> Path:
    """Write a Vital Recorder file with an arterial wave and nothing else, a second a record."""
    seconds = arterial_wave(minutes).reshape(-1, RATE_HZ)
    records = [
        _record(0, float(second), struct.pack(f"<I{RATE_HZ}h", RATE_HZ, *counts))
        for second, counts in enumerate(seconds.tolist())
    ]
    track = _track(0, b"ART", _WAVE, _SHORT, RATE_HZ, 1 / COUNTS_PER_MMHG)
    (folder / f"{name}.vital").write_bytes(_vital(track, *records))
    return folder / f"{name}.vital"


def vital_numerics(tracks: dict[bytes, list[float]]) -> bytes:
    """Give a file that was saved again: one track after the other, a value a second."""
    return _vital(
        *(_track(number, name, _NUMERIC, 1, 0, 1) for number, name in enumerate(tracks)),
        *(
            _record(number, 100.0 + at, struct.pack("<f", value))
            for number, values in enumerate(tracks.values())
            for at, value in enumerate(values)
        ),
    )


def _vital(*packets: bytes) -> bytes:
    return gzip.compress(b"VITA" + struct.pack("<IH", 3, 0) + b"".join(packets))


def _record(track: int, t_s: float, body: bytes) -> bytes:
    return struct.pack("<BIHdH", 1, 12 + len(body), 10, t_s, track) + body


def _track(number: int, name: bytes, kind: int, form: int, rate_hz: float, gain: float) -> bytes:
    body = struct.pack("<HBBI", number, kind, form, len(name)) + name + struct.pack("<I4s", 4, b"mmHg")
    body += struct.pack("<ffIfddBI", 0, 0, 0, rate_hz, gain, 0, 0, 0)
    return struct.pack("<BI", 0, len(body)) + body
