"""What a bed writes down, and what of it cannot be written: decisions, alarm rows, notes, the alarm's memory.

    decided(outcome, now_s)   logged(row)   noted(kind, fields)   kept(state)
    trouble                   which of LOGS does not take what it is given, through `report`

Each of the records may be absent; none stops another, or the bed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.bedside_book import AlarmLog, AlarmMemory, CaseBook, DecisionLog
    from barocast.plugin.sinks.sink import Receipt
    from barocast.plugin.watch import Outcome
    from barocast.runtime.alarm.events import LogRow

LOGS: Final = ("log", "audit", "cases", "recorder", "alarm memory")
"""Troubles that mean that something is not written down."""


class Records:
    """Of one bed."""

    def __init__(
        self,
        log: DecisionLog | None,
        book: CaseBook | None,
        audit: AlarmLog | None,
        memory: AlarmMemory | None,
        report: Callable[[str, str], None],
    ) -> None:
        """`report` takes one of LOGS and what is wrong with it, empty for nothing."""
        self.book, self.memory = book, memory
        self._log, self._audit, self._report = log, audit, report

    def decided(self, outcome: Outcome, now_s: float, wall: str) -> None:
        """Write a decision."""
        if self._log is not None:
            said = (outcome.decision, outcome.alarm, outcome.map_10s)
            self._receive("log", self._log.write_decision(*said))
        if self.book is not None:
            self.book.decided(outcome, now_s, wall)

    def logged(self, row: LogRow, wall: str) -> None:
        """Write a transition of an alarm, or an operator's act."""
        if self._log is not None:
            self._receive("log", self._log.write_log(row, wall))
        if self._audit is not None:
            self._receive("audit", self._audit.write(row, wall))
        if self.book is not None:
            self.book.logged(row, wall)

    def noted(self, kind: str, fields: dict[str, object], wall: str) -> None:
        """Write what is no alarm."""
        if self._audit is not None:
            self._receive("audit", self._audit.note(kind, fields, wall))

    def kept(self, state: dict[str, Any]) -> None:
        """Write what shall outlive a crash."""
        if self.memory is not None:
            self._report("alarm memory", self.memory.keep(state))

    def look(self) -> None:
        """Ask what says its trouble only when it is asked."""
        if self.book is not None:
            self._report("cases", self.book.trouble)

    def _receive(self, part: str, receipt: Receipt) -> None:
        self._report(part, "" if receipt.ok else receipt.text)
