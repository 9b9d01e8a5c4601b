"""A request to somebody else's server: bounded in time, and what goes wrong in a few words that contain nothing of the response."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx


@asynccontextmanager
async def bounded(seconds: float, fault: Callable[[str], Exception]) -> AsyncGenerator[None]:
    """Raises the fault that `fault` makes of the words, if the server does not answer in this time, or not as HTTP."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (TimeoutError, httpx.TimeoutException) as cause:
        raise fault("it did not answer in time") from cause
    except httpx.ConnectError as cause:
        raise fault("it could not be connected to") from cause
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as cause:
        raise fault("its response was not HTTP, or the connection broke") from cause
