"""A decision log and the alarm log beside it -> the cases in it, each with its journal.

    FILE.jsonl                  of `[sinks] log`, `replay --out` or `demo --json`; or a case file (case_file)
    FILE.alarms.jsonl           where there is one: its rows are placed among the decisions

A decision of another bundle, one whose time does not advance, or one that comes more than NEW_CASE_GAP_S
after the last begins another case, as validation counts them. Alarm rows tell our clock and decisions the
device's: a row that bears the risk of one decision alone lies at that decision, every other by the nearest of
these.
Raises InputError for a file without a single decision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from barocast.plugin.cases.case_file import read_case_file
from barocast.plugin.cases.course import WORDS, Journal
from barocast.plugin.cases.kept_case import UNREADABLE, read_kept_case
from barocast.runtime.errors import InputError
from barocast.runtime.pipeline import NO_DATA
from barocast.runtime.timeline import NEW_CASE_GAP_S

if TYPE_CHECKING:
    from pathlib import Path

    from barocast.plugin.cases.case import Case
    from barocast.plugin.cases.facts import About

RISK_DIGITS: Final = 6
"""Of a risk in a decision log (sinks.jsonl)."""


@dataclass(slots=True)
class LoggedCase:
    """One case of a log."""

    bundle: str
    journal: Journal = field(default_factory=Journal)
    case: Case | None = None
    about: About | None = None
    """Both None of a bare decision log."""
    unread: int = 0
    last_s: float | None = None

    def goes_on_with(self, line: dict[str, Any]) -> bool:
        """Whether a decision is of this very case."""
        if line["bundle"] != self.bundle:
            return False
        return _silent(line) or self.last_s is None or 0 < line["t_s"] - self.last_s <= NEW_CASE_GAP_S

    def take(self, line: dict[str, Any]) -> None:
        """Add a decision; a silence that stands nowhere near the case has no place in it."""
        if not _silent(line):
            self.last_s = line["t_s"]
        elif self.last_s is None or abs(line["t_s"] - self.last_s) > NEW_CASE_GAP_S:
            line = line | {"at_s": None}
        self.journal.take(line)


def read_decision_log(path: Path) -> list[LoggedCase]:
    """Give every case of a log, or the one of a case file, in order."""
    try:
        kept = read_kept_case(path)
        if kept is not None:
            return [LoggedCase(kept.about.bundle_id, kept.journal, kept.case, kept.about, kept.unread)]
        cases, placed = _decisions(path)
        beside = path.with_suffix(".alarms.jsonl")
        if beside.exists():
            _alarms(beside, placed)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a decision log") from error
    if not cases:
        raise InputError(f"{path}: holds no decision; name what `[sinks] log` or `replay --out` wrote")
    return cases


@dataclass(slots=True)
class _Placed:
    """Where the risks of a log lie: (case, device time), None where two decisions bear the same."""

    at: dict[float, tuple[LoggedCase, float] | None] = field(default_factory=dict)

    def put(self, line: dict[str, Any], case: LoggedCase) -> None:
        for p in set(line.get("risk", {}).values()):
            self.at[p] = None if p in self.at else (case, line["t_s"])

    def find(self, row: dict[str, Any]) -> tuple[LoggedCase, float] | None:
        score = row["score"]
        return None if score is None else self.at.get(round(score, RISK_DIGITS))


def _decisions(path: Path) -> tuple[list[LoggedCase], _Placed]:
    cases: list[LoggedCase] = []
    placed, unread = _Placed(), 0
    for line in read_case_file(path):
        unread += not _decided(line, cases, placed)
    cases = [case for case in cases if not case.journal.empty]
    for case in cases:
        case.unread = unread
    return cases, placed


def _decided(line: dict[str, Any] | None, cases: list[LoggedCase], placed: _Placed) -> bool:
    """Add a line to the last case, or to a new one; give whether it could be read."""
    if line is None or not _number(line.get("t_s")):
        return False
    try:
        if not cases or not cases[-1].goes_on_with(line):
            cases.append(LoggedCase(line["bundle"]))
        cases[-1].take(line)
        placed.put(line, cases[-1])
    except UNREADABLE:
        return False
    return True


def _alarms(path: Path, placed: _Placed) -> None:
    """Place every row that can be placed into the journal of its case."""
    rows = [line["log"] for line in read_case_file(path) if line and _is_row(line.get("log"))]
    for run in _runs(rows):
        anchors = [(at, found) for at, row in enumerate(run) if (found := placed.find(row))]
        for number, row in enumerate(run if anchors else []):
            at, (case, t_s) = min(anchors, key=lambda anchor: abs(anchor[0] - number))
            at_s = t_s + row["now_s"] - run[at]["now_s"]
            case.journal.take({"log": row, "at_s": at_s})


def _is_row(row: object) -> TypeGuard[dict[str, Any]]:
    """Whether it has what a place and a journal need."""
    if not isinstance(row, dict) or not {*WORDS, "now_s", "score"} <= row.keys():
        return False
    return _number(row["now_s"]) and (row["score"] is None or _number(row["score"]))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _runs(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Cut where our clock began anew: another run of the service."""
    runs: list[list[dict[str, Any]]] = []
    for row in rows:
        if not runs or row["now_s"] < runs[-1][-1]["now_s"]:
            runs.append([])
        runs[-1].append(row)
    return runs


def _silent(line: dict[str, Any]) -> bool:
    return str(line["reason"]).startswith(NO_DATA)
