"""Reads of authorizations and their users for the token endpoint and userinfo. Requests that wait at the same time are read in one round trip."""

import asyncio
from collections.abc import Callable
from hmac import compare_digest
from uuid import UUID

from events.authorization import RefreshTokenRotated
from events.database import Connections, read
from events.group_commit import Batcher
from events.replay import history
from projections import standing
from projections.standing import Past
from service.people.authorized_users import AuthorizedUser, AuthorizedUsers
from service.people.known_authorizations import KnownAuthorizations


class Authorizations:
    """One per process. Each answer includes everything that was committed before the call, because a batch is read after it was asked for."""

    def __init__(
        self, pool: Connections, be_certain: Callable[[], asyncio.Future[None]], heard: Callable[[], int]
    ) -> None:
        self._pool = pool
        self._batches: Batcher[UUID, Past] = Batcher(self._read)
        self._users = AuthorizedUsers(pool, be_certain)
        self.known = KnownAuthorizations(heard)

    async def past(self, stream: UUID, presented: str) -> Past:
        """Return the events of the authorization, and its user. Raises Unavailable.

        Refreshes are left out only if `presented` is the hash of the current refresh token: any other may be one of theirs, replayed.
        """
        past = await self.latest(stream)
        if not past.left_out or not _is_of_another_refresh(past, presented):
            return past
        events = await read(self._pool, lambda connection: history(connection, stream))
        return Past([each.event for each in events], past.user)

    def latest(self, stream: UUID) -> asyncio.Future[Past]:
        """Return the same with refreshes left out, whatever was presented: enough to find that it is the current token. Raises Unavailable."""
        return self._batches.put(stream)

    async def user(self, stream: UUID) -> AuthorizedUser | None:
        """Return the active user who granted the authorization, if it stands. The cache of clients and revoked tokens is as of this call or
        later then. Raises Unavailable.
        """
        return await self._users.find(stream)

    async def close(self) -> None:
        await self._batches.idle()

    async def _read(self, streams: list[UUID]) -> list[Past]:
        return await read(self._pool, lambda connection: standing.past(connection, streams))


def _is_of_another_refresh(past: Past, presented: str) -> bool:
    last = past.events[-1]
    return isinstance(last, RefreshTokenRotated) and not compare_digest(last.hash, presented)
