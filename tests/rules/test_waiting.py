"""How a loop waits for what wakes it."""

import asyncio
import threading

import pytest

from events.waiting import in_daemon_thread, raise_if_cancelled, set_within
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


async def test_a_cancellation_that_an_error_replaced_still_ends_the_loop():
    async def rolled_back_over_a_lost_connection() -> None:
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError as cancelled:
            raise ConnectionError from cancelled

    async def loop() -> None:
        while True:
            try:
                await rolled_back_over_a_lost_connection()
            except ConnectionError:
                raise_if_cancelled()

    looping = asyncio.create_task(loop())
    await asyncio.sleep(0)
    looping.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE / 2):
            await looping


async def test_what_runs_in_a_daemon_thread_gives_its_result_or_its_error_and_holds_up_no_cancellation():
    assert await in_daemon_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_daemon_thread(lambda: 1 // 0)
    hanging = threading.Event()
    waiting = asyncio.create_task(in_daemon_thread(hanging.wait))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [thread.daemon for thread in threading.enumerate() if thread.name.endswith("(run)")] == [True]
    hanging.set()
