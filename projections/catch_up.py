"""Following the issuance log: checkpoint and effect in one transaction, so every token counts exactly once, whoever follows."""

import asyncpg
from msgspec import Struct

from events.database import Connection
from events.replay import Checkpoint
from projections.last_used import NAME, VERSION, Poison, add, project

BATCHES_A_STEP = 200

INSTALL = """
insert into read.checkpoints (name, version, position, chain, state)
select $1, $2, last_position, chain, 'active' from log.issuance_batches where last_position = 0 on conflict (name) do nothing
"""
CLAIM = "select position, chain, state from read.checkpoints where name = $1 for update skip locked"
CHAIN_AT = "select chain from log.issuance_batches where last_position = $1"
BATCHES = f"""
select last_position, chain, recorded_at from log.issuance_batches where last_position > $1 order by last_position limit {BATCHES_A_STEP}
"""
ROWS = """
select position, issued_at, client, secret, data from log.issuance
 where position > $1 and position <= $2 and issued_at between $3 and $4 order by position
"""
ADVANCE = "update read.checkpoints set position = $2, chain = $3, updated_at = clock_timestamp() where name = $1"
FAIL = """
update read.checkpoints set state = 'failed', failed_position = $2, error = $3, updated_at = clock_timestamp() where name = $1
"""


class Page(Struct, frozen=True):
    """Whole batches of the issuance log, and the checkpoint after them."""

    rows: list[asyncpg.Record]
    reached: Checkpoint


async def install(connection: Connection) -> None:
    await connection.execute(INSTALL, NAME, VERSION)


async def page_after(connection: Connection, position: int, *, upto: int | None = None) -> Page | None:
    """The next batches after `position` (at most up to `upto`), or None at the head."""
    batches = [b for b in await connection.fetch(BATCHES, position) if upto is None or b["last_position"] <= upto]
    if not batches:
        return None
    reached = Checkpoint(batches[-1]["last_position"], batches[-1]["chain"])
    times = (batches[0]["recorded_at"], batches[-1]["recorded_at"])
    return Page(await connection.fetch(ROWS, position, reached.position, *times), reached)


async def step(connection: Connection) -> bool:
    """Follows the log one page further; True when there may be more. Does nothing while another process is at it.

    A row that cannot be read, or a log that is not the one followed so far, stops the projection: state 'failed', with
    position and reason, until an operator rebuilds it.
    """
    try:
        async with connection.transaction():
            return await _step(connection)
    except Poison as poison:
        await connection.execute(FAIL, NAME, poison.position, str(poison))
        return False


async def _step(connection: Connection) -> bool:
    claimed = await connection.fetchrow(CLAIM, NAME)
    if claimed is None or claimed["state"] == "failed":
        return False
    if await connection.fetchval(CHAIN_AT, claimed["position"]) != claimed["chain"]:
        raise Poison(
            claimed["position"],
            "the issuance log is not the one that was followed up to here: it lost or changed history",
        )
    page = await page_after(connection, claimed["position"])
    if page is None:
        return False
    await add(connection, project(page.rows))
    await connection.execute(ADVANCE, NAME, page.reached.position, page.reached.chain)
    return True
