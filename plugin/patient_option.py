"""The --patient option: the static description of design part 4, read and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from barocast.runtime.domain import Patient
from barocast.runtime.errors import PatientError
from barocast.runtime.patient_file import parse_patient

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_patient_argument(parser: ArgumentParser) -> None:
    """Add --patient."""
    parser.add_argument("--patient", type=Path, metavar="FILE", help="JSON file with the static description")


def read_patient(path: Path | None) -> Patient:
    """Give the patient of a file; nothing known without one. Raises PatientError."""
    if path is None:
        return Patient()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise PatientError(f"{path}: cannot be read ({reason}); name a patient file") from error
    return parse_patient(text, str(path))
