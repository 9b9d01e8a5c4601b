"""Users by the authorization that they granted, with the data keys that open their personal data. Requests that wait at the same time are
read in one round trip.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.authorization import AuthorizationGranted
from events.codec import decode
from events.database import Connections, read
from events.group_commit import Batcher, beside
from projections.keyed_users import COLUMNS, KeyedUser

FIND = f"""
select a.stream_id as granted_by, g.type, g.schema_ver, g.data, {COLUMNS}
  from read.authorizations a
  join log.events g on g.stream_id = a.stream_id and g.version = 1
  join read.users u on u.stream_id = a.user_id and u.state = 'active'
  join vault.people p on p.user_id = u.stream_id
 where a.stream_id = any($1::uuid[]) and a.state = 'active'
"""


class AuthorizedUser(Struct, frozen=True):
    """An active user, and what they granted by an authorization that stands."""

    granted: AuthorizationGranted
    user: KeyedUser


class AuthorizedUsers:
    """One per process. `be_certain` brings the cache of clients and revoked tokens up to date."""

    def __init__(self, pool: Connections, be_certain: Callable[[], asyncio.Future[None]]) -> None:
        self._pool, self._be_certain = pool, be_certain
        self._batches: Batcher[UUID, AuthorizedUser | None] = Batcher(self._read)

    async def find(self, authorization: UUID) -> AuthorizedUser | None:
        """Return the user as of this call or later; None if the authorization does not stand, or its user is not active. Raises Unavailable.

        The cache, which knows whether the token and its client stand, is as of this call or later, too.
        """
        return await self._batches.submit(authorization)

    async def _read(self, ids: list[UUID]) -> list[AuthorizedUser | None]:
        rows = await beside(self._rows(list(set(ids))), self._be_certain())
        found: dict[UUID, AuthorizedUser] = {}
        for authorization, kind, schema, data, *user in rows:
            granted = cast("AuthorizationGranted", decode(kind, schema, data))
            found[authorization] = AuthorizedUser(granted, KeyedUser(*user))
        return [found.get(each) for each in ids]

    async def _rows(self, ids: list[UUID]) -> Sequence[asyncpg.Record]:
        return await read(self._pool, lambda connection: connection.fetch(FIND, ids))
