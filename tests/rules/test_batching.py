"""Group commit: who waits together is answered together, and one's fault or departure is nobody else's."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import pytest

from events.database import Unavailable, overloads
from events.group_commit import ALL_AT_ONCE, ANSWERED_IN_A_TURN, Batcher
from tests.patience import PATIENCE


class Flushes:
    """A flush that answers each item doubled when it is let go on, or fails as it is answered; and remembers what went together."""

    def __init__(self, *faults: Exception | None) -> None:
        self.batches: list[list[int]] = []
        self.let_go = asyncio.Event()
        self._faults = list(faults)

    async def __call__(self, items: list[int]) -> Sequence[int | Exception]:
        self.batches.append(items)
        await self.let_go.wait()
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            raise fault
        return [ValueError("odd") if item % 2 else item * 2 for item in items]


async def submitted(batcher: Batcher[int, int], *items: int) -> list[asyncio.Task[int]]:
    """On their way: the first of them all is in flight by itself, and what comes meanwhile waits."""
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def outcomes(tasks: list[asyncio.Task[int]]) -> list[int | str]:
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*tasks, return_exceptions=True)
    return [one if isinstance(one, int) else type(one).__name__ for one in found]


async def test_what_arrives_while_one_flush_is_in_flight_goes_together_in_the_next():
    flushes = Flushes()
    batcher = Batcher(flushes, limit=3)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4, 6, 8)]
    flushes.let_go.set()
    assert await outcomes(waiting) == [0, 4, 8, 12, 16]
    assert flushes.batches == [[0], [2, 4, 6], [8]]


async def test_one_item_s_fault_is_not_its_neighbours():
    flushes = Flushes()
    flushes.let_go.set()
    assert await outcomes(await submitted(Batcher(flushes), 2, 3, 4)) == [4, "ValueError", 8]


async def test_when_the_database_is_away_all_who_wait_are_answered_at_once():
    """Each batch would wait its whole patience in turn: the last of many would be answered after minutes."""
    flushes = Flushes(Unavailable("away"))
    batcher = Batcher(flushes, limit=2)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4, 6, 8)]
    flushes.let_go.set()
    assert await outcomes(waiting) == ["Unavailable"] * 5
    assert flushes.batches == [[0]]
    assert await outcomes(await submitted(batcher, 2)) == [4], "whoever comes later is tried again"


async def test_any_other_fault_of_a_flush_is_its_own_batch_s_alone():
    flushes = Flushes(ZeroDivisionError())
    batcher = Batcher(flushes)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4)]
    flushes.let_go.set()
    assert await outcomes(waiting) == ["ZeroDivisionError", 4, 8]


@pytest.mark.parametrize("leaves", [0, 1, 2], ids=["in flight", "waiting", "waiting last"])
async def test_a_caller_that_is_cancelled_disturbs_nobody_and_takes_nothing_back(leaves: int):
    flushes = Flushes()
    batcher = Batcher(flushes)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4)]
    waiting[leaves].cancel()
    await asyncio.sleep(0)
    flushes.let_go.set()
    expected: list[int | str] = [0, 4, 8]
    expected[leaves] = "CancelledError"
    assert await outcomes(waiting) == expected
    assert flushes.batches == [[0], [2, 4]]


async def test_a_caller_that_is_cancelled_disturbs_nobody_although_the_database_is_away():
    flushes = Flushes(Unavailable("away"))
    batcher = Batcher(flushes)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4)]
    waiting[1].cancel()
    await asyncio.sleep(0)
    flushes.let_go.set()
    assert await outcomes(waiting) == ["Unavailable", "CancelledError", "Unavailable"]
    await batcher.idle()


async def test_more_than_two_full_flushes_do_not_wait():
    flushes = Flushes()
    batcher = Batcher(flushes, limit=2)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4, 6, 8)]
    late = await submitted(batcher, 10)
    assert await outcomes(late) == ["Overloaded"]
    flushes.let_go.set()
    assert await outcomes(waiting) == [0, 4, 8, 12, 16]
    assert await outcomes(await submitted(batcher, 10)) == [20]


async def test_who_asks_first_learns_whether_one_more_may_wait():
    flushes = Flushes()
    batcher = Batcher(flushes, limit=2)
    assert batcher.may_wait(9), "nothing is flushed"
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 2, 4)]
    assert [batcher.may_wait(ahead) for ahead in range(3)] == [True, True, False]
    waiting += await submitted(batcher, 6, 8)
    assert not batcher.may_wait(0)
    flushes.let_go.set()
    assert await outcomes(waiting) == [0, 4, 8, 12, 16]


@pytest.mark.parametrize("of", ["commits", "reads"])
async def test_what_waits_is_counted_as_what_it_is(of: Literal["commits", "reads"]):
    flushes = Flushes()
    batcher, before = Batcher(flushes, limit=1, of=of), overloads.copy()
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, 1, 2)]
    assert await outcomes(await submitted(batcher, 3)) == ["Overloaded"]
    assert overloads - before == {of: 1}
    flushes.let_go.set()
    await outcomes(waiting)


async def test_many_that_were_flushed_together_are_answered_over_several_turns():
    flushes = Flushes()
    batcher = Batcher(flushes)
    waiting = [batcher.put(item) for item in range(0, ANSWERED_IN_A_TURN * 5, 2)]
    flushes.let_go.set()
    answered: list[int] = []
    while not all(each.done() for each in waiting):
        await asyncio.sleep(0)
        answered.append(sum(each.done() for each in waiting))
    assert [each for each in answered if each] == [ANSWERED_IN_A_TURN, ANSWERED_IN_A_TURN * 2, len(waiting)]
    assert [each.result() for each in waiting] == [item * 2 for item in range(0, ANSWERED_IN_A_TURN * 5, 2)]


async def test_many_who_ask_again_when_they_are_answered_are_flushed_together_again():
    sizes: list[int] = []

    async def flush(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return items

    batcher = Batcher(flush)

    async def caller() -> None:
        for number in range(3):
            await batcher.submit(number)

    many = ANSWERED_IN_A_TURN * 2 + 1
    await asyncio.gather(*(caller() for _ in range(many)))
    assert sizes == [many] * 3


async def test_callers_who_ask_again_are_served_by_halves_while_the_others_are_flushed():
    """Else the processor would wait for the disk while most are flushed, and the disk for the processor while few are."""
    sizes: list[int] = []

    async def flush(items: list[int]) -> list[int]:
        sizes.append(len(items))
        for _ in range(3):
            await asyncio.sleep(0)
        return items

    batcher = Batcher(flush)

    async def caller() -> None:
        for number in range(4):
            await batcher.submit(number)

    first = await submitted(batcher, 0)
    await asyncio.gather(*first, *(caller() for _ in range(ALL_AT_ONCE * 2)))
    assert sizes == [1, ALL_AT_ONCE + 1, ALL_AT_ONCE - 1, *[ALL_AT_ONCE] * 6]


async def test_all_that_wait_behind_a_flush_of_few_are_flushed_soon():
    flushes = Flushes()
    batcher = Batcher(flushes)
    waiting = [*await submitted(batcher, 0), *await submitted(batcher, *range(2, 202, 2))]
    flushes.let_go.set()
    await outcomes(waiting)
    assert [len(each) for each in flushes.batches] == [1, 51, 49]
