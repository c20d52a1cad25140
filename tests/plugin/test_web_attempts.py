"""Wrong tokens: answered late and few at a time, and spoken of for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from barocast.plugin.web import attempts
from barocast.plugin.web.attempts import LASTS_S, MANY, MOST_LATE, TOO_MANY, WRONG, Attempts


@dataclass
class Standing:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


async def several(kept, count):
    return await asyncio.gather(*(kept.wrong() for _ in range(count)))


@pytest.mark.req("SEC-10")
def test_one_is_answered_late(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(attempts.asyncio, "sleep", sleep)

    assert (asyncio.run(Attempts().wrong()), slept) == (WRONG, [1.0])


@pytest.mark.req("SEC-10")
def test_few_wait_at_a_time_and_the_next_are_sent_away(monkeypatch):
    monkeypatch.setattr(attempts, "LATE_S", 0.01)
    kept = Attempts()

    assert asyncio.run(several(kept, MOST_LATE + 3)) == [WRONG] * MOST_LATE + [TOO_MANY] * 3
    assert asyncio.run(several(kept, 1)) == [WRONG]


def test_those_whose_clients_hang_up_make_room():
    async def hung_up(kept):
        waiting = asyncio.gather(*(kept.wrong() for _ in range(MOST_LATE)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(kept.wrong(), 0.01)
        return "still waiting"

    assert asyncio.run(hung_up(Attempts())) == "still waiting"


def test_a_person_who_mistypes_is_not_spoken_of(monkeypatch):
    monkeypatch.setattr(attempts, "LATE_S", 0.0)
    kept = Attempts(Standing())
    asyncio.run(several(kept, MANY - 1))

    assert kept.trouble == ""


@pytest.mark.req("SEC-10")
def test_many_are_one_trouble_that_stays_the_same_and_ends(monkeypatch):
    monkeypatch.setattr(attempts, "LATE_S", 0.0)
    clock = Standing()
    kept, told = Attempts(clock), []
    for now_s, came in ((0.0, MANY), (LASTS_S - 1.0, 2), (2 * LASTS_S, 0)):
        clock.now_s = now_s
        asyncio.run(several(kept, came))
        told.append(kept.trouble)

    assert told[0] == told[1] != ""
    assert told[2] == ""


def test_a_few_each_hour_are_not_many(monkeypatch):
    monkeypatch.setattr(attempts, "LATE_S", 0.0)
    clock = Standing()
    kept = Attempts(clock)
    for hour in range(10):
        clock.now_s = 3600.0 * hour
        asyncio.run(several(kept, 2))

    assert kept.trouble == ""
