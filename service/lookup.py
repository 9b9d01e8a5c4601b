"""Clients, APIs, keys and revoked tokens in this process: a cache of the inline projections that knows how old it is.

Every answer is true as of `position`. A token is released only if nothing happened to its client between the position of the
decision and the token's commit, so no process issues a token to a client that was disabled or deleted before. Refusals and
introspection first bring the cache up to date. All other reads are at most CURRENT_SECONDS old (milliseconds with NOTIFY). While
the database cannot be reached, there is no answer at all.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from events.access_token import AccessTokenEvent
from events.api import ApiEvent
from events.audit_read import AuditReadEvent
from events.authorization import AuthorizationEvent
from events.bot import BotEvent
from events.client import ClientEvent
from events.codec import noun
from events.consent import ConsentEvent
from events.database import LOST, Connection, NotReached, Unavailable, unavailable
from events.database_session import DatabaseSession
from events.device_authorization import DeviceAuthorizationEvent
from events.exchange import ExchangeEvent
from events.group_commit import Batcher
from events.ids import bot_id_of, client_stream
from events.initial_access_token import InitialAccessTokenEvent
from events.refusal import RefusalEvent
from events.replay import CHANGED_SINCE
from events.retention import RetentionEvent
from events.revocation import RevocationEvent
from events.session import SessionEvent
from events.signing_key import SigningKeyEvent
from events.trusted_issuer import TrustedIssuerEvent
from events.user import UserEvent
from events.waiting import raise_if_cancelled, set_within
from projections import apis, authorizations, clients, revoked_tokens, trusted_issuers
from projections.clients import Found
from service.cached_clients import CachedClients
from service.oauth.tokens import Claims
from service.outages import Outages

CURRENT_SECONDS = 1.0
HEARTBEAT_SECONDS = 0.4
PAUSE_SECONDS = 0.02
"""Between two looks of which nobody waits for the answer: where hundreds of batches are committed each second, not each is looked for."""

CLIENT, BOT, SIGNING_KEY = noun(ClientEvent), noun(BotEvent), noun(SigningKeyEvent)
TRUSTED_ISSUER, USER = noun(TrustedIssuerEvent), noun(UserEvent)
ACCESS_TOKEN, AUTHORIZATION, API = noun(AccessTokenEvent), noun(AuthorizationEvent), noun(ApiEvent)
NOT_CACHED = frozenset(
    {
        noun(SessionEvent),
        noun(ConsentEvent),
        noun(RefusalEvent),
        noun(RetentionEvent),
        noun(AuditReadEvent),
        noun(RevocationEvent),
        noun(InitialAccessTokenEvent),
        noun(DeviceAuthorizationEvent),
        noun(ExchangeEvent),
    }
)
"""The nouns of events that change nothing in this cache. A test ensures that every noun is here or above."""


class Seen(Found, frozen=True, kw_only=True):
    """A client as of a position of the log."""

    position: int


class Lookup:
    """One per process. `apis` has every API by its identifier, replaced as a whole. `epoch` changes when the log lost history, `changes` also
    when something happened that is cached here. `hits` are answers from the cache. `on_keys_changed` is awaited after every event of a signing key,
    and `on_users_changed` called with the users to whom something happened; with None at a new epoch.
    """

    def __init__(
        self, url: str, on_keys_changed: Callable[[Connection], Awaitable[None]], longest_token: timedelta
    ) -> None:
        self._longest_token = longest_token
        self._reader, self._follower, self._listener = DatabaseSession(url), DatabaseSession(url), DatabaseSession(url)
        self._on_keys_changed = on_keys_changed
        self.on_users_changed: Callable[[Container[UUID] | None], None] = lambda _: None
        self._missing: Batcher[UUID, Seen | None] = Batcher(self._find)
        self._advances: Batcher[None, None] = Batcher(self._advance)
        self._woken, self._moved = asyncio.Event(), asyncio.Event()
        self._current_until, self._notified_at = 0.0, 0.0
        self._clients = CachedClients()
        self.apis: Mapping[str, apis.Row] = {}
        self._revoked: dict[UUID, datetime] = {}
        self._revoked_kept = 1000
        self._issuers: dict[str, trusted_issuers.Row] = {}
        self.position, self.epoch, self.changes = -1, 0, 0
        self.hits, self.misses = 0, 0
        self._chain = b""

    @property
    def cached(self) -> int:
        """The number of clients in the cache."""
        return len(self._clients)

    async def client(self, stream: UUID) -> Seen | None:
        """Return the client, or None if there is none with that id. Raises Unavailable if that cannot be known."""
        if not self.is_current():
            await self.be_certain()
        seen = self._in_cache(stream)
        if seen is not None:
            return seen
        self.misses += 1
        return await self._missing.submit(stream)

    def remembered(self, client_id: str) -> Seen | None:
        """Return the client with this client_id if it is in the cache, and that is current: most are, and nothing is waited for."""
        stream = client_stream(client_id)
        return None if stream is None or not self.is_current() else self._in_cache(stream)

    def _in_cache(self, stream: UUID) -> Seen | None:
        found = self._clients.get(stream)
        if found is None:
            return None
        self.hits += 1
        return Seen(client=found.client, bot_state=found.bot_state, position=self.position)

    async def named(self, client_id: str) -> Seen | None:
        """Return the client with this client_id, or None if there is none or the text does not have the form of one."""
        stream = client_stream(client_id)
        return await self.client(stream) if stream else None

    async def standing(self, claims: Claims) -> Seen | None:
        """Return the client of a valid token: it may act, was not restored since, and neither the token nor its authorization was revoked.

        The same holds for each token that it was exchanged for, and the issuer that asserted its subject is trusted. Else return None.
        """
        seen = await self._alive(claims.client_id, claims.life)
        if seen is None:
            return None
        if not self.is_current():
            await self.be_certain()
        if self.is_revoked(claims.jti, claims.authorization):
            return None
        for each in claims.ancestors or ():
            if each.jti in self._revoked or await self._alive(each.client_id, each.restored) is None:
                return None
        if claims.asserted_by and all(row.stream_id != claims.asserted_by for row in self._issuers.values()):
            return None
        return seen

    async def _alive(self, client_id: str, life: int) -> Seen | None:
        seen = self.remembered(client_id) or await self.named(client_id)
        return seen if seen is not None and seen.may_act and seen.client.restored == life else None

    def is_revoked(self, jti: UUID, grant_id: UUID | None = None) -> bool:
        """Return whether the token, or the authorization from which it was issued, was revoked, as far as the cache goes."""
        return bool(self._revoked) and (jti in self._revoked or grant_id in self._revoked)

    async def trusted_issuer(self, issuer: str) -> trusted_issuers.Row | None:
        """Return the issuer with this identifier, if its tokens are accepted."""
        await self.be_current()
        return self._issuers.get(issuer)

    async def be_current(self) -> None:
        """Return at once if the cache was proved current less than CURRENT_SECONDS ago; otherwise bring it up to date."""
        if not self.is_current():
            await self.be_certain()

    def is_current(self) -> bool:
        """Whether what is cached was proved current less than CURRENT_SECONDS ago."""
        return time.monotonic() <= self._current_until

    def be_certain(self) -> "asyncio.Future[None]":
        """Is done when the cache includes everything that happened before this call: one round trip, shared by all callers."""
        return self._advances.put(None)

    async def reach(self, position: int) -> None:
        """Return when the cache includes everything up to this position. Raises Unavailable if the log has not reached it yet."""
        if self.position < position:
            await self.be_certain()
        if self.position < position:
            raise NotReached(f"the log has not reached position {position}")

    async def beyond(self, position: int, seconds: float) -> None:
        """Return when the log has more than this position, or after this many seconds. All callers share one listener."""
        if self.position <= position:
            await set_within(self._moved, seconds)

    async def run(self, outages: Outages) -> None:
        """Follow the log until cancelled, woken by NOTIFY and at least every HEARTBEAT_SECONDS."""
        listening: Connection | None = None
        while True:
            self._woken.clear()
            try:
                listening = await self._listen(listening)
                if not self._has_heard_all():
                    await self.be_certain()
                outages.all_is_well()
            except (Unavailable, *LOST) as fault:
                raise_if_cancelled()
                outages.notice(fault)
            await asyncio.sleep(PAUSE_SECONDS)
            await set_within(self._woken, HEARTBEAT_SECONDS)

    async def close(self) -> None:
        for session in (self._reader, self._follower, self._listener):
            await session.close()
        for batches in (self._missing, self._advances):
            await batches.idle()

    async def _listen(self, listening: Connection | None) -> Connection:
        connection = await self._listener.connection()
        if connection is not listening:
            await connection.add_listener("muniment_log", self._notified)
            self._notified_at = time.monotonic()  # of what came before, this connection has heard nothing
        return connection

    def _notified(self, *_: Any) -> None:
        self._notified_at = time.monotonic()
        self._woken.set()

    def _has_heard_all(self) -> bool:
        """Return whether a request looked after the last NOTIFY, and within HEARTBEAT_SECONDS: under load most do."""
        looked_at = self._current_until - CURRENT_SECONDS
        return looked_at > max(self._notified_at, time.monotonic() - HEARTBEAT_SECONDS)

    async def _advance(self, asked: list[None]) -> list[Exception | None]:
        asked_at = time.monotonic()
        try:
            async with self._follower.using() as connection:
                await self._take_in(connection)
        except LOST as fault:
            raise unavailable("the database was lost while the log was followed", fault) from fault
        self._current_until = asked_at + CURRENT_SECONDS
        return [None for _ in asked]

    async def _take_in(self, connection: Connection) -> None:
        changed = await connection.fetch(CHANGED_SINCE, self.position, self._chain)
        if not changed[0]["same"]:  # at the start, and after a failover that lost the end of the log
            await self._on_keys_changed(connection)
            self._revoked = {
                **await revoked_tokens.alive(connection),
                **await authorizations.lately_revoked(connection, self._longest_token),
            }
            self._issuers = await trusted_issuers.active(connection)
            self.apis = await apis.every(connection)
            self._clients.clear()
            self.on_users_changed(None)
            self.epoch += 1
            self.changes += 1
        elif changed[0]["stream_id"] is not None:
            await self._forget(connection, changed)
        if (self.position, self._chain) != (changed[0]["last_position"], changed[0]["chain"]):
            self.position, self._chain = changed[0]["last_position"], changed[0]["chain"]
            self._moved.set()
            self._moved = asyncio.Event()

    async def _forget(self, connection: Connection, changed: list[Any]) -> None:
        by_noun: dict[str, list[UUID]] = {}
        for row in changed:
            by_noun.setdefault(row["noun"], []).append(row["stream_id"])
        if SIGNING_KEY in by_noun:
            await self._on_keys_changed(connection)
        if TRUSTED_ISSUER in by_noun:
            self._issuers = await trusted_issuers.active(connection)
        if tokens := by_noun.get(ACCESS_TOKEN):
            self._remember_revoked(await revoked_tokens.find(connection, tokens))
        if changed_authorizations := by_noun.get(AUTHORIZATION):
            self._remember_revoked(
                await authorizations.revoked(connection, changed_authorizations, self._longest_token)
            )
        if API in by_noun:
            self.apis = await apis.every(connection)
        # This comes last, with no await before the new position is set: otherwise a concurrent read could cache a client as it was before,
        # or take the new APIs for those from which something was decided.
        if users := by_noun.get(USER):
            self.on_users_changed(frozenset(users))
        for stream in by_noun.get(CLIENT, ()):
            self._clients.forget(stream)
        if bots := {bot_id_of(stream) for stream in by_noun.get(BOT, ())}:
            self._clients.forget_of_bots(bots)
        if not NOT_CACHED.issuperset(by_noun):
            self.changes += 1

    def _remember_revoked(self, revoked: dict[UUID, datetime]) -> None:
        """Forget expired entries when their number has doubled, so that the cost per entry is constant."""
        self._revoked.update(revoked)
        if len(self._revoked) > 2 * self._revoked_kept:
            now = datetime.now(UTC)
            self._revoked = {jti: expiry for jti, expiry in self._revoked.items() if expiry > now}
            self._revoked_kept = max(1000, len(self._revoked))

    async def _find(self, streams: list[UUID]) -> list[Seen | None]:
        """Read all requested clients in one round trip. A result older than the cache's position is returned, but not cached."""
        try:
            async with self._reader.using() as connection:
                found, position = await clients.find_as_of(connection, list(set(streams)))
        except LOST as fault:
            raise unavailable("the database was lost while a client was looked up", fault) from fault
        if position >= self.position:
            self._clients.keep(found)
        seen = {s: Seen(client=f.client, bot_state=f.bot_state, position=position) for s, f in found.items()}
        return [seen.get(stream) for stream in streams]
