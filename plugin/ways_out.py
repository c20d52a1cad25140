"""All sinks of a bed: each is given every snapshot, tried again every day, and its failure is a value.

    apply(snapshot)            to every sink that is not being tried just now
    try_out()                  every self-test, at once: at start
    try_when_due(now, quiet)   one self-test beside the loop, every 24 hours, while nothing sounds
    failed()                   PartFailed for each sink that does not work

A sink that is being tried gets no snapshot until it is done, TEST_LIMIT_S at most: a sink is never in two
threads at once. Sinks are named by their `name`, or by their class.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from barocast.plugin.sinks.sink import Receipt, SelfTest
from barocast.runtime.alarm.events import Part, PartFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from barocast.plugin.sinks.sink import AlarmSink
    from barocast.runtime.alarm.events import AlarmSnapshot

    Trial: TypeAlias = Callable[[Callable[[], SelfTest]], Future[SelfTest]]

TEST_EVERY_S: Final = 86400.0
"""From one self-test of a sink to the next (requirement ALM-10)."""
RETEST_S: Final = 300.0
"""The same after one that failed: whoever mends it shall not wait a day."""
TEST_LIMIT_S: Final = 10.0
"""A self-test that takes longer has failed, and the sink is told again meanwhile."""


class WaysOut:
    """The sinks behind one list, which may still grow."""

    def __init__(self, sinks: list[AlarmSink], trial: Trial | None = None) -> None:
        """`trial` runs a self-test beside the loop; by default in a thread of its own."""
        self.sinks = sinks
        self._trial = trial or _in_thread
        self._receipts: dict[str, Receipt] = {}
        self._tests: dict[str, SelfTest] = {}
        self._due_s: dict[str, float] = {}
        self._running: tuple[str, Future[SelfTest], float] | None = None
        """Which sink is being tried, what comes of it, and since when."""

    def named(self) -> list[tuple[str, AlarmSink]]:
        """Give every sink with a name that no other has."""
        seen: dict[str, int] = {}
        named = []
        for sink in self.sinks:
            name = str(getattr(sink, "name", type(sink).__name__))
            seen[name] = seen.get(name, 0) + 1
            named.append((name if seen[name] == 1 else f"{name} {seen[name]}", sink))
        return named

    def apply(self, snapshot: AlarmSnapshot) -> dict[str, Receipt]:
        """Tell every sink; give what each said."""
        tried = self._running[0] if self._running else None
        told = {name: _applied(sink, snapshot) for name, sink in self.named() if name != tried}
        self._receipts |= told
        return told

    def try_out(self) -> dict[str, SelfTest]:
        """Try every sink here and now; give what each said."""
        self._tests |= {name: _tested(sink.self_test) for name, sink in self.named()}
        return dict(self._tests)

    def try_when_due(self, now_s: float, *, quiet: bool) -> None:
        """See what has come of a test that runs; begin the next one that is due, while nothing sounds."""
        if self._running is not None:
            self._finish(self._running, now_s)
        for name, sink in self.named():
            due_s = self._due_s.setdefault(name, now_s + TEST_EVERY_S)
            if self._running is None and quiet and now_s >= due_s:
                self._running = (name, self._trial(sink.self_test), now_s)

    def failed(self) -> list[PartFailed]:
        """Give every sink that does not work, and why."""
        broken = []
        for name, sink in self.named():
            receipt, test = self._receipts.get(name), self._tests.get(name)
            primary = getattr(sink, "guarantee", "primary") == "primary"
            why = _why(receipt, test, believed=not primary)
            if why:
                broken.append(PartFailed(Part.SINK, name, why, primary=primary))
        return broken

    def _finish(self, running: tuple[str, Future[SelfTest], float], now_s: float) -> None:
        name, test, since_s = running
        if not test.done() and now_s - since_s < TEST_LIMIT_S:
            return
        late = SelfTest(ok=False, text=f"its self-test takes longer than {TEST_LIMIT_S:g} s")
        self._tests[name] = _tested(test.result) if test.done() else late
        self._due_s[name] = now_s + (TEST_EVERY_S if self._tests[name].ok else RETEST_S)
        self._running = None


def _why(receipt: Receipt | None, test: SelfTest | None, *, believed: bool) -> str:
    """Give what is wrong; a good receipt says more than an earlier test where the far end answers it."""
    if receipt is not None and not receipt.ok:
        return receipt.text or "failed"
    tested_badly = test is not None and not test.ok and not (believed and receipt is not None)
    return test.text if test is not None and tested_badly else ""


def _applied(sink: AlarmSink, snapshot: AlarmSnapshot) -> Receipt:
    try:
        return sink.apply(snapshot)
    except Exception as error:  # noqa: BLE001 - a stranger's sink costs its own way out, not the others'
        return Receipt(ok=False, text=f"{type(error).__name__}: {error}")


def _tested(test: Callable[[], SelfTest]) -> SelfTest:
    try:
        return test()
    except Exception as error:  # noqa: BLE001 - as above
        return SelfTest(ok=False, text=f"{type(error).__name__}: {error}")


def _in_thread(test: Callable[[], SelfTest]) -> Future[SelfTest]:
    outcome: Future[SelfTest] = Future()
    work = threading.Thread(target=lambda: outcome.set_result(_tested(test)), name="self-test", daemon=True)
    work.start()
    return outcome
