"""The limit of each caller on a real database, with two processes that count for themselves."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from events.database import Connection
from service.limits import Limits
from service.rate_limit import PART, RateLimit

LIMIT = 10 * PART

MINUTE = "select date_trunc('minute', statement_timestamp())"


@pytest.fixture
async def two(database: str) -> AsyncGenerator[tuple[RateLimit, RateLimit]]:
    limits = Limits(database), Limits(database)
    one, other = RateLimit(limits[0], LIMIT), RateLimit(limits[1], LIMIT)
    yield one, other
    for part in (one, other, *limits):
        await part.close()


async def total(superuser: Connection, key: str) -> int:
    return await superuser.fetchval("select sum(used) from limits.counts where key = $1", key)


async def test_two_processes_let_the_limit_pass_and_no_more_than_the_bound(
    two: tuple[RateLimit, RateLimit], superuser: Connection
):
    async def one_caller(key: str) -> list[int]:
        async def send(limit: RateLimit, number: int) -> list[int]:
            return [(await limit.count(key)).used for _ in range(number)]

        numbers = await asyncio.gather(*(send(each, 60) for each in two for _ in range(8)))
        return sorted(used for each in numbers for used in each)

    while True:  # at the turn of a minute all counts begin anew
        began, key = await superuser.fetchval(MINUTE), f"caller {uuid4()}"
        every = await one_caller(key)
        if await superuser.fetchval(MINUTE) == began:
            break
    passed = [used for used in every if used <= LIMIT]
    assert LIMIT <= len(passed) <= LIMIT + 2 * (LIMIT // PART)
    assert every.count(LIMIT + 1) == 1
    assert await total(superuser, key) >= LIMIT


async def test_of_a_small_limit_a_process_may_count_a_larger_part(database: str, superuser: Connection):
    limits = [Limits(database) for _ in range(2)]
    one, other = [RateLimit(each, 60, 4) for each in limits]
    while True:  # at the turn of a minute all counts begin anew
        began, key = await superuser.fetchval(MINUTE), f"session {uuid4()}"
        first = [(await one.count(key)).used for _ in range(15)]
        asked = await total(superuser, key)
        rest = [(await each.count(key)).used for each in (one, other) for _ in range(60)]
        if await superuser.fetchval(MINUTE) == began:
            break
    assert first == list(range(1, 16))
    assert asked == 1, "the others were counted here"
    assert 60 <= len([used for used in (*first, *rest) if used <= 60]) <= 60 + 2 * (60 // 4)
    for part in (one, other, *limits):
        await part.close()


async def test_what_was_counted_here_is_in_the_database_after_settling(
    two: tuple[RateLimit, RateLimit], superuser: Connection
):
    one, other = two
    key = f"caller {uuid4()}"
    for _ in range(5):
        await one.count(key)
    assert await total(superuser, key) in {1, 2}  # two, if a minute began meanwhile
    await one.settle()
    assert await total(superuser, key) == 5
    while (counted := await other.count(key)).used < 3:  # a minute began meanwhile
        await one.count(key)
        await one.settle()
    assert 1 <= counted.seconds <= 60


async def test_the_number_after_the_limit_is_given_to_one_request_whatever_is_settled(database: str):
    limits = Limits(database)
    key = f"caller {uuid4()}"
    minute = (await limits.count(key)).minute
    assert (await limits.settle({key: (minute, LIMIT - 2)}, LIMIT))[key].used == LIMIT - 1
    assert (await limits.settle({key: (minute, 7)}, LIMIT))[key].used == LIMIT
    assert (await limits.settle({key: (minute, 7)}, LIMIT))[key].used == LIMIT
    await limits.close()
