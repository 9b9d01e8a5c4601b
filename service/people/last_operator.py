"""The last operator stays one: nobody locks everybody out of the console by mistake. At the command line it is allowed."""

from collections.abc import Collection
from uuid import UUID

from events.database import Pool, read
from projections import users

LAST = "You are the last operator, and nobody here could make you one again. Make somebody else an operator first."


async def leaves_none(pool: Pool, stopped: Collection[UUID]) -> bool:
    """Return whether nobody is an active operator once these users are stopped. Raises Unavailable."""
    return not await read(pool, lambda connection: users.has_operator_besides(connection, stopped))
