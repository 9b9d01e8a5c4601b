"""The responses that are stored for a retry of the same command: found, deleted after 24 hours, and verified against their events."""

from datetime import timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct, json

from events.database import AnyConnection, Connection
from events.envelope import Meta
from events.log import Receipt
from events.relations import fault_of
from events.verify import Fault

FIND_COMMAND = """
select last_position, fingerprint, response from log.commands
 where command_id = $1 and recorded_at >= clock_timestamp() - interval '24 hours'
"""

KEPT = """
select c.command_id, c.recorded_at, c.last_position, c.fingerprint, c.response, e.recorded_at as committed_at, e.meta
  from log.commands c left join log.events e on e.position = c.last_position order by c.last_position
"""
LATELY = """
select position, meta from log.events
 where position > (select max(last_position) from log.batches where recorded_at < clock_timestamp() - interval '24 hours')
   and position('"receipt":"'::bytea in meta) > 0 order by position
"""
FIRST_BOUND = """select min(recorded_at) from log.events where position('"receipt":"'::bytea in meta) > 0"""
A_DAY = timedelta(hours=24)
NAME = "answers kept for retries"

_decode = json.Decoder(Meta).decode


class Command(Struct, frozen=True, kw_only=True):
    position: int
    fingerprint: bytes
    response: bytes


async def find_command(connection: AnyConnection, command_id: UUID) -> Command | None:
    """Returns the command that was carried out under this id in the last 24 hours, or None."""
    row = await connection.fetchrow(FIND_COMMAND, command_id)
    return None if row is None else Command(position=row[0], fingerprint=row[1], response=row[2])


async def forget_old_commands(connection: AnyConnection) -> None:
    """Deletes responses that are older than 24 hours."""
    await connection.execute("select log.forget_old_commands()")


async def verify(connection: Connection) -> int:
    """Returns the number of stored responses. Raises Fault if one is missing or does not belong to its events.

    Call it inside the repeatable-read transaction in which the event log was verified.
    """
    if what := await fault_of(connection, "log.commands"):
        raise Fault(NAME, 0, what)
    kept: set[str] = set()
    unbound: asyncpg.Record | None = None
    async for row in connection.cursor(KEPT):
        digest = Receipt(command_id=row["command_id"], fingerprint=row["fingerprint"], response=row["response"]).digest
        kept.add(digest)
        unbound = row if not _is_bound(row, digest) else unbound
    if unbound is not None:
        await _check_unbound(connection, unbound)
    async for position, meta in connection.cursor(LATELY):
        if _decode(meta).receipt not in kept:
            raise Fault(NAME, position, "the answer to the request that this was appended for is gone")
    return len(kept)


def _is_bound(row: asyncpg.Record, digest: str) -> bool:
    """Returns whether the event names a response. Raises Fault if it names another one."""
    name, position = row["command_id"], row["last_position"]
    if row["committed_at"] != row["recorded_at"]:
        raise Fault(NAME, position, f"the answer {name} was not kept when this was appended")
    receipt = _decode(row["meta"]).receipt
    if receipt not in (None, digest):
        raise Fault(NAME, position, f"the answer {name} is not the one that was kept when this was appended")
    return receipt is not None


async def _check_unbound(connection: Connection, last: asyncpg.Record) -> None:
    """Versions without receipts stored responses too, and during an upgrade both versions append. Raises Fault a day after that."""
    first = await connection.fetchval(FIRST_BOUND)
    if first is not None and last["recorded_at"] >= first + A_DAY:
        raise Fault(NAME, last["last_position"], f"the answer {last['command_id']} was not kept when this was appended")
