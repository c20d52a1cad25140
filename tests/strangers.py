"""Packages of strangers, as pip would have installed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def installed(folder: Path, name: str, offers: str, files: Mapping[str, str], version: str = "1.0") -> Path:
    """Lay a package into `folder`: `offers` is its entry_points.txt, `files` path -> text."""
    info = f"{name.lower().replace('-', '_')}-{version}.dist-info"
    told = {f"{info}/METADATA": f"Name: {name}\nVersion: {version}\n", **files}
    record = "".join(f"{path},,\n" for path in told)
    laid = {**told, f"{info}/entry_points.txt": offers, f"{info}/RECORD": record}
    for path, text in laid.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder
