"""Waits that a cancellation always ends."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")


async def set_within(event: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set, or after this many seconds.

    It does not use asyncio.wait_for, which before Python 3.12 can lose a cancellation (Ctrl-C) at the moment of the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def in_turns(items: Sequence[Result], size: int = 1000) -> AsyncGenerator[Sequence[Result]]:
    """Yields the items in parts, and lets others have their turns between them: a part should take a few milliseconds."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
        await asyncio.sleep(0)


def raise_if_cancelled() -> None:
    """Raises CancelledError if the current task was cancelled. Call it in a loop that goes on after an error of the database.

    The error can have replaced the cancellation: a rollback over a lost connection fails while the task unwinds.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def in_daemon_thread(call: Callable[[], Result]) -> Result:
    """Returns the result of the call, which runs in a thread of its own. Neither a cancellation nor the end of the process waits for it.

    (asyncio.to_thread uses threads that the process waits for when it ends.)
    """
    found: Future[Result] = Future()

    def run() -> None:
        found.set_running_or_notify_cancel()  # from here on a cancellation leaves it alone
        try:
            found.set_result(call())
        except Exception as fault:  # noqa: BLE001 - it belongs to the caller
            found.set_exception(fault)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(found)
