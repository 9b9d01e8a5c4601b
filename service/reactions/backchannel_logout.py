"""OpenID Connect Back-Channel Logout 1.0: notifies clients that a session ended, and repeats failed attempts within limits.

The log records which clients to notify. Only the number of attempts is kept in memory. One process at a time delivers.
"""

import asyncio
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from events import locks
from events.database import Unavailable, read
from events.database_session import DatabaseSession
from events.election import Election
from events.envelope import ByService
from events.ids import client_stream
from projections import clients, sessions
from projections.clients import Found
from service.clock import utc_now
from service.commands.handle import SESSION, Ledger, handle
from service.commands.session import GiveUpNotifying, ReportNotified
from service.crypto.credentials import new_id
from service.oauth.keys import KeyRing
from service.oauth.tokens import sign_id_token
from service.reactions.not_delivered import NotTaken, NotWanted
from service.refusals import Contradiction
from service.request_id import envelope

if TYPE_CHECKING:
    from service.reactions.backchannel_delivery import Delivery

LOCK = locks.in_session_if_free(locks.BACKCHANNEL)
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME_SECONDS = 120
LONGEST_PAUSE_SECONDS = 60
MOST_TRIES = 10
MOST_SECONDS = 600
MOST_AT_ONCE = 8
MOST_AT_ONCE_PER_CLIENT = 2
MOST_LOOKED_AT = 1000
MOST_LOOKED_AT_PER_CLIENT = 200

log = logging.getLogger("muniment.backchannel")


class Tries(Struct):
    """The attempts for one client and one session. `since` (the start of the first) and `next_at` are monotonic times in seconds."""

    next_at: float
    since: float | None = None
    count: int = 0

    def begun(self, now: float) -> None:
        """Record the start of an attempt. Waiting for a free slot is not an attempt."""
        self.since = now if self.since is None else self.since

    def failed(self, now: float) -> bool:
        """Count a failed attempt. Returns whether it was the last."""
        self.count += 1
        self.next_at = now + min(2.0 ** (self.count - 1), LONGEST_PAUSE_SECONDS)
        return self.count >= MOST_TRIES or (self.since is not None and now - self.since >= MOST_SECONDS)


class Deliverer:
    """One per process. Call `look` every second; the deliveries that it starts run as tasks of their own."""

    def __init__(self, ledger: Ledger, ring: KeyRing, issuer: str, url: str) -> None:
        self._ledger = ledger
        self._ring = ring
        self._issuer = issuer
        self._session = DatabaseSession(url)
        self._election = Election(LOCK)
        self._tries: dict[tuple[UUID, str], Tries] = {}
        self._under_way: dict[tuple[UUID, str], asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._slots_of: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MOST_AT_ONCE_PER_CLIENT)
        )
        self._delivery: Delivery | None = None

    async def look(self) -> None:
        """Start the deliveries that are due. Raises Unavailable."""
        if not await self._is_ours():
            return
        waiting = await read(
            self._ledger.pool,
            lambda c: sessions.to_notify(c, each=MOST_LOOKED_AT_PER_CLIENT, limit=MOST_LOOKED_AT),
        )
        due = {(row.stream_id, client_id): row for row, client_id in waiting}
        self._tries = {key: tries for key, tries in self._tries.items() if key in due}
        if not self._under_way:
            self._slots_of.clear()
        now = time.monotonic()
        for key, row in due.items():
            tries = self._tries.setdefault(key, Tries(now))
            if key not in self._under_way and tries.next_at <= now:
                self._under_way[key] = asyncio.create_task(self._deliver(row, key, tries))

    async def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        if self._delivery is not None:
            await self._delivery.aclose()
        await self._session.close()

    async def _is_ours(self) -> bool:
        """Return whether this process delivers. It holds the lock while the connection that took the lock lives."""
        async with self._session.using() as connection:
            return await self._election.is_won(connection)

    async def _deliver(self, row: sessions.Row, key: tuple[UUID, str], tries: Tries) -> None:
        """Try once: wait for a slot, notify the client, and record the result."""
        session, client_id = key
        try:
            fault = await self._tell(row, client_id, tries)
            if fault is None:
                await self._record(session, ReportNotified(client_id=client_id, at=utc_now()))
            elif isinstance(fault, NotWanted) or tries.failed(time.monotonic()):
                log.warning("the client %s could not be notified that a session ended: %s", client_id, fault)
                await self._record(session, GiveUpNotifying(client_id=client_id, why=str(fault), at=utc_now()))
        except (Unavailable, Contradiction) as fault:  # the next look tries again
            log.warning("back-channel logout: %s", fault)
        except Exception:
            tries.failed(time.monotonic())
            log.exception("back-channel logout")
        finally:
            del self._under_way[key]

    async def _record(self, session: UUID, command: ReportNotified | GiveUpNotifying) -> None:
        meta = envelope(ByService(why="back-channel logout"))
        await handle(self._ledger, SESSION, session, command, meta)

    async def _tell(self, row: sessions.Row, client_id: str, tries: Tries) -> NotTaken | None:
        """Return None if the client accepted the token, else why not."""
        async with self._slots_of[client_id], self._slots:
            tries.begun(time.monotonic())
            stream = client_stream(client_id)
            found = None if stream is None else await read(self._ledger.pool, lambda c: clients.find(c, stream))
            try:
                await self._send(*await self._token(row, found))
            except NotTaken as fault:
                return fault
        return None

    async def _token(self, row: sessions.Row, found: Found | None) -> tuple[str, str]:
        """Return the client's back-channel logout URI and the logout token (section 2.4). Raises NotTaken."""
        login = found.client.login if found else None
        if found is None or login is None or login.backchannel_logout_uri is None:
            raise NotWanted("the client no longer wants to be notified")
        signer = self._ring.signers.get(login.id_token_alg)
        if signer is None:
            raise NotTaken("there is no key to sign with")
        claims = logout_claims(self._issuer, found.client.client_id, row, int(time.time()))
        return login.backchannel_logout_uri, sign_id_token(signer, claims, typ="logout+jwt")

    async def _send(self, uri: str, token: str) -> None:
        """Raises NotTaken."""
        if self._delivery is None:
            from service.reactions.backchannel_delivery import Delivery  # noqa: PLC0415 - the HTTP client's libraries load only when needed

            self._delivery = Delivery(self._issuer)
        await self._delivery.send(uri, token)


def logout_claims(issuer: str, client_id: str, row: sessions.Row, now: int) -> dict[str, Any]:
    """Return the claims of section 2.4. A nonce is never among them, so the token cannot pass as an ID token."""
    return {
        "iss": issuer,
        "sub": str(row.user_id),
        "aud": client_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": str(new_id()),
        "sid": str(row.stream_id),
        "events": {EVENT: {}},
    }
