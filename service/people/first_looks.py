"""The session of an authorization request is found while the cache of clients is brought up to date: two round trips at the same time, which
concurrent requests share. What was found is remembered.
"""

import asyncio
from collections.abc import Callable

from events.group_commit import Batcher, beside
from projections.sign_ins import SignIn, Wanted
from service.people.remembered_sign_ins import RememberedSignIns
from service.people.sessions import Presented, Sessions, SessionToken


class FirstLooks:
    """One per process. `be_certain` brings the cache up to date, and `epoch` is the cache's."""

    def __init__(
        self, sessions: Sessions, be_certain: Callable[[], asyncio.Future[None]], epoch: Callable[[], int]
    ) -> None:
        self._sessions, self._be_certain, self._epoch = sessions, be_certain, epoch
        self._batches: Batcher[Wanted, SignIn | None] = Batcher(self._look)
        self._remembered = RememberedSignIns()

    def remembered(self, token: SessionToken, client_id: str) -> Presented | None:
        """Return what was found by this cookie before, if this process remembers it. Much may have happened since."""
        found = self._remembered.get(Wanted(token.session, client_id), self._epoch())
        return None if found is None else Presented(token, client_id, found)

    async def find(self, token: SessionToken | None, client_id: str) -> Presented | None:
        """Return what is found by this cookie, None if there is none that this server wrote. In either case the cache includes everything
        that happened before this call. Raises Unavailable.
        """
        if token is None:
            await self._be_certain()
            return None
        return Presented(token, client_id, await self._batches.submit(Wanted(token.session, client_id)))

    async def _look(self, wanted: list[Wanted]) -> list[SignIn | None]:
        epoch = self._epoch()
        found = await beside(self._sessions.read(wanted), self._be_certain())
        self._remembered.keep(dict(zip(wanted, found, strict=True)), epoch)
        return found
