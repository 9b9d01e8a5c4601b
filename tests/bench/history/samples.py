"""What to ask for: ids and values that the history has, often and rarely, so that the reads cost what they can cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.database import Connection
from events.ids import client_id_of
from tests.bench.history.generation import KIDS, Extent
from tests.bench.history.issued import LEAKED_BOT
from tests.bench.history.world import World
from tests.bench.machine import Failed

REPEATED = 40
COLUMNS = {
    "client": "client", "bot": "bot", "user": "user_id", "actor": "actor", "request": "request_id", "address": "address",
    "stream": "stream_id",
}  # fmt: skip
"""The filters of the feed, and their columns of read.audit_events."""

COUNTED = """
select {column} from read.audit_events where {column} is not null group by 1 order by count(*) {order}, 1 limit 1
"""
VERSIONS = "select stream_id, from_position, from_time from read.client_history order by random() limit $1"
TOKENS = "select jti, secret, client from log.issuance where position = any($1::bigint[]) order by random()"
BOTS = "select bot_user_id, count(*) from read.clients where bot_user_id is not null group by 1 order by 2 desc limit 1"


class Then(Struct, frozen=True):
    """A client, and a moment at which it was there."""

    client_id: str
    position: int
    time: datetime


class Samples(Struct, frozen=True, kw_only=True):
    extent: Extent
    events: int
    tokens: int
    thens: list[Then]
    positions: list[int]
    token_positions: list[int]
    often: dict[str, str]
    rarely: dict[str, str]
    jtis: list[UUID]
    login_jtis: list[UUID]
    secrets: list[UUID]
    clients: list[str]
    authorizations: list[UUID]
    bot: str
    busy_client: str
    leaked_secret: UUID
    leaked_client: str
    leaked_since: datetime
    kids: Sequence[str] = KIDS
    leaked_bot: str = LEAKED_BOT


async def gathered(connection: Connection, world: World, extent: Extent, events: int, tokens: int) -> Samples:
    """Raises Failed if the history is so short that it has none of something."""
    if world.leaked is None or not world.tokens:
        raise Failed("the history is too short: no secret leaked, or no user signed in")
    dice = world.dice
    positions = [dice.randint(1, events) for _ in range(REPEATED)]
    token_positions = [dice.randint(1, tokens) for _ in range(REPEATED)]
    issued = await connection.fetch(TOKENS, token_positions)
    logins = dice.choices(world.tokens[-len(world.tokens) // 2 :], k=REPEATED)
    versions = await connection.fetch(VERSIONS, REPEATED)
    return Samples(
        extent=extent,
        events=events,
        tokens=tokens,
        thens=[Then(client_id_of(stream), position, time) for stream, position, time in versions],
        positions=positions,
        token_positions=token_positions,
        often={name: await _counted(connection, column, "desc") for name, column in COLUMNS.items()},
        rarely={name: await _counted(connection, column, "asc") for name, column in COLUMNS.items()},
        jtis=[row["jti"] for row in issued],
        login_jtis=[each.jti for each in logins],
        secrets=[row["secret"] for row in issued],
        clients=[client_id_of(row["client"]) for row in issued],
        authorizations=[each.authorization.stream for each in logins],
        bot=(await connection.fetch(BOTS))[0][0],
        busy_client=world.clients[0].client_id,
        leaked_secret=world.leaked.first_secret,
        leaked_client=world.leaked.client_id,
        leaked_since=world.leaked.since,
    )


async def _counted(connection: Connection, column: str, order: str) -> str:
    value: Any = await connection.fetchval(COUNTED.format(column=column, order=order))
    return client_id_of(value) if column == "client" else str(value)
