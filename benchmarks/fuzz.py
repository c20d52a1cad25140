"""`python -m benchmarks.fuzz [N]`: N damaged inputs for every decoder; none may raise, none may grow.

Seeds are what the virtual monitors really say (and small files of the other kinds); each input is a seed that
was flipped, cut, doubled, shuffled or replaced by noise, fed in random chunks. A decoder lives on through
many inputs, as it would on a bad line, and must still read a sound seed at the end. Random, and repeatable:
the seed of the generator is printed with the first input that breaks anything.
"""

from __future__ import annotations

import gc
import random
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Final

from barocast.plugin.feeds import feed_names, find_feed
from benchmarks.fuzz_seeds import seeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.sessions.session import Decoder

INPUTS: Final = 1_000_000
LIFE: Final = 500
"""Inputs that one decoder lives through."""
GROWTH_MB: Final = 24
"""Most that a decoder may hold after its life: the largest frame of any format, and its share of tables."""


def main() -> None:
    """Fuzz every feed that is installed."""
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else INPUTS
    broken = [name for name in feed_names() if not _fuzz(name, inputs)]
    if broken:
        sys.exit(f"broken: {', '.join(broken)}")


def _fuzz(name: str, inputs: int) -> bool:
    good, dice, started = seeds(name), random.Random(name), time.monotonic()
    for done in range(0, inputs, LIFE):
        decoder = find_feed(name).decoder()
        tracemalloc.start()
        held = _lived(decoder, good, dice)
        tracemalloc.stop()
        if isinstance(held, bytes):
            print(f"{name}: broke on {held.hex()} (input {done} of Random({name!r}))")
            return False
        if held > GROWTH_MB * 1e6:
            print(f"{name}: holds {held / 1e6:.0f} MB after {LIFE} inputs (input {done})")
            return False
    print(f"{name}: {inputs:,} inputs, no exception, in {time.monotonic() - started:.0f} s", flush=True)
    return True


def _lived(decoder: Decoder, good: list[bytes], dice: random.Random) -> bytes | int:
    """Feed one decoder its life; give the input that broke it, or the bytes that it holds at the end."""
    for _ in range(LIFE):
        bad = dice.choice(DAMAGES)(dice.choice(good), dice)
        try:
            for chunk in _chunks(bad, dice):
                decoder.feed(chunk)
        except Exception as error:  # noqa: BLE001 - what a fuzzer looks for
            print(repr(error))
            return bad
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _chunks(data: bytes, dice: random.Random) -> list[bytes]:
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randrange(4)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _flipped(seed: bytes, dice: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(dice.randrange(1, 6)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def _cut(seed: bytes, dice: random.Random) -> bytes:
    return seed[: dice.randrange(1, len(seed) + 1)]


def _torn(seed: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(seed))
    return seed[:at] + seed[at + dice.randrange(1, 40) :]


def _noisy(seed: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(seed))
    return seed[:at] + dice.randbytes(dice.randrange(1, 60)) + seed[at:]


def _noise(_: bytes, dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(1, 200))


def _lengthy(seed: bytes, dice: random.Random) -> bytes:
    """Put the largest numbers where lengths and counts may stand."""
    at = dice.randrange(max(1, len(seed) - 4))
    return seed[:at] + dice.choice((b"\xff\xff", b"\x7f\xff", b"\xff\xff\xff\x7f", b"99999")) + seed[at + 2 :]


DAMAGES: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (
    _flipped,
    _cut,
    _torn,
    _noisy,
    _noise,
    _lengthy,
)

if __name__ == "__main__":
    main()
