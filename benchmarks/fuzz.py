"""`python -m benchmarks.fuzz [N] [--only NAME ...]`: N damaged inputs a subject; none may raise or grow.

An input is a seed (fuzz_seeds) that was flipped, cut, torn, doubled, filled with noise or with impossible
lengths, before its seal or after, in random pieces. A subject (fuzz_subjects) lives on through many inputs,
as it would on a bad line, and must then find every frame of the sound seeds. Each life has dice of its own,
so that one which breaks can be lived again: `--only NAME --life K`. One process a core.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Final

from benchmarks.fuzz_seeds import seeds, thin
from benchmarks.fuzz_subjects import subjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.fuzz_seed import Seed
    from benchmarks.fuzz_subjects import Listener, Subject

SUBJECTS: Final = {subject.name: subject for subject in subjects()}
INPUTS: Final = 1_000_000
MEASURED_INPUTS: Final = 20_000
"""One input in so many has its life's memory traced: that makes it several times slower."""
GROWTH_MB: Final = 24
"""Most that a decoder may hold after its life: the largest frame of any format, and its share of tables."""
PEAK_MB: Final = 64
"""Most that it may hold for a moment: no length that it reads may make it ask for more."""


class Broken(Exception):  # noqa: N818 - it names what became of the subject
    """What is wrong, in words."""


def main() -> None:
    """Fuzz what was asked for, a process a core."""
    args = _arguments()
    chosen = args.only or list(SUBJECTS)
    with ProcessPoolExecutor(args.jobs) as pool:
        told = [pool.submit(fuzz, name, args.inputs, args.life) for name in chosen]
        broken = [name for name, future in zip(chosen, told, strict=True) if not _said(future.result())]
    if broken:
        sys.exit(f"broken: {', '.join(broken)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make fuzz", description="Damaged inputs for everything that reads."
    )
    parser.add_argument("inputs", nargs="?", type=int, default=INPUTS, help="for each subject")
    parser.add_argument("--only", action="append", choices=SUBJECTS, metavar="NAME", help=", ".join(SUBJECTS))
    parser.add_argument("--life", type=int, help="live this one life alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    return parser.parse_args()


def _said(report: tuple[bool, str]) -> bool:
    sound, text = report
    print(text, flush=True)
    return sound


def fuzz(name: str, inputs: int, only_life: int | None = None) -> tuple[bool, str]:
    """Fuzz one subject; say whether it is sound, and give a line about it."""
    subject, started = SUBJECTS[name], time.monotonic()
    good = seeds(subject.seeds)
    lives = range(max(1, inputs // subject.life)) if only_life is None else range(only_life, only_life + 1)
    try:
        held = max(_lived(subject, good, life) for life in lives)
    except Broken as broken:
        return False, f"{name}: {broken}"
    wall_s, done = time.monotonic() - started, len(lives) * subject.life
    seeded = "THIN seeds" if thin(subject.seeds) else f"{len(good)} seeds"
    rate = f"{done:,} inputs in {wall_s:.0f} s, {done / wall_s:,.0f}/s"
    return True, f"{name}: {rate}, no exception, at most {1000 * held:.0f} kB held, {seeded}"


def _lived(subject: Subject, good: list[Seed], life: int) -> float:
    """Let one listener live; give the MB that it holds at the end, 0 where that is not measured."""
    dice, measured = random.Random(f"{subject.name} {life}"), life % (MEASURED_INPUTS // subject.life) == 0
    if measured:
        tracemalloc.start()
    try:
        listener = subject.begin()
        for _ in range(subject.life):
            _hear(listener, damaged(dice.choice(good), dice), dice if subject.cut else None)
        held = _held() if measured else 0.0
        if subject.life > 1:
            _check_in_step(subject, listener, good)
        listener.end()
    except Broken as broken:
        raise Broken(f"{broken} (life {life})") from broken
    finally:
        tracemalloc.stop()
    return held


def _hear(listener: Listener, data: bytes, dice: random.Random | None) -> None:
    try:
        listener.hear([data] if dice is None else _pieces(data, dice))
    except Exception as error:
        raise Broken(f"{error!r} on {data.hex()}") from error


def _held() -> float:
    gc.collect()
    held, peak = (size / 1e6 for size in tracemalloc.get_traced_memory())
    if held > GROWTH_MB or peak > PEAK_MB:
        raise Broken(f"holds {held:.0f} MB, {peak:.0f} MB at the worst")
    return held


def _check_in_step(subject: Subject, listener: Listener, good: list[Seed]) -> None:
    """Check that sound input is found whole, once a round of it has ended what damage left open."""
    sound = [seed.seal(seed.payload) for seed in good]
    found = []
    for each in (subject.begin(), listener):
        each.hear(sound)
        before = each.frames
        each.hear(sound)
        found.append(each.frames - before)
    if found[0] != found[1]:
        raise Broken(f"finds {found[1]} of {found[0]} sound frames after its life")


def _pieces(data: bytes, dice: random.Random) -> list[bytes]:
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randrange(4)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def damaged(seed: Seed, dice: random.Random) -> bytes:
    """Give a seed's bytes with some damage done before its seal or after."""
    damage = dice.choice(DAMAGES)
    if dice.random() < 0.5:  # noqa: PLR2004 - even odds
        return seed.seal(damage(seed.payload, dice))
    return damage(seed.seal(seed.payload), dice)


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


def _doubled(seed: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(seed))
    return seed[:at] + seed[at - dice.randrange(at + 1) :]


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
    _doubled,
    _noisy,
    _noise,
    _lengthy,
)

if __name__ == "__main__":
    main()
