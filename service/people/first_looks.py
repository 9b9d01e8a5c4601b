"""The session of an authorization request is found while the cache of clients is brought up to date: two round trips at the same time, which
concurrent requests share. What was found is remembered.
"""

import asyncio
from collections.abc import Callable

from events.group_commit import Batcher, beside
from projections.sign_ins import SignIn, Wanted
from service.people.remembered_sign_ins import RememberedSignIns
from service.people.sessions import Presented, Sessions, SignedIn, signed_in_by


class FirstLooks:
    """One per process. `be_certain` brings the cache up to date, and `epoch` is the cache's."""

    def __init__(
        self, sessions: Sessions, be_certain: Callable[[], asyncio.Future[None]], epoch: Callable[[], int]
    ) -> None:
        self._sessions, self._be_certain, self._epoch = sessions, be_certain, epoch
        self._batches: Batcher[Wanted, SignIn | None] = Batcher(self._look)
        self._remembered = RememberedSignIns()

    def remembered(self, cookie: str, client_id: str) -> SignedIn | None:
        """Return whom this cookie authenticated before, if this process remembers it. Much may have happened since."""
        found = self._remembered.get(cookie, client_id, self._epoch())
        return None if found is None else signed_in_by(found)

    async def find(self, cookie: str | None, client_id: str) -> Presented | None:
        """Return what is found by this cookie, None if this server did not write it. In either case the cache includes everything that
        happened before this call. Raises Unavailable.
        """
        token = self._sessions.token(cookie)
        if cookie is None or token is None:
            await self._be_certain()
            return None
        epoch = self._epoch()
        presented = Presented(token, client_id, await self._batches.submit(Wanted(token.session, client_id)))
        self._remembered.keep(cookie, client_id, presented.found if presented.is_proved else None, epoch)
        return presented

    async def _look(self, wanted: list[Wanted]) -> list[SignIn | None]:
        return await beside(self._sessions.read(wanted), self._be_certain())
