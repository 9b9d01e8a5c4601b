"""The last operator stays one: nobody locks everybody out of the console by mistake. At the command line it is allowed."""

from collections.abc import Collection
from uuid import UUID

from events.database import Pool, read
from projections import users
from service.configuration.upstream import Upstream

LAST = "You are the last operator, and nobody here could make you one again. Make somebody else an operator first."


async def leaves_none(pool: Pool, upstream: Upstream | None, stopped: Collection[UUID]) -> bool:
    """Return whether nobody is an active operator once these users are stopped. Raises Unavailable.

    Who is one through a group counts only while the upstream provider has a group that brings the role.
    """
    by_groups = upstream is not None and "operator" in upstream.brought
    return not await read(pool, lambda connection: users.has_operator_besides(connection, stopped, by_groups=by_groups))
