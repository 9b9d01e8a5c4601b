"""Waits that a cancellation always ends."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

Result = TypeVar("Result")


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


async def in_daemon_thread(call: Callable[[], Result]) -> Result:
    """Returns the result of the call, which runs in a thread of its own. Neither a cancellation nor the end of the process waits for it.

    (asyncio.to_thread uses threads that the process waits for when it ends.)
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, fault: BaseException | None) -> None:
        if future.done():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(cast("Result", result))

    def run() -> None:
        result, fault = None, None
        try:
            result = call()
        except Exception as raised:  # noqa: BLE001 - it belongs to the caller
            fault = raised
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=run, daemon=True).start()
    return await future
