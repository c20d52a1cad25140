"""A site's floors as a file, and the record of what was let in.

    [[floor]]                                   gate.toml
    figure = "risk.10.auroc.low"
    at_least = 0.78
    [[floor]]
    figure = "alarm.shipped.alarms_per_hour"
    at_most = 1.5

`record` adds a line to the change-control file: which bundle, by which floors, on which report, with what
result; each line carries the hash of the one before, so that a line taken out or changed shows. Nothing
follows the last line: that it was changed or cut shows only by its hash, which `record` gives to be kept
elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.gate import Floor
from barocast.runtime.errors import InputError, SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from barocast.calibration.gate import Finding

KEYS: Final = frozenset({"figure", "at_least", "at_most"})
FIRST: Final = "0" * 64
"""What the first line carries in place of a hash."""


def read_floors(path: Path) -> list[Floor]:
    """Give the floors. Raises SettingsError that names the one that cannot be meant."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"--gate {path}: cannot be read ({error}); write [[floor]] tables in TOML"
        ) from error
    floors = tables.pop("floor", None)
    if tables or not isinstance(floors, list) or not floors:
        raise SettingsError(
            f"--gate {path}: holds {sorted(tables) or 'nothing'}; write [[floor]] tables only"
        )
    return [_floor(path, number, table) for number, table in enumerate(floors, start=1)]


def record(
    path: Path, when: str, report_text: str, report: dict[str, Any], findings: Sequence[Finding]
) -> str:
    """Add a line to the change-control file; give its hash. Raises as `read_record` does."""
    text = read_record(path)
    line = json.dumps(
        {
            "when": when,
            "bundle": report["about"]["bundle"],
            "model_sha256": report["about"]["model_sha256"],
            "report_sha256": _sha256(report_text),
            "passed": all(finding.passed for finding in findings),
            "findings": [finding.reason for finding in findings],
            "previous": _sha256(text.splitlines()[-1]) if text else FIRST,
        }
    )
    unended = "\n" if text and not text.endswith("\n") else ""  # an editor may have taken the last line's end
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{unended}{line}\n")
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    return _sha256(line)


def read_record(path: Path) -> str:
    """Give the text of a change-control file to which a line can be added; empty where there is none yet.

    Raises SettingsError where it cannot be written, InputError where it cannot be read or was tampered with.
    """
    if not path.parent.is_dir():
        raise _unwritable(path, f"there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _unwritable(path, "no permission")
    try:
        text = path.read_text("utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is no UTF-8; restore the file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a file with --record") from error
    _check_chain(path, text.splitlines())
    return text


def _check_chain(path: Path, lines: Sequence[str]) -> None:
    """Raise InputError at the first line that does not carry the hash of the one before."""
    expected = FIRST
    for number, line in enumerate(lines, start=1):
        try:
            carried = json.loads(line)["previous"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}:{number}: no line of a change-control file; restore it") from error
        if carried != expected:
            raise InputError(f"{path}:{number}: does not follow the line before it; restore the file")
        expected = _sha256(line)


def _unwritable(path: Path, why: str | None) -> SettingsError:
    return SettingsError(f"--record {path}: cannot be written ({why}); name a file in a folder of yours")


def _floor(path: Path, number: int, table: Any) -> Floor:  # noqa: ANN401 - whatever TOML can hold
    if not isinstance(table, dict) or not table.keys() <= KEYS or not isinstance(table.get("figure"), str):
        raise SettingsError(
            f"--gate {path}: floor {number}: write figure and at_least or at_most, and no more"
        )
    try:
        limits = {name: float(table[name]) for name in ("at_least", "at_most") if name in table}
        return Floor(table["figure"], **limits)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"--gate {path}: floor {number}: {error}") from error


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
