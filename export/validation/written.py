"""A report on disk, all of it computed before the first byte is written.

    report.json        every figure
    report.html        the page, which stands alone
    report.pdf         the same, to print
    card.md            the model card, filled from the run
    pictures/NAME.svg  the pictures that show no single patient, for papers and slides

Raises SettingsError where the folder cannot be written.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.report.card import markdown
from barocast.calibration.report.gallery import PICTURES, hang
from barocast.calibration.report.page import page
from barocast.calibration.report.printed import alarmed, number
from barocast.export.validation.pdf import to_pdf
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

PAGE: Final = "report.html"
PRINT: Final = "report.pdf"


def write(out: Path, report: dict[str, Any]) -> str:
    """Write the report; give the text of report.json. Says on standard output what was written."""
    pictures = hang(report)
    html, text = page(report, pictures), json.dumps(plain(report), indent=1) + "\n"
    document, trouble = to_pdf(html)
    contents = {
        "report.json": text.encode(),
        PAGE: html.encode(),
        PRINT: document,
        "card.md": markdown(report).encode(),
        **{
            f"pictures/{name}.svg": picture.encode()
            for name, picture in pictures.items()
            if PICTURES[name].aggregate
        },
    }
    try:
        (out / "pictures").mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _put(out / name, content)
    except OSError as error:
        raise SettingsError(
            f"--out {out}: cannot be written ({error.strerror}); name another folder"
        ) from error
    print(f"{out / PAGE}: {summary(report)}")
    print(f"{out / PRINT}: {trouble or 'the same, to print'}")
    return text


def _put(path: Path, content: bytes) -> None:
    """Write a file; what this run does not have must not be found there from an earlier one."""
    if content:
        path.write_bytes(content)
    else:
        path.unlink(missing_ok=True)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Give the value as JSON has it: what does not exist is null, never NaN."""
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summary(report: dict[str, Any]) -> str:
    """Give the whole in a line."""
    judged, shipped = report["about"]["judged"], report["alarm"]["shipped"]
    auroc = " / ".join(number(found["auroc"]["value"], 3) for found in report["risk"].values())
    return (
        f"{judged['patients']} patients; AUROC {auroc} at {' / '.join(report['risk'])} min; alarmed: "
        f"{alarmed(shipped, judged['onsets'])}; "
        f"alarms per eligible hour: {number(shipped['alarms_per_hour'])}"
    )
