"""What a reader does that waits for a table which is made behind the log."""

import asyncio
from typing import Any

from events.database import Pool, read
from projections import registry
from projections.catch_up import CatchUp
from projections.engine.hastening import hasten

PAUSE_SECONDS = 0.05


async def bring_nearer(pool: Pool, projection: CatchUp[Any, Any]) -> None:
    """Go on with the projection by one step; or wait a little, where another process is at it. Raises Unavailable."""
    if not await read(pool, lambda connection: hasten(connection, projection, registry.catch_up())):
        await asyncio.sleep(PAUSE_SECONDS)
