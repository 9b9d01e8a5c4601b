"""Deleting days of issued tokens, once every projection has taken them in."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from events import locks, retention
from events.database import Connection
from events.waiting import in_daemon_thread
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from projections.registry import Projection


class NotYet(Exception):
    """A day cannot be deleted yet; the text says why."""


async def drop(connection: Connection, day: date) -> None:
    """Deletes the tokens of this UTC day. Raises NotYet, and asyncpg's errors of events/retention.py.

    No rebuild may run: it reads the days one after the other, and would count a day that is deleted meanwhile twice, or not at all.
    """
    everything = await in_daemon_thread(
        registry.everything
    )  # an import that hangs must hold up neither requests nor locks
    async with connection.transaction():
        await retention.keep(connection, day)
    async with connection.transaction():
        if not await connection.fetchval(locks.in_transaction_if_free(locks.REBUILD)):
            raise NotYet("a projection is being rebuilt")
        bounds = await retention.positions(connection, day)
        behind = [
            name
            for name, at in await _reached(connection, everything.values())
            if bounds is not None and at < bounds[1]
        ]
        if behind:
            raise NotYet(f"{', '.join(behind)} did not follow the issuance log so far yet")
        await retention.drop(connection, day)


async def _reached(connection: Connection, everything: Iterable[Projection]) -> list[tuple[str, int]]:
    """Returns how far each table is that is made of the issuance log."""
    found: list[tuple[str, int]] = []
    for projection in everything:
        if isinstance(projection, CatchUp) and projection.follows.log == "issuance":
            found += await _of(connection, projection)
    return found


async def _of(connection: Connection, projection: CatchUp[Any, Any]) -> list[tuple[str, int]]:
    live = await checkpoints.live(connection, projection)
    standing = [*([live] if live else []), *await checkpoints.building(connection, projection)]
    return [(each.name, each.position) for each in standing] or [(projection.id, 0)]
