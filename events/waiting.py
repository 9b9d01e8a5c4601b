"""Waits that a cancellation always ends."""

import asyncio
from contextlib import suppress


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after this many seconds.

    It does not use asyncio.wait_for, which before Python 3.12 can lose a cancellation (Ctrl-C) at the moment of the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def raise_if_cancelled() -> None:
    """Raises CancelledError if the current task was cancelled. Call it in a loop that goes on after an error of the database.

    The error can have replaced the cancellation: a rollback over a lost connection fails while the task unwinds.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
