"""`barocast validate --from-log FILE [FILE ...]`: what was forecast at the bedside, judged by what followed.

Writes live.json, live.html and, where floors are given with `--gate`, status.json: the file that a bed's
configuration may name, so that its screen says when the forecasts have become worse. `judged_at` of a status
is the time of this run, `since` that at which the same was first said of the same bundle.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from barocast.calibration.figures.inputs import EDGES
from barocast.export.validation.gate_file import read_floors
from barocast.export.validation.live_study import DEGRADED, LivePlan, live_study
from barocast.export.validation.written import plain
from barocast.runtime.bundle import default_bundle, read_bundle
from barocast.runtime.errors import InputError, SettingsError
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from pathlib import Path

STATUS: Final = "status.json"


def run_live(args: Namespace) -> int:
    """Judge the logs; give the exit status: 1 when the forecasts are degraded."""
    bundle = read_bundle(args.bundle or default_bundle(), trusted_keys(args.trust).values(), revoked())
    reference = read_reference(args.reference, bundle.manifest.id) if args.reference else None
    floors = read_floors(args.gate) if args.gate else []
    report = live_study(args.from_log, LivePlan(bundle, args.draws, reference, floors))
    if report["status"] is not None:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        since = _since(args.out / STATUS, report["status"]) or now
        report["status"] |= {"since": since, "judged_at": now}
    _write(args.out, report)
    print(f"{args.out / 'live.html'}: {summary(report)}")
    return int(report["status"] is not None and report["status"]["status"] == DEGRADED)


def read_reference(path: Path, bundle: str) -> Mapping[str, Any]:
    """Give the `inputs` section of a validation's report.json. Raises InputError."""
    try:
        report = json.loads(path.read_text("utf-8"))
        found, of = report["inputs"], report["about"]["bundle"]
        sizes = {name: len(found[name]) for name in EDGES}
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"--reference {path}: no report of a validation ({type(error).__name__}: {error}); "
            f"give its report.json"
        ) from error
    if sizes != {name: len(edges) + 1 for name, edges in EDGES.items()}:
        raise InputError(f"--reference {path}: other bins than this version's; validate the bundle anew")
    if of != bundle:
        raise InputError(
            f"--reference {path}: validates {of}, the log is of {bundle}; give that one's report"
        )
    return dict(found)


def summary(report: Mapping[str, Any]) -> str:
    """Give the whole in a line."""
    about, status = report["about"], report["status"]
    said = (
        ""
        if status is None
        else f"; {status['status']}: {'; '.join(status['reasons']) or 'every floor holds'}"
    )
    return f"{about['cases']} cases, {about['onsets']} events, {about['answered']:.0%} answered{said}"


def _since(path: Path, status: Mapping[str, Any]) -> str:
    """Give when this status began, as the file before said; empty where it said another, or nothing."""
    try:
        before = json.loads(path.read_text("utf-8"))
        same = all(before[name] == status[name] for name in ("status", "bundle"))
        return str(before["since"]) if same else ""
    except (KeyError, OSError, TypeError, ValueError):
        return ""  # the first one, or one that nobody can read


def _write(out: Path, report: dict[str, Any]) -> None:
    from barocast.calibration.report.live_page import live_page  # noqa: PLC0415 `validate` extra

    texts = {"live.json": json.dumps(plain(report), indent=1) + "\n", "live.html": live_page(report)}
    if report["status"] is not None:
        texts[STATUS] = json.dumps(report["status"], indent=1) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"--out {out}: cannot be written ({error.strerror}); name another folder"
        ) from error
