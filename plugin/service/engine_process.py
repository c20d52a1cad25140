"""An engine in a process of its own, with a deadline: a wedged or dying one costs a Fault, not the bed.

    run(model_input, t_s)     -> Forecast | Fault    within DEADLINE_S, always
    trouble                   -> "" or why there is no engine now

Where no answer came in time, where the process died, or after FAULTS_IN_A_ROW faults, it is killed and made
anew beside the beds' loops; it proves its known answers again before it is asked anything. Until then every
window is a Fault that says so. Several beds share one engine: `run` may be called from any thread.

With a `spare`, an engine that does not start, or is lost, gives way to it for good: a GPU that failed once is
not believed again before somebody has looked at it. `name` and `reason` say which one runs and why.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from barocast.plugin.clock import Clock
from barocast.plugin.service.engine_wire import (
    LENGTH,
    MOST_BYTES,
    EngineLostError,
    pack_ask,
    unpack_answer,
    unpack_ready,
)
from barocast.runtime.domain import Fault, Forecast, ModelInput
from barocast.runtime.engine_kinds import CPU
from barocast.runtime.errors import BundleError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from barocast.plugin.service.engine_wire import Ready
    from barocast.runtime.bundle import Bundle

DEADLINE_S: Final = 2.0
"""For one window (requirement INF-07); it takes a millisecond."""
START_S: Final = 15.0
"""For a new process until it has proved its known answers."""
GPU_START_S: Final = 60.0
"""The same for one that has a spare: a GPU's libraries are large, and a service may take 90 s to start."""
BACK_OFF_S: Final = (0.0, 1.0, 5.0)
"""Before each new try; the last one repeats."""
FAILED: Final = "the engine that was wanted failed"
FAULTS_IN_A_ROW: Final = 3
"""A graph that gives this many is no longer believed (requirement INF-06)."""


class EngineProcess:
    """Implements runtime.engines.Engine. Raises BundleError when the first start fails."""

    def __init__(
        self,
        bundle: Bundle,
        command: Sequence[str],
        deadline_s: float = DEADLINE_S,
        clock: Callable[[], float] | None = None,
        spare: Sequence[str] | None = None,
    ) -> None:
        """`spare` is the command of the engine to which that of `command` gives way."""
        self._bundle, self._deadline_s = bundle, deadline_s
        self._command, self._spare, self._gave_way = command, spare, ""
        self._clock = clock or Clock()
        self._asking = threading.Lock()
        self._closed = threading.Event()
        self._faults = 0
        self._failures = 0
        self._child: _Child | None = None
        self._probe = _first_known_answer(bundle)
        self.trouble = ""
        self.name, self.reason = "", ""
        """What runs; why it is not what was wanted, empty where it is."""
        try:
            self._child = self._start()
        except EngineLostError as lost:
            raise BundleError(str(lost), Refused.ENGINE) from lost

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        """Answer one window."""
        with self._asking:
            if self._child is None:
                return Fault(t_s, f"engine: {self.trouble}")
            try:
                answer = self._ask(self._child, model_input, t_s)
            except EngineLostError as lost:
                self._lose(str(lost))
                return Fault(t_s, f"engine: {lost}")
            self._faults = self._faults + 1 if isinstance(answer, Fault) else 0
            if self._faults >= FAULTS_IN_A_ROW:
                self._lose(f"{self._faults} faults in a row")
            return answer

    def prove(self) -> bool:
        """Ask something whose answer is known: whether the engine is there and well. Within DEADLINE_S."""
        return isinstance(self.run(self._probe, 0.0), Forecast)

    def close(self) -> None:
        """End the process."""
        self._closed.set()
        with self._asking:
            if self._child is not None:
                self._child.kill()
                self._child = None

    def _start(self) -> _Child:
        """Start the engine, or its spare."""
        try:
            return self._started()
        except EngineLostError as lost:
            if not self._give_way(f"{FAILED}: {lost}"):
                raise
            return self._started()

    def _started(self) -> _Child:
        child = _Child(self._command)
        try:
            ready = self._proven(child)
        except EngineLostError:
            child.kill()
            raise
        if ready.reason:
            self._give_way(ready.reason)
        self.reason = self._gave_way
        self.name = f"{ready.name} ({self.reason})" if self.reason else ready.name
        return child

    def _proven(self, child: _Child) -> Ready:
        """Hear that it has loaded the very graphs that were verified here."""
        ready = unpack_ready(*child.read(self._clock, GPU_START_S if self._spare else START_S))
        if ready.graphs_sha256 != bytes.fromhex(self._bundle.graphs_sha256):
            raise EngineLostError("the bundle on disk is no longer the one that was verified; start again")
        return ready

    def _give_way(self, why: str) -> bool:
        """Put the spare in the place of the engine that was wanted; False where there is none."""
        if self._spare is None:
            return False
        self._command, self._spare = self._spare, None
        self._gave_way = why
        return True

    def _ask(self, child: _Child, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        child.write(pack_ask(model_input, t_s))
        return unpack_answer(*child.read(self._clock, self._deadline_s), self._bundle.manifest, t_s)

    def _lose(self, why: str) -> None:
        """Kill the process and make another one beside the loop that found out."""
        if self._child is not None:
            self._child.kill()
        self._give_way(f"{FAILED}: {why}")
        self._child, self._faults, self.trouble = None, 0, f"{why}; starting again"
        threading.Thread(target=self._revive, name="engine", daemon=True).start()

    def _revive(self) -> None:
        while not self._closed.wait(BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]):
            self._failures += 1
            try:
                child = self._start()
            except EngineLostError as lost:
                self.trouble = str(lost)
                continue
            with self._asking:
                if self._closed.is_set():
                    child.kill()
                    return
                self._child, self.trouble, self._failures = child, "", 0
            return


class _Child:
    """A process and its pipes. Methods raise EngineLostError."""

    def __init__(self, command: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, or the test's
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise EngineLostError(f"its process does not start: {error.strerror}") from error
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        assert self._process.stdout is not None  # noqa: S101 - likewise
        self._to, self._from = self._process.stdin, self._process.stdout.fileno()

    def write(self, data: bytes) -> None:
        """Send a frame: smaller than a pipe holds, so it never waits for a child that does not read."""
        try:
            self._to.write(data)
        except OSError as error:
            raise EngineLostError(f"its process has gone ({error.strerror})") from error

    def read(self, clock: Callable[[], float], within_s: float) -> tuple[bytes, bytes]:
        """Give the kind and body of the next frame."""
        until_s = clock() + within_s
        length = LENGTH.unpack(self._exactly(LENGTH.size, clock, until_s))[0]
        if not 0 < length <= MOST_BYTES:
            raise EngineLostError(f"a frame of {length} bytes")
        body = self._exactly(length, clock, until_s)
        return body[:1], body[1:]

    def kill(self) -> None:
        """End it at once, and let go of everything."""
        with suppress(OSError):
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)

    def _exactly(self, count: int, clock: Callable[[], float], until_s: float) -> bytes:
        data = b""
        while len(data) < count:
            left_s = until_s - clock()
            if left_s <= 0 or not select.select([self._from], [], [], left_s)[0]:
                raise EngineLostError("no answer in time")
            piece = os.read(self._from, count - len(data))
            if not piece:
                raise EngineLostError(f"its process ended ({self._status()})")
            data += piece
        return data

    def _status(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1.0)
            return f"signal {-code}" if code < 0 else f"status {code}"
        return "its pipe closed"


def engine_command(
    bundle: Path,
    trust: Path | None = None,
    revoked: Path | None = None,
    threads: int = 1,
    kind: str = CPU,
    cache: Path | None = None,
) -> list[str]:
    """Give the command of the engine's process: isolated, it imports nothing from where it is started."""
    module = "barocast.plugin.service.engine_child"
    given = (
        str(bundle),
        str(trust or ""),
        str(revoked or ""),
        str(threads),
        kind,
        str(cache or ""),
    )
    # Where this process reads nothing compiled (plugin/allowed.py), nor does that one.
    compiled = ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []
    return [sys.executable, "-I", *compiled, "-m", module, *given]


def _first_known_answer(bundle: Bundle) -> ModelInput:
    return ModelInput(**{f.name: bundle.known_answers[f.name][:1] for f in fields(ModelInput)})
