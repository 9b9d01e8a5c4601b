"""Reading ahead: Postgres prepares the next page of a long read while this one is worked on."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

Page = TypeVar("Page", bound=Sequence[Any])

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
async def pages(ask: Callable[[], Awaitable[Page]]) -> AsyncGenerator[AsyncGenerator[Page]]:
    """Yields what yields the pages, up to the first empty one. Nobody else uses the connection of `ask` inside the block."""
    coming: list[asyncio.Future[Page]] = []

    async def each() -> AsyncGenerator[Page]:
        coming.append(asyncio.ensure_future(ask()))
        while page := await coming[-1]:
            coming[:] = [asyncio.ensure_future(ask())]
            await asyncio.sleep(0)  # the question is sent before the page is worked on
            yield page

    try:
        with collected_seldom():
            yield each()
    finally:
        for unread in coming:
            unread.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
