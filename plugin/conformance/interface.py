"""Interface: the Feed is complete, its counts only grow, and its decoders share and touch nothing."""

from __future__ import annotations

import math
import re
import sys
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.conformance.reading import at_random, by_size, read, told
from barocast.plugin.conformance.verdict import Check, advised, failed, passed
from barocast.plugin.transports.addresses import SCHEMES
from barocast.runtime.domain import FeedCounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Verdict

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_STALE_S: Final = 600.0
"""A live feed that may be silent for longer is none that a forecast can stand on."""
IMPURE_MODULES: Final = frozenset(
    {"time", "socket", "_socket", "threading", "_thread", "subprocess", "select", "serial"}
)
"""A call of any function of these is a clock read, a port opened or a thread begun."""
IMPURE_CALLS: Final = frozenset(
    {("date", "today"), ("datetime", "now"), ("datetime", "utcnow"), ("io", "open"), ("_io", "open")}
)


def _feed(subject: Subject) -> Verdict:
    feed = subject.feed
    live = feed.session is not None
    for right, wrong in (
        (NAME.fullmatch(feed.name), f"name {feed.name!r} is not of lower-case words joined by -"),
        (callable(feed.decoder), "decoder is no function"),
        (not live or callable(feed.session), "session is no function"),
        (SCHEMES.issuperset(feed.schemes), f"schemes {feed.schemes} hold one that no transport has"),
        (live == bool(feed.schemes), "schemes and session: a feed has both or neither"),
        (not live or 0 < feed.stale_s <= MAX_STALE_S, f"stale_s is {feed.stale_s}: 0 to {MAX_STALE_S:g} s"),
        (math.isfinite(feed.stale_s), f"stale_s is {feed.stale_s}"),
    ):
        if not right:
            return failed(wrong, "the Feed behind the entry point")
    return passed(f"{', '.join(feed.schemes) or 'files only'}; stale after {feed.stale_s:g} s")


def _grow(subject: Subject) -> Verdict:
    decoder = subject.feed.decoder()
    before = decoder.counts
    if before != FeedCounts():
        return failed(f"a new decoder counts {before}")
    for at, piece in enumerate(at_random(subject.recorded()[: 1 << 18], subject.seed)):
        kept = before, dict(before.corrupt_by_reason)
        decoder.feed(piece)
        after = decoder.counts
        if (before, before.corrupt_by_reason) != kept:
            return failed("counts that were read earlier change with later input", f"piece {at + 1}")
        if not _grown(before, after):
            return failed(f"counts fell: {before} became {after}", f"piece {at + 1}, seed {subject.seed}")
        before = after
    return passed("counts are values, and only grow")


def _grown(before: FeedCounts, after: FeedCounts) -> bool:
    pairs = ((before.bytes, after.bytes), (before.frames, after.frames), (before.samples, after.samples))
    by_reason = after.corrupt_by_reason
    told_still = all(by_reason.get(reason, 0) >= count for reason, count in before.corrupt_by_reason.items())
    return told_still and before.corrupt <= after.corrupt and all(one <= other for one, other in pairs)


def _independent(subject: Subject) -> Verdict:
    data = subject.stretch().data
    alone = read(subject.feed, [data], "alone", close=False)
    one, other = subject.feed.decoder(), subject.feed.decoder()
    came = []
    for piece in by_size(data, 97):
        came += one.feed(piece)
        other.feed(piece[::-1])
    if list(map(told, came)) != list(map(told, alone.events)):
        return failed(
            "a decoder gives other events while a second one hears something else", "pieces of 97 bytes"
        )
    if one.counts != alone.counts:
        return failed(f"a decoder's counts grow with a second one's: {one.counts}", "pieces of 97 bytes")
    return passed("two decoders, side by side, know nothing of each other")


def _pure(subject: Subject) -> Verdict:
    used: dict[str, None] = {}
    with _watched(used):
        decoder = subject.feed.decoder()
        for piece in by_size(subject.recorded()[: 1 << 16], 1 << 12):
            decoder.feed(piece)
        decoder.close()
        session = subject.feed.session() if subject.feed.session is not None else None
        if session is not None:
            session.receive(subject.recorded()[:100], 1.0)
            session.due(2.0)
            session.release()
    if used:
        return advised(f"it calls {', '.join(used)}: a decoder that reads no clock replays the same for ever")
    return passed("no clock is read, no file or port opened, no thread begun")


@contextmanager
def _watched(used: dict[str, None]) -> Iterator[None]:
    """Note every call of a function that is not pure, however its module was imported."""

    def look(frame: FrameType, event: str, arg: Any) -> None:  # noqa: ANN401 - the interpreter's own signature
        if event == "c_call" and _impure(arg):
            used[f"{_module(arg)}.{arg.__name__}"] = None
        elif event == "call" and frame.f_globals.get("__name__") in IMPURE_MODULES:
            used[f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"] = None

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _impure(function: Any) -> bool:  # noqa: ANN401 - whatever is called
    return _module(function) in IMPURE_MODULES or (_module(function), function.__name__) in IMPURE_CALLS


def _module(function: Any) -> str:  # noqa: ANN401 - whatever is called
    """Give the module of a built-in function, or the type that a built-in class method belongs to."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, date):
        return "datetime" if owner.__name__ == "datetime" else "date"
    return str(getattr(function, "__module__", None) or "")


CHECKS: Final = (
    Check("interface", "feed", _feed, "see the docstrings of plugin.feeds.Feed"),
    Check(
        "interface", "counts grow", _grow, "give counts as a new FeedCounts each time, with a dict of its own"
    ),
    Check(
        "interface",
        "independent",
        _independent,
        "keep all state in the instance, none in the class or the module",
    ),
    Check("interface", "pure", _pure, "take the time from now_s; leave ports and threads to the bedside"),
)
