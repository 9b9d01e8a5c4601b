"""How a loop waits for what wakes it."""

import asyncio

import pytest

from events.waiting import set_within
from tests.patience import PATIENCE


async def test_a_cancellation_that_comes_at_the_moment_of_the_event_is_not_lost():
    event = asyncio.Event()
    waiting = asyncio.create_task(set_within(event, PATIENCE))
    await asyncio.sleep(0)  # it waits
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_waiting_ends_with_the_event_or_with_the_time():
    event = asyncio.Event()
    await set_within(event, 0)
    asyncio.get_running_loop().call_soon(event.set)
    async with asyncio.timeout(PATIENCE):
        await set_within(event, 2 * PATIENCE)
