"""How tests wait: for the thing itself, and never so briefly that a busy machine looks like a fault."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

PATIENCE = 60.0
"""Seconds after which what a test waits for will not come any more; below pytest's own timeout, so that the test says what is missing."""

Found = TypeVar("Found")


async def until(ask: Callable[[], Awaitable[Found | None]]) -> Found:
    """The first answer that is true."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await ask()):
            await asyncio.sleep(0.02)
        return found


async def cpu_seconds(work: Callable[[], Awaitable[object]]) -> float:
    """What the work costs this process, the least of three: what else the machine does is not counted."""
    costs: list[float] = []
    for _ in range(3):
        begun = time.process_time()
        await work()
        costs.append(time.process_time() - begun)
    return min(costs)


async def grows_linearly(work: Callable[[int], Awaitable[object]], most: int) -> None:
    """Asserts that `most` of something costs about ten times what a tenth of it does; when it grew as the square, it would be a hundred."""
    tenth = await cpu_seconds(lambda: work(most // 10))
    whole = await cpu_seconds(lambda: work(most))
    assert whole < 35 * tenth, (tenth, whole)


@contextmanager
def turns_of_others() -> Generator[Callable[[], int]]:
    """Yields a function that returns how many turns of the event loop another task has had since."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    try:
        yield lambda: turns
    finally:
        other.cancel()
