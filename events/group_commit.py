"""Group commit: items that arrive during one flush go into the next one together, or, if they are many more than that flush had, into the
next ones. Nothing waits for a timer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Literal, TypeVar

from events.database import Overloaded, Unavailable
from events.room import Room

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

Watch = Callable[[int, float], None]
"""Is called after each flush, with the number of its items and the seconds that it took, whatever its outcome."""


MOST_FLUSHES = 2
"""How many full flushes may wait behind the one that runs, as long as no queue stands: 1,024 items, as many as come while Postgres
halts for some tenths of a second."""

ALL_AT_ONCE = 8
"""If no more than these wait, the next flush takes them all. If more wait, it takes the mean of the flush before and of those that wait, so
that flushes become equal in size. Callers soon ask again: while 14 of 16 are flushed, only 2 are served, and the processor waits for the
disk; while 8 are flushed, 8 are served."""

ANSWERED_IN_A_TURN = 32
"""So many callers get their outcomes in one turn of the event loop. Each then has a response to make, so more of them would make the turn long."""


class Batcher(Generic[Item, Outcome]):
    """Collects many concurrent `submit`s into few `flush`es. A flush returns one outcome, or one exception, for each item.

    `of` says what its items are, where too many of them are counted.
    """

    def __init__(
        self,
        flush: Callable[[list[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        limit: int = 512,
        watch: Watch | None = None,
        of: Literal["commits", "reads"] = "reads",
    ) -> None:
        self._flush = flush
        self._limit, self._room = limit, Room(limit * MOST_FLUSHES)
        self._watch, self._of = watch, of
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """The number of items that wait for the next flush."""
        return len(self._waiting)

    def may_wait(self, ahead: int) -> bool:
        """Whether one more item may wait, after those that wait and `ahead` others that were accepted but do not wait yet."""
        return self._running is None or len(self._waiting) + ahead < self._room.bound

    async def submit(self, item: Item) -> Outcome:
        """Returns the item's outcome. If the caller is cancelled while it waits, the item is flushed nevertheless.

        Raises Overloaded if as many wait already as there is room for.
        """
        return await self.put(item)

    def put(self, item: Item) -> "asyncio.Future[Outcome]":
        """The same for a caller that does something else before it waits for the outcome."""
        if self._running is None:
            self._room.rested(time.perf_counter())
        if len(self._waiting) >= self._room.bound:
            raise Overloaded(self._of)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return future

    async def idle(self) -> None:
        """Returns when no flush is running; for an orderly shutdown."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            before = 0
            while waiting := self._waiting:
                before = most = min(self._room.next(self._limit), _even(before, len(waiting)))
                batch, self._waiting = waiting[:most], waiting[most:]
                await self._settle(batch)
        finally:
            self._running = None

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        size, begun = len(batch), time.perf_counter()
        try:
            outcomes: Sequence[Outcome | Exception] = await self._flush([item for item, _ in batch])
        except Unavailable as fault:  # Items that arrived meanwhile would fail in the same way.
            batch, self._waiting = batch + self._waiting, []
            outcomes = [fault] * len(batch)
        except Exception as fault:  # noqa: BLE001 - every error belongs to the waiting callers, not to this loop
            outcomes = [fault] * len(batch)
        ended = time.perf_counter()
        self._room.flushed(size, begun, ended, left=len(self._waiting))
        if self._watch is not None:
            self._watch(size, ended - begun)
        self._answer(list(zip((future for _, future in batch), outcomes, strict=True)))
        if size > ANSWERED_IN_A_TURN and not self._waiting:
            # The next flush is for all who ask again when they are answered.
            for _ in range(0, size, ANSWERED_IN_A_TURN):
                await asyncio.sleep(0)

    def _answer(self, outcomes: list[tuple[asyncio.Future[Outcome], Outcome | Exception]]) -> None:
        """Give the callers their outcomes, some in each turn of the event loop: it reads its sockets in between. If others wait, their flush begins at once."""
        for future, outcome in outcomes[:ANSWERED_IN_A_TURN]:
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        if rest := outcomes[ANSWERED_IN_A_TURN:]:
            asyncio.get_running_loop().call_soon(self._answer, rest)


def _even(before: int, waiting: int) -> int:
    """Returns how many of the waiting items the next flush takes, after a flush of `before` items (0: none)."""
    if not before or waiting <= ALL_AT_ONCE:
        return waiting
    return min(waiting, max(ALL_AT_ONCE, (before + waiting + 1) // 2))


async def beside(read: Awaitable[Outcome], under_way: "asyncio.Future[None]") -> Outcome:
    """Returns what is read once the other one, which is under way already, is done too. It costs less than a task for each of them."""
    try:
        outcome = await read
    except Exception:
        await under_way
        raise
    await under_way
    return outcome
