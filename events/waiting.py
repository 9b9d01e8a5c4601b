"""Waits for an event with a time limit."""

import asyncio
from contextlib import suppress


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after this many seconds.

    It does not use asyncio.wait_for, which before Python 3.12 can lose a cancellation (Ctrl-C) at the moment of the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
