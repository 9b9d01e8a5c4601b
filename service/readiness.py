"""Checks whether this process could issue a token now. Concurrent callers share one check."""

import asyncio
import time
from uuid import UUID

import events.database
from events.database import AnyConnection, Pool, Unavailable, read
from events.group_commit import Batcher
from events.issuance import IssuanceLog
from service.lookup import Lookup
from service.oauth.keys import KeyRing

TRIED_SECONDS = 1.0
"""The seconds for which a success is reused. A failure is checked again at once."""

NOBODY = UUID(int=0)

FOREIGN = """
select c.oid::regclass::text as name, pg_get_userbyid(c.relowner)::text as owner
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('read', 'vault', 'limits') and c.relkind = 'r' and not pg_has_role(current_user, c.relowner, 'usage') order by 1 limit 1
"""


class Readiness:
    def __init__(self, lookup: Lookup, ring: KeyRing, issuance: IssuanceLog, pool: Pool) -> None:
        self._lookup, self._ring, self._issuance, self._pool = lookup, ring, issuance, pool
        self._tries: Batcher[None, None] = Batcher(self._try)
        self._good_until = 0.0

    async def check(self) -> None:
        """Return if a token could be issued. Raises Unavailable, which says why none can, after five seconds at most."""
        try:
            async with asyncio.timeout(events.database.PATIENCE_SECONDS + 1):
                await self._tries.submit(None)
        except TimeoutError as fault:
            raise Unavailable("the database does not answer in time") from fault

    async def close(self) -> None:
        await self._tries.idle()

    async def _try(self, asked: list[None]) -> list[Exception | None]:
        if time.monotonic() > self._good_until:
            await read(self._pool, _owned)
            await self._lookup.client(NOBODY)
            if not self._ring.signers:
                raise Unavailable("there is no active signing key")
            await self._issuance.prove()
            self._good_until = time.monotonic() + TRIED_SECONDS
        else:
            await self._lookup.be_current()
        return [None for _ in asked]


async def _owned(connection: AnyConnection) -> None:
    """Raises Unavailable for a table that was rebuilt or restored with another owner, before a request fails because of it."""
    if foreign := await connection.fetchrow(FOREIGN):
        name, owner = foreign["name"], foreign["owner"]
        raise Unavailable(f"the table {name} belongs to {owner}: alter table {name} owner to muniment_service")
