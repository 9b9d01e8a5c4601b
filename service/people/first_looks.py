"""The session of an authorization request is found while the cache of clients is brought up to date: two round trips at the same time, which
concurrent requests share.
"""

import asyncio
from collections.abc import Callable

from events.group_commit import Batcher, beside
from projections.sign_ins import SignIn, Wanted
from service.people.sessions import Presented, Sessions


class FirstLooks:
    """One per process. `be_certain` brings the cache up to date."""

    def __init__(self, sessions: Sessions, be_certain: Callable[[], asyncio.Future[None]]) -> None:
        self._sessions, self._be_certain = sessions, be_certain
        self._batches: Batcher[Wanted, SignIn | None] = Batcher(self._look)

    async def find(self, cookie: str | None, client_id: str) -> Presented | None:
        """Return what is found by this cookie, None if this server did not write it. In either case the cache includes everything that
        happened before this call. Raises Unavailable.
        """
        token = self._sessions.token(cookie)
        if token is None:
            await self._be_certain()
            return None
        return Presented(token, client_id, await self._batches.submit(Wanted(token.session, client_id)))

    async def _look(self, wanted: list[Wanted]) -> list[SignIn | None]:
        return await beside(self._sessions.read(wanted), self._be_certain())
