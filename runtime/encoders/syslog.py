r"""One line of a log about an alarm, for syslog: RFC 5424, or the older form that a local socket takes.

    <28>1 2026-11-22T21:00:05.123Z box barocast 812 ALARM [barocast@32473 bed="OR 3" phase="start" ...] text
    <28>barocast[812]: [barocast@32473 bed="OR 3" phase="start" ...] text

The number is 8 * facility (3, a daemon) + severity: a high alarm 2, a medium one 4, a low one 5, its end and
the heartbeat 6. /dev/log takes the second form: journald and rsyslog find the program's name there, and would
show the first one's header as text. 32473 is IANA's number for examples (RFC 5612): this program has none.

Source: RFC 5424 part 6; RFC 3164 part 4 for the older form.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.alarm.rules import Priority
from barocast.runtime.encoders.alert_phases import Phase
from barocast.runtime.encoders.notice import NOTICE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.runtime.encoders.alert_phases import Report

MAX_VALUE: Final = 120
"""Characters of a value or text: a line stays below the 2,048 bytes that receivers take (RFC 5424, 6.1)."""
_DAEMON: Final = 3
_INFO: Final = 6
SEVERITIES: Final = MappingProxyType({Priority.LOW: 5, Priority.MEDIUM: 4, Priority.HIGH: 2})
_QUOTED: Final = MappingProxyType({ord(sign): f"\\{sign}" for sign in '"\\]'})
_PLAIN: Final = MappingProxyType(dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " "))


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes the log."""

    bed: str
    host: str
    """HOSTNAME of RFC 5424; empty: unknown."""
    pid: int
    local: bool
    """The older form."""

    def alarm(self, report: Report) -> bytes:
        """Give the line of one change of an alarm."""
        condition = report.condition
        data = {
            "phase": str(report.phase),
            "condition": condition.name,
            "source": condition.source,
            "priority": str(condition.priority),
            "type": "technical" if condition.technical else "physiological",
            "active": "true" if condition.active else "false",
            "inactivation": str(condition.inactivation),
            "alarm": str(report.alarm),
        }
        severity = _INFO if report.phase is Phase.END else SEVERITIES[condition.priority]
        return self._line(severity, "ALARM", data, condition.text, report.wall_s)

    def heartbeat(self, shown: int, wall_s: float) -> bytes:
        """Give the line that says that nobody died; `shown`: how many alarms are shown."""
        return self._line(_INFO, "HEARTBEAT", {"shown": str(shown)}, NOTICE, wall_s)

    def _line(self, severity: int, kind: str, data: Mapping[str, str], text: str, wall_s: float) -> bytes:
        pri = 8 * _DAEMON + severity
        pairs = {"bed": self.bed, **data}
        written = " ".join(f'{name}="{_value(value)}"' for name, value in pairs.items())
        said = f"[barocast@32473 {written}] {text[:MAX_VALUE].translate(_PLAIN)}"
        if self.local:
            return f"<{pri}>barocast[{self.pid}]: {said}".encode(errors="replace")
        host = "".join(sign for sign in self.host if "!" <= sign <= "~")[:MAX_VALUE] or "-"
        return f"<{pri}>1 {_time(wall_s)} {host} barocast {self.pid} {kind} {said}".encode(errors="replace")


def _value(said: str) -> str:
    return said[:MAX_VALUE].translate(_PLAIN).translate(_QUOTED)


def _time(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, timezone.utc).isoformat(timespec="milliseconds")
