"""A log verified in parts, by several processes at once. The verdict is that of one process that reads all of it.

A part begins with the chain value that is stored where it begins. The part before it proves just that value, for both read one
snapshot. The first part that is not whole is read again, from where it begins to the end of the log, by the process that asked: so the
fault that is named is the one that a reading of the whole log names.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from events import verify as alone
from events.database import Connection, connected
from events.processes import cores, pool
from events.replay import Checkpoint
from events.verify import END, EVENTS, ISSUANCE, Chained, begun, goes_through, walk

POSITIONS_A_PART = 100_000
LEAST_POSITIONS = 400_000
"""A shorter log is verified sooner than processes start."""

CUTS = """
with recursive cuts as (
  select 0::bigint as at
   union all
  select (select min(last_position) from {batches} where last_position >= at + $1) from cuts where at is not null
)
select last_position, chain from {batches} join cuts on at = last_position where at > 0 order by at
"""
"""The ends of batches, with about so many positions between them."""

LOGS = {log.name: log for log in (EVENTS, ISSUANCE)}


class Part(Struct, frozen=True):
    """What follows a checkpoint, up to the end of a batch."""

    log: str
    after: Checkpoint
    upto: int


Prove = Callable[[Part], Awaitable[Checkpoint | None]]
"""Returns the end of the part; None if it is not whole, or could not be read."""


async def verify(
    connection: Connection, log: Chained, prove: Prove, *, through: Checkpoint | None = None
) -> AsyncIterator[Checkpoint]:
    """The same as events.verify.verify, with parts that are proved by `prove`, several at once. Raises Fault."""
    reached = await begun(connection, log)
    yield reached
    parts = await parts_of(connection, log, reached)
    proofs = [asyncio.ensure_future(prove(part)) for part in parts]
    try:
        for part, proof in zip(parts, proofs, strict=True):
            proved = await proof
            if proved is None or part.after != reached:
                break
            reached = proved
            yield reached
        else:
            parts = []
    finally:
        for proof in proofs:
            proof.cancel()
        await asyncio.gather(*proofs, return_exceptions=True)
    if parts:
        whole = reached
        async for reached in walk(connection, log, whole):
            yield reached
    if through:
        await goes_through(connection, log, through, reached.position)


async def parts_of(connection: Connection, log: Chained, genesis: Checkpoint) -> list[Part]:
    cuts = await connection.fetch(CUTS.format(batches=log.batches), POSITIONS_A_PART)
    starts = [genesis, *(Checkpoint(position, chain) for position, chain in cuts)]
    ends = [*(start.position for start in starts[1:]), END]
    return [Part(log.name, start, end) for start, end in zip(starts, ends, strict=True)]


Proof = Callable[[Chained, Checkpoint | None], AsyncIterator[Checkpoint]]


@asynccontextmanager
async def proofs(url: str, connection: Connection, positions: int) -> AsyncGenerator[Proof]:
    """Yields what verifies a log (through a checkpoint) as of the snapshot of the connection's transaction, on all cores if it is long."""
    if cores() == 1 or positions < LEAST_POSITIONS:
        yield lambda log, through: alone.verify(connection, log, through=through)
        return
    async with processes(url, connection) as prove:
        yield lambda log, through: verify(connection, log, prove, through=through)


@asynccontextmanager
async def processes(url: str, connection: Connection) -> AsyncGenerator[Prove]:
    """Yields what proves a part in a process of its own, as of the snapshot of the connection's transaction."""
    snapshot = await connection.fetchval("select pg_export_snapshot()")
    with pool(cores()) as others:

        async def prove(part: Part) -> Checkpoint | None:
            return await asyncio.get_running_loop().run_in_executor(others, _proved, url, snapshot, part)

        yield prove


def _proved(url: str, snapshot: str, part: Part) -> Checkpoint | None:
    return asyncio.run(_read(url, snapshot, part))


async def _read(url: str, snapshot: str, part: Part) -> Checkpoint | None:
    reached = part.after
    try:
        async with connected(url) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"set transaction snapshot '{snapshot}'")
            async for checkpoint in walk(connection, LOGS[part.log], part.after, part.upto):
                reached = checkpoint
    except Exception:  # noqa: BLE001 - whatever it is, the process that asked meets it, too, and can say it
        return None
    return reached
