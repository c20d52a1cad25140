"""A made-up cohort in the real one's form: random walks of pressure, invented patients, no real row."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    "sex": "F",
    "height": "165",
    "weight": "70",
    "asa": "2.0",
    "emop": "0",
    "department": "General surgery",
    "dx": "Gastric cancer",
    "opname": "Distal gastrectomy",
    "approach": "Open",
    "position": "Supine",
    "ane_type": "General",
    "preop_htn": "1",
    "preop_dm": "0",
    "preop_hb": "11.5",
    "preop_alb": "",
    "preop_cr": "0.9",
    "opstart": "600",
    "anestart": "-300",
    "caseend": "9000",
    "death_inhosp": "1",
    "intraop_eph": "55",
}


def write_cohort(folder: Path, cases: int = 24, minutes: int = 70, seed: int = 0) -> Path:
    """Write every file that export.cohort reads; case i belongs to subject 100 + i."""
    random = np.random.default_rng(seed)
    rows = [
        {"caseid": str(i), "subjectid": str(100 + i), "age": str(30 + i), "kind": "art"} for i in range(cases)
    ]
    rows = [FIELDS | row for row in rows]
    main, more = rows[: cases - 2], rows[cases - 2 :]
    _write_csv(folder / "vitaldb_or" / "cases.csv", main)
    _write_series(folder / "vitaldb_or" / "map_10s.parquet", "map", main, minutes, random)
    _write_csv(folder / "vitaldb_or_more" / "cases.csv", more)
    _write_series(folder / "vitaldb_or_more" / "series_10s.parquet", "ABP_MEAN", more, minutes, random)
    shares = random.integers(0, 200, len(rows))
    burdens = [row | {"n_event": str(n), "n_valid": "1000"} for row, n in zip(rows, shares, strict=True)]
    _write_csv(folder / "vitaldb_or" / "ioh_burden_by_case.csv", burdens)
    windows = [row | {"n_hypo": str(n % 9), "n_windows": "12"} for row, n in zip(rows, shares, strict=True)]
    _write_csv(folder / "vitaldb_windows" / "cases.csv.gz", windows)
    return folder


def _write_series(
    path: Path, column: str, rows: list[dict[str, str]], minutes: int, random: np.random.Generator
) -> None:
    import pyarrow as pa  # noqa: PLC0415 only where a test needs it
    from pyarrow import parquet  # noqa: PLC0415 likewise

    steps = minutes * 6
    series = np.concatenate([_pressure(random, steps) for _ in rows])
    table = {
        "caseid": np.repeat([int(row["caseid"]) for row in rows], steps),
        "t_s": np.tile(np.arange(steps) * 10, len(rows)),
        column: series,
    }
    parquet.write_table(pa.table(table), path)


def _pressure(random: np.random.Generator, steps: int) -> np.ndarray:
    slow = 8 * np.sin(np.arange(steps) / random.uniform(20, 50) + random.uniform(0, 6))
    series = random.uniform(68, 76) + slow + random.normal(0, 1.5, steps)
    series[random.random(steps) < 0.03] = np.nan
    return series


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
