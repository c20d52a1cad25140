"""The log as JSON lines: one file of decisions, one of alarm transitions.

    decisions   {"t_s", "state", "reason", "risk", "map", "gates", "alarm", "bundle", "map_10s"}
    alarms      {"log": {"now_s", "transition", "condition", ..., "wall", "bundle"}}

`risk` and `map` are there only when the state is `forecast`. NaN is never printed: a forecast that
is not finite throughout becomes a fault. `map_10s` is the MAP that the pipeline saw since the line before:
means of 10 s, mmHg, null where nothing was measured, the last ending at `t_s` or up to 10 s before.
Each line is flushed; a full disk is a Receipt, not an end.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest
from barocast.runtime.alarm.facts import why_unusable
from barocast.runtime.domain import HORIZONS_MIN, Abstain, Fault, Risk

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot, LogRow
    from barocast.runtime.domain import Decision, Floats

RISK_DIGITS = 6
MMHG_DIGITS = 2
COLUMN_DIGITS = 6
"""Of a mean: with three digits, rounding to 65 mmHg ended an event in one of 21 simulated hours."""
GATE_DIGITS = 4


def decision_line(decision: Decision, alarm: str, bundle_id: str, map_10s: Floats) -> dict[str, Any]:
    """Give the wire contract's object for one decision; `alarm` and `map_10s` are Outcome's."""
    if isinstance(decision, Risk) and (why := why_unusable(decision)):
        decision = Fault(decision.t_s, why)
    line: dict[str, Any] = {"t_s": decision.t_s, **_body(decision)}
    columns = [None if math.isnan(mmhg) else round(mmhg, COLUMN_DIGITS) for mmhg in map_10s.tolist()]
    return {**line, "alarm": alarm, "bundle": bundle_id, "map_10s": columns}


def _body(decision: Decision) -> dict[str, Any]:
    if not isinstance(decision, Risk):
        state = "abstain" if isinstance(decision, Abstain) else "fault"
        return {"state": state, "reason": decision.reason, "gates": {}}
    forecast = decision.forecast
    return {
        "state": "forecast",
        "reason": None,
        "risk": {str(h): round(float(p), RISK_DIGITS) for h, p in zip(HORIZONS_MIN, decision.p, strict=True)},
        "map": {
            name: _rounded(getattr(forecast, name), MMHG_DIGITS) for name in ("minutes", "q10", "q50", "q90")
        },
        "gates": {name: round(float(share), GATE_DIGITS) for name, share in forecast.gates.items()},
    }


def _rounded(values: Floats, digits: int) -> list[float]:
    return [round(float(v), digits) for v in values]


class JsonLinesSink:
    """Appends to both files. Alarm transitions go to `alarms`, by default NAME.alarms.jsonl beside."""

    guarantee: Guarantee = "best_effort"

    def __init__(
        self, decisions: str | Path, *, alarms: str | Path | None = None, bundle_id: str = ""
    ) -> None:
        """Open nothing yet; both files are opened by their first line."""
        path = Path(decisions)
        self._bundle_id = bundle_id
        self._decisions = _Lines(path)
        self._alarms = _Lines(Path(alarms) if alarms else path.with_suffix(".alarms.jsonl"))
        self._last = Receipt()

    def write_decision(self, decision: Decision, alarm: str, map_10s: Floats) -> Receipt:
        """Append one decision with the MAP that led to it."""
        return self._kept(self._decisions.append(decision_line(decision, alarm, self._bundle_id, map_10s)))

    def write_log(self, row: LogRow, wall: str | None = None) -> Receipt:
        """Append one alarm transition; `wall` is the shell's date and time, ISO 8601."""
        return self._kept(
            self._alarms.append({"log": {**asdict(row), "wall": wall, "bundle": self._bundle_id}})
        )

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:  # noqa: ARG002 - a log keeps changes, not states
        """Say whether the latest line was written."""
        return self._last

    def self_test(self) -> SelfTest:
        """Open both files for appending."""
        for lines in (self._decisions, self._alarms):
            trouble = lines.open()
            if trouble:
                return SelfTest(ok=False, text=trouble)
        return SelfTest(ok=True, text=f"log: {self._decisions.path}, {self._alarms.path}")

    def close(self) -> None:
        """Close both files."""
        self._decisions.close()
        self._alarms.close()

    def _kept(self, trouble: str) -> Receipt:
        self._last = Receipt(ok=not trouble, text=trouble)
        return self._last


class _Lines:
    """One append-only file. Methods give what failed, empty when nothing did; each line tries anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def open(self) -> str:
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("ab", buffering=0)
                self._end_torn_line(self._file)
        except OSError as error:
            return self._failed(error)
        return ""

    def append(self, line: dict[str, Any]) -> str:
        trouble = self.open()
        if trouble or self._file is None:
            return trouble
        packed = json.dumps(line, allow_nan=False).encode() + b"\n"
        try:
            written = self._file.write(packed)
        except OSError as error:
            return self._failed(error)
        return "" if written == len(packed) else self._failed(OSError(0, "cut short"))

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _end_torn_line(self, file: IO[bytes]) -> None:
        """End a half line that a power cut left, so that the next one stands by itself."""
        if file.tell() == 0:
            return
        with self.path.open("rb") as written:
            written.seek(-1, 2)
            if written.read(1) != b"\n":
                file.write(b"\n")

    def _failed(self, error: OSError) -> str:
        self.close()
        return f"log: {self.path}: {error.strerror}"
