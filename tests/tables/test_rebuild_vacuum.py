"""While a rebuild waits for a vacuum of its table, much may come: it is taken in before the swap, for which all appends wait."""

import asyncio
from typing import Any

from events.database import connected
from projections.engine import rebuild, refold
from projections.engine.rebuild import CALM
from service.crypto.credentials import new_id
from tests.patience import PATIENCE, until
from tests.tables.test_append import client

WAITING = "select 1 from pg_locks where not granted and relation = 'read.clients'::regclass"
APPENDS_WAIT = "select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and objid = 4701"


async def test_what_came_while_a_vacuum_was_waited_for_is_not_left_to_the_swap(database, log, reader, monkeypatch):
    in_the_swap: list[int] = []
    real = refold.refold

    async def counted(connection: Any, table: Any, streams: list[Any], *, into: str) -> None:
        if await connection.fetchval(APPENDS_WAIT):
            in_the_swap.append(len(streams))
        await real(connection, table, streams, into=into)

    monkeypatch.setattr(refold, "refold", counted)
    vacuum = reader.transaction()
    await vacuum.start()
    await reader.execute("lock table read.clients in share update exclusive mode")  # as a vacuum does
    rebuilding = asyncio.create_task(rebuild.rebuild(database, "clients", lambda *_: None))
    async with connected(database) as connection:
        await until(lambda: connection.fetch(WAITING))
    await asyncio.gather(*(log.append(client(new_id())) for _ in range(2 * CALM)))
    await vacuum.rollback()
    async with asyncio.timeout(PATIENCE):
        await rebuilding
    assert max(in_the_swap) <= CALM
