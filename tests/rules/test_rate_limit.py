"""Counting in each process, with the database asked now and then: how much may pass, and what happens without a database."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.database import Unavailable
from service import rate_limit
from service.limits import Counted, Total
from service.rate_limit import PART, RateLimit

MINUTE = datetime(2026, 11, 28, tzinfo=UTC)


class Database:
    """Counts as the statements do, after some turns of the loop, and answers after some more. Fails while it is away."""

    def __init__(self, turns: int = 0) -> None:
        self.used: Counter[str] = Counter()
        self.asked = 0
        self.minute = MINUTE
        self.is_away = False
        self._turns = turns

    async def add(self, asked: Mapping[str, int]) -> dict[str, Total]:
        self.asked += 1
        await self._wait()
        self.used.update(asked)
        return await self._answer(asked)

    async def settle(self, counted: Mapping[str, tuple[datetime, int]], limit: int) -> dict[str, Total]:
        self.asked += 1
        await self._wait()
        for key, (_, number) in counted.items():
            self.used[key] = max(self.used[key], min(self.used[key] + number, limit))
        return await self._answer(counted)

    async def _answer(self, asked: Mapping[str, object]) -> dict[str, Total]:
        totals = {key: Total(self.used[key], self.minute, 60.0) for key in asked}
        await self._wait()
        return totals

    async def _wait(self) -> None:
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("away")


def processes(database: Database, number: int, limit: int) -> list[RateLimit]:
    return [RateLimit(cast("Any", database), limit) for _ in range(number)]


async def sent(limit: RateLimit, number: int) -> list[int]:
    return [(await limit.count("caller")).used for _ in range(number)]


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.booleans()), max_size=30)
"""Which process gets how many requests at once, with the next step before they are answered or after; none is the settling."""


async def carried_out(steps: list[tuple[int, int, bool]], number: int, limit: int, turns: int) -> list[list[int]]:
    """The numbers that each process gave, and their limits were held meanwhile."""
    database = Database(turns)
    all_of_them = processes(database, number, limit)
    numbers: list[list[int]] = [[] for _ in all_of_them]
    begun = 0

    async def one(process: int) -> None:
        nonlocal begun
        begun += 1
        counted = await all_of_them[process].count("caller")
        assert counted.used <= begun
        numbers[process].append(counted.used)

    async with asyncio.TaskGroup() as group:
        for which, requests, waits in steps:
            process = which % number
            tasks = [group.create_task(one(process)) for _ in range(requests)]
            if not requests:
                tasks.append(group.create_task(all_of_them[process].settle()))
            await (asyncio.wait(tasks) if waits else asyncio.sleep(0))
    return numbers


@example([(0, 1, False)] * 6, 1, 200, 1)
@given(STEPS, st.integers(1, 4), st.sampled_from([1, 40, PART - 1, PART, 200, 600]), st.integers(0, 3))
def test_no_more_than_the_bound_passes_and_nobody_is_refused_before_the_limit(
    steps: list[tuple[int, int, bool]], number: int, limit: int, turns: int
):
    numbers = asyncio.run(carried_out(steps, number, limit, turns))
    every = sorted(used for each in numbers for used in each)
    passed = [used for used in every if used <= limit]
    assert min(len(every), limit) <= len(passed) <= limit + number * (limit // PART)
    if len(passed) < len(every):
        assert every.count(limit + 1) == 1  # the first refusal is recorded
    if number == 1 or limit < PART:
        assert every == list(range(1, len(every) + 1))


async def test_what_did_not_take_place_is_not_counted():
    database = Database()
    (one,) = processes(database, 1, 100 * PART)
    assert await sent(one, 2) == [1, 2]
    one.take_back("caller")
    one.take_back("somebody else")
    assert await sent(one, 1) == [2]
    await one.settle()
    assert database.used["caller"] == 2


async def test_far_below_the_limit_the_database_is_asked_once():
    database = Database()
    one, other = processes(database, 2, 100 * PART)
    assert await sent(one, 50) == [*range(1, 51)]
    assert database.asked == 1
    assert await sent(other, 2) == [2, 3]  # it lacks what the first one counted since
    await one.settle()
    await other.settle()
    assert database.used["caller"] == 52
    assert await sent(other, 1) == [53]


async def test_near_the_limit_each_request_asks():
    database = Database()
    one, other = processes(database, 2, PART - 1)
    numbers = [await sent(each, 1) for _ in range(5) for each in (one, other)]
    assert numbers == [[n] for n in range(1, 11)]
    assert database.asked == 10


async def test_who_has_heard_nothing_from_the_database_for_long_asks_again():
    database = Database()
    one, other = processes(database, 2, 100 * PART)
    await sent(one, 1)
    await sent(other, 40)
    await other.settle()
    one._answered -= rate_limit.KNOWN_SECONDS
    assert await sent(one, 1) == [42]


async def test_of_each_caller_the_database_is_asked_once_in_a_minute():
    database = Database()
    [one] = processes(database, 1, 100 * PART)
    await sent(one, 1)
    await one.settle()
    one._answered -= rate_limit.KNOWN_SECONDS
    await one.count("another caller")
    assert database.asked == 2
    assert await sent(one, 3) == [2, 3, 4]
    assert database.asked == 2


async def test_the_next_minute_begins_with_a_question_and_takes_nothing_along():
    database = Database()
    [one] = processes(database, 1, 100 * PART)
    await sent(one, 20)
    one._windows["caller"].ends = 0.0
    database.used.clear()
    database.minute += timedelta(minutes=1)
    assert await sent(one, 2) == [1, 2]
    await one.settle()
    assert database.used["caller"] == 2


async def test_without_a_database_nobody_is_counted_here_for_long():
    database = Database()
    [one] = processes(database, 1, 100 * PART)
    await sent(one, 1)
    database.is_away = True
    with pytest.raises(Unavailable):
        await one.count("a stranger to this process")
    assert await sent(one, 3) == [2, 3, 4]
    with pytest.raises(Unavailable):
        await one.settle()
    one._answered -= rate_limit.KNOWN_SECONDS
    with pytest.raises(Unavailable):
        await one.count("caller")
    database.is_away = False
    assert await sent(one, 1) == [5]


async def test_without_a_database_no_more_than_the_part_is_counted_here():
    database = Database()
    [one] = processes(database, 1, 10 * PART)
    await sent(one, 1)
    database.is_away = True
    assert len(await sent(one, 9)) == 9
    with pytest.raises(Unavailable):
        await one.count("caller")


async def test_the_last_counts_are_settled_at_the_end_and_a_database_that_is_away_does_not_matter():
    database = Database()
    one, other = processes(database, 2, 100 * PART)
    await sent(one, 5)
    await sent(other, 5)
    await one.close()
    assert database.used["caller"] == 6
    database.is_away = True
    await other.close()


async def test_a_caller_is_forgotten_with_the_minute():
    [one] = processes(Database(), 1, 100 * PART)
    await sent(one, 5)
    await one.settle()
    assert one._windows
    one._windows["caller"].ends = 0.0
    await one.settle()
    assert not one._windows


async def test_of_too_many_callers_none_is_kept_whose_count_the_database_has(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rate_limit, "MOST_KNOWN", 3)
    database = Database()
    [one] = processes(database, 1, 100 * PART)
    for name in "abc":
        await one.count(name)
    await one.settle()
    assert set(one._windows) == set("abc")
    await one.count("d")
    await one.count("a")
    await one.settle()
    assert not one._windows
    assert (await one.count("a")).used == database.used["a"] == 3


async def test_the_headers_say_what_is_left_and_when_the_minute_ends():
    [one] = processes(Database(), 1, 600)
    answers: list[Counted] = [await one.count("caller") for _ in range(3)]
    assert [each.headers(600)["RateLimit-Remaining"] for each in answers] == ["599", "598", "597"]
    assert {each.headers(600)["RateLimit-Reset"] for each in answers} <= {"60", "59"}
