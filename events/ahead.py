"""Reading ahead: Postgres prepares the next page of a long read while this one is worked on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

Page = TypeVar("Page", bound=Sequence[Any])


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
        yield each()
    finally:
        for unread in coming:
            unread.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
