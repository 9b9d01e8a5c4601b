"""Reading ahead: Postgres prepares and sends the next page of a long read while this one is worked on."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

Row = TypeVar("Row")

AT_ONCE = 100
"""So many rows of a page are worked on before what came of the next one is read. Postgres waits once the socket is full, and that is long before a
page ends; and what is made of so few stays in the processor's cache.
"""

SELDOM = 100_000
"""So many objects are made before the collector looks for cycles among them: pages have none, and it would look every 700 objects."""


@contextmanager
def collected_seldom() -> Generator[None]:
    """Of several at once, the one that began first ends it for all."""
    before = gc.get_threshold()
    if before[0] == SELDOM:
        yield
        return
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@asynccontextmanager
async def pages(
    ask: Callable[[], Awaitable[list[Row]]], *, at_once: int = AT_ONCE
) -> AsyncGenerator[AsyncGenerator[list[Row]]]:
    """Yields what yields the pages, in parts of `at_once` rows, up to the first empty page. Nobody else uses the connection of `ask` inside the block."""
    coming: list[asyncio.Future[list[Row]]] = []

    async def each() -> AsyncGenerator[list[Row]]:
        coming.append(asyncio.ensure_future(ask()))
        while page := await coming[-1]:
            coming[:] = [asyncio.ensure_future(ask())]
            while page:
                await asyncio.sleep(0)  # the question is sent, and its answer read, meanwhile
                part, page[:at_once] = page[:at_once], []  # what was worked on is freed
                yield part

    try:
        with collected_seldom():
            yield each()
    finally:
        for unread in coming:
            unread.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
