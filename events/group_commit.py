"""Group commit: everything that arrives while one flush is in flight goes together in the next. Nothing waits on a timer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from events.database import Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Batcher(Generic[Item, Outcome]):
    """Turns many concurrent `submit`s into few `flush`es. A flush answers one outcome, or one exception, per item."""

    def __init__(
        self, flush: Callable[[list[Item]], Awaitable[Sequence[Outcome | Exception]]], *, limit: int = 512
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Outcome:
        """The item's outcome. A caller that is cancelled while waiting takes nothing back: its item goes its way."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def idle(self) -> None:
        """Returns when nothing is in flight; for an orderly stop."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._settle(batch)
        finally:
            self._running = None

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes: Sequence[Outcome | Exception] = await self._flush([item for item, _ in batch])
        except Unavailable as fault:  # whoever came meanwhile would only wait for the same answer
            batch, self._waiting = batch + self._waiting, []
            outcomes = [fault] * len(batch)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it belongs to those who wait, not to this loop
            outcomes = [fault] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
