"""The engine's own process, `python -m` this module with BUNDLE TRUST REVOKED THREADS KIND CACHE.

It reads and verifies the bundle itself, starts the KIND of engine that is wanted or the CPU's, answers the
known answers, says `ready`, and then answers one window after the other from its standard input until that
ends. Whatever kept it from starting is its first and last
word. It writes nothing but frames (engine_wire) to its standard output.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.service.engine_wire import (
    LENGTH,
    MOST_BYTES,
    Ready,
    frame,
    pack_answer,
    pack_ready,
    unpack_ask,
)
from barocast.runtime.bundle import read_bundle
from barocast.runtime.engines import choose_engine
from barocast.runtime.errors import BarocastError
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from typing import BinaryIO

ARGUMENTS: Final = 6


def main(arguments: list[str]) -> int:
    """Serve until standard input ends; give the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the service's to answer
    bundle_directory, trust, taken_back, threads, kind, cache = arguments
    asked, answers = sys.stdin.buffer, _own_stdout()
    try:
        keys = trusted_keys(Path(trust) if trust else None)
        gone = revoked(Path(taken_back) if taken_back else None)
        bundle = read_bundle(Path(bundle_directory), keys.values(), gone)
        engine, reason = choose_engine(bundle, kind, int(threads), Path(cache))
    except BarocastError as error:
        _say(answers, frame(b"X", str(error).encode()))
        return 1
    _say(answers, pack_ready(Ready(bytes.fromhex(bundle.graphs_sha256), engine.name, reason)))
    while body := _next(asked):
        ask = unpack_ask(body[1:], bundle.manifest)
        _say(answers, pack_answer(engine.run(ask.model_input, ask.t_s)))
    return 0


def _own_stdout() -> BinaryIO:
    """Keep the pipe for frames alone: whatever a library prints goes to stderr."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return pipe


def _say(answers: BinaryIO, data: bytes) -> None:
    answers.write(data)


def _next(asked: BinaryIO) -> bytes:
    """Give the next frame; nothing at the end, or where its length cannot be meant."""
    head = asked.read(LENGTH.size)
    if len(head) < LENGTH.size or not 0 < (length := LENGTH.unpack(head)[0]) <= MOST_BYTES:
        return b""
    body = asked.read(length)
    return body if len(body) == length else b""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1 : ARGUMENTS + 1]))
    except BrokenPipeError:  # the service has gone
        os._exit(0)
