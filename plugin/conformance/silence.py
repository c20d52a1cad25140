"""Silence: a session whose monitor falls silent asks again, for ever, with measure, and says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from barocast.plugin.conformance.verdict import Check, failed, passed

if TYPE_CHECKING:
    from barocast.plugin.conformance.cable import Cable
    from barocast.plugin.conformance.subject import Subject
    from barocast.plugin.conformance.verdict import Verdict

SILENCE_S: Final = 180.0
"""Beyond every back-off."""
STORM_SENDS: Final = 120
"""Most that may be sent in a minute of silence: an echo a second, as some devices want, and requests."""
STORM_BYTES: Final = 1 << 16
REPEATS: Final = 50
"""Calls of due() at one and the same time; what waits in a queue may be sent in the first half of them."""
WORD: Final = re.compile(r"[a-z]+(-[a-z]+)*")


def _silenced(subject: Subject) -> tuple[Cable, float]:
    """Give a line that ran and then was cut for a long time, and when it was."""
    cable = subject.settled()
    begun_s = cable.now_s
    cable.run(max(SILENCE_S, 2 * subject.feed.stale_s), deaf=True, mute=True)
    return cable, begun_s


def _asks_again(subject: Subject) -> Verdict:
    cable, begun_s = _silenced(subject)
    if not cable.asks:
        return passed("the session only listens and answers: it has nothing to ask for")
    lasted_s = cable.now_s - begun_s
    asked = [sent.at_s - begun_s for sent in cable.sent if sent.at_s > begun_s]
    if not asked or asked[-1] < 2 * lasted_s / 3:
        last = f"last {asked[-1]:.1f} s into it" if asked else "not once"
        return failed(f"in {lasted_s:.0f} s of silence it asked {last}", cable.place(begun_s))
    return passed(f"asked {len(asked)} times in {lasted_s:.0f} s of silence, first after {asked[0]:.1f} s")


def _no_storm(subject: Subject) -> Verdict:
    cable, begun_s = _silenced(subject)
    sent = [(one.at_s, one.size) for one in cable.sent if one.at_s > begun_s]
    minutes = [[size for at_s, size in sent if first_s <= at_s < first_s + 60] for first_s, _ in sent]
    most, most_bytes = max(map(len, minutes), default=0), max(map(sum, minutes), default=0)
    said = f"{most} times, {most_bytes} bytes, in a minute of silence"
    if most > STORM_SENDS or most_bytes > STORM_BYTES:
        return failed(f"it sent {said}; limits are {STORM_SENDS} and {STORM_BYTES}", cable.place(sent[0][0]))
    return passed(f"it sent at most {said}")


def _says_so(subject: Subject) -> Verdict:
    cable, begun_s = _silenced(subject)
    before = [status for at_s, status in cable.statuses if at_s <= begun_s][-1]
    after = {status for at_s, status in cable.statuses if at_s > begun_s}
    if not after:
        lasted = f"{cable.now_s - begun_s:.0f} s of silence"
        return failed(f"status still says `{before}` after {lasted}", cable.place(begun_s))
    return passed(f"status goes from `{before}` to {', '.join(f'`{status}`' for status in sorted(after))}")


def _words(subject: Subject) -> Verdict:
    cable, _ = _silenced(subject)
    cable.farewell()
    said = dict.fromkeys([*(status for _, status in cable.statuses), cable.session.status])
    if wrong := [status for status in said if not WORD.fullmatch(status)]:
        return failed(f"status {wrong[0]!r} is not one lower-case word")
    return passed(f"status was {', '.join(f'`{status}`' for status in said)}")


def _repeated(subject: Subject) -> Verdict:
    cable = subject.settled()
    answers = cable.repeat_due(REPEATS)
    if any(answers[REPEATS // 2 :]):
        return failed(
            f"asked {REPEATS} times at one time, due() never stops sending", cable.place(cable.now_s)
        )
    asked_s = cable.now_s
    cable.run(subject.settle_s)
    if not cable.usable(asked_s):
        return failed(f"after {REPEATS} calls of due() at one time no value came", cable.place(asked_s))
    return passed(f"{REPEATS} calls of due() at one time sent {sum(map(bool, answers))} times; values go on")


CHECKS: Final = (
    Check(
        "silence",
        "asks again",
        _asks_again,
        "let due() ask again for ever once values stay out",
        of="session",
    ),
    Check("silence", "no storm", _no_storm, "put a pause between two requests, by now_s", of="session"),
    Check("silence", "says so", _says_so, "let status tell `silent` once values stay out", of="session"),
    Check(
        "silence", "status", _words, "give status as one lower-case word, such as `receiving`", of="session"
    ),
    Check(
        "silence",
        "repeated",
        _repeated,
        "note in due() when it last sent, and let now_s decide",
        of="session",
    ),
)
