"""Waiting for an event, but not for ever."""

import asyncio
from contextlib import suppress


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns once the event is set, or after so many seconds.

    Not by asyncio.wait_for: before Python 3.12 it loses a cancellation (a Ctrl-C) that comes at the moment of the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
