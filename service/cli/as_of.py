"""--as-of: the position that a moment of the past stands for, and a history that has been made up to there."""

import asyncio
import time
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import typer
from msgspec import Struct

from events.database import AnyConnection, Connection
from events.replay import head
from projections import as_of
from projections.as_of import Behind, Wanted
from projections.engine import checkpoints
from projections.engine.follow import step
from projections.history import History, Snapshot
from service.cli.fault import Plainly
from service.cli.output import note
from service.cli.selection import until_place

PREFIX = "position:"
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.05

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="WHEN",
        help="As it was then: a time (2026-03-03T14:02, UTC unless it says; a day is whole) or a position of the log.",
        show_default=False,
    ),
]


class Past(Struct, frozen=True):
    """What there was at a position of the log."""

    connection: AnyConnection
    position: int

    async def find(self, history: History[Snapshot], stream: UUID) -> Snapshot | None:
        await self.reach(history)
        return await as_of.find(self.connection, history, stream, self.position)

    async def listed(self, history: History[Snapshot], filters: dict[str, Any], limit: int) -> list[Snapshot]:
        await self.reach(history)
        wanted = Wanted(position=self.position, after=None, limit=limit, filters=filters)
        return await as_of.listed(self.connection, history, wanted)

    async def deleted(self, history: History[Snapshot], filters: dict[str, Any], limit: int) -> list[Snapshot]:
        """Return the last version of what is deleted now."""
        await self.reach(history)
        wanted = Wanted(position=self.position, after=None, limit=limit, filters=filters)
        return await as_of.deleted(self.connection, history, wanted)

    async def reach(self, history: History[Any]) -> None:
        """Follow the log up to the position, unless a running service has. Raises Plainly."""
        projection, connection = history.catch_up(), cast("Connection", self.connection)
        await checkpoints.install(connection, projection)
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await as_of.check(connection, history, self.position)
            except Behind as behind:
                if behind.failed or time.monotonic() > until:
                    raise Plainly(f"{behind} muniment projections list says more.") from behind
                if await step(connection, projection):
                    until = time.monotonic() + PATIENCE_SECONDS
                else:  # a running service follows it
                    await asyncio.sleep(PAUSE_SECONDS)
            else:
                return


async def present(connection: AnyConnection) -> Past:
    """Return the end of the log."""
    return Past(connection, (await head(connection)).position)


async def past(connection: AnyConnection, when: str) -> Past:
    """Say on stderr which position the answer stands for. Raises Plainly."""
    place = until_place("--as-of", when.removeprefix(PREFIX))
    if isinstance(place, datetime):
        position = await as_of.position_of(connection, place)
        if position is None:
            raise Plainly(f"--as-of {when} is in the future, so there is no answer yet.")
    else:
        end = (await head(connection)).position
        if place > end:
            raise Plainly(f"--as-of {when} is beyond the end of the log, which is position {end}.")
        position = place
    note(f"as of position {position} of the log")
    return Past(connection, position)
