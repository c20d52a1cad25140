"""A stranger's package for the real service, installed beside it (kills_rig): a witness, a feed that breaks.

    [sinks.witness] file = "told.jsonl"   a line for each snapshot, and one for each row of the audit log that
                                          was acknowledged: written only after its Receipt was ok
    [feed] kind = "breakable"             HL7; does once what the file named by BAROCAST_BREAKDOWN says:
                                          `hang` for ever in its receive(), or `raise` there

What was told is appended with one write(2) a line: a SIGKILL afterwards takes none of it back.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.audit.log import AuditLog
from barocast.plugin.audit.row import ALARM, canonical
from barocast.plugin.monitors import HL7
from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.runtime.sessions.hl7 import Hl7Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.domain import Event

ORDER: Final = "BAROCAST_BREAKDOWN"
"""Names the file that orders a breakdown; it is removed as it happens."""
HOURS_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """The table [sinks.witness]."""

    file: str
    """What was told is appended to it."""

    def __post_init__(self) -> None:
        """Listen to the audit log from before it is opened."""
        _listen(Path(self.file))


class Witness:
    """Writes down every snapshot."""

    name = "witness"
    guarantee: Guarantee = "best_effort"

    def __init__(self, file: Path, bed: str) -> None:
        self._file, self._bed = file, bed

    def self_test(self) -> SelfTest:
        """Nothing can fail."""
        return SelfTest(ok=True, text="witness")

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Write it down."""
        shown = [[c.name, str(c.priority), c.active, c.occurrence, c.text] for c in snapshot.conditions]
        _tell(
            self._file,
            {
                "bed": self._bed,
                "now_s": snapshot.now_s,
                "told": shown,
                "audio_pause_left_s": snapshot.audio_pause_left_s,
                "alarm_pause_left_s": snapshot.alarm_pause_left_s,
                "sounding": str(snapshot.sounding) if snapshot.sounding is not None else None,
                "risk": snapshot.decision.risk if snapshot.decision else None,
            },
        )
        return Receipt()

    def close(self) -> None:
        """Nothing is held open."""


class BreakableSession(Hl7Session):
    """An HL7 session that breaks down when it is asked to."""

    def receive(self, data: bytes, now_s: float) -> tuple[list[Event], bytes]:
        """Break down, or decode."""
        order = Path(os.environ.get(ORDER, os.devnull))
        if order.is_file():
            what = order.read_text("ascii")
            order.unlink()
            while what == "hang":
                time.sleep(HOURS_S)
            raise RuntimeError("asked to break down")
        return super().receive(data, now_s)


def _open(settings: WitnessSettings, origin: Origin) -> Witness:
    return Witness(Path(settings.file), origin.bed)


def _listen(file: Path) -> None:
    """Let each row be told once its Receipt is ok, however many beds name the same file."""
    for name, identity in (("write", _alarm), ("note", _note)):
        method = getattr(AuditLog, name)
        setattr(AuditLog, name, _telling(getattr(method, "__wrapped__", method), identity, file))


def _telling(
    method: Callable[..., Receipt], identity: Callable[..., Any], file: Path
) -> Callable[..., Receipt]:
    @wraps(method)
    def put(log: AuditLog, *said: Any) -> Receipt:  # noqa: ANN401 - whatever the method takes
        receipt = method(log, *said)
        if receipt.ok:
            _tell(file, {"acknowledged": identity(*said)})
        return receipt

    return put


def _alarm(row: Any, wall: str) -> list[str]:  # noqa: ANN401 - an events.LogRow
    return [ALARM, wall, canonical(asdict(row))]


def _note(kind: str, fields: Any, wall: str) -> list[str]:  # noqa: ANN401 - a note's fields
    return [kind, wall, canonical(fields)]


def _tell(file: Path, line: dict[str, Any]) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps({"at_s": time.monotonic()} | line).encode() + b"\n")
    finally:
        os.close(handle)


WITNESS: Final = WayOut(WitnessSettings, _open)
BREAKABLE: Final = replace(HL7, name="breakable", session=BreakableSession)
