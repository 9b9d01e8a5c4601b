"""Login sessions: the cookie that a browser carries, and whom it speaks for."""

import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from msgspec import Struct, json

from events.database import read
from events.envelope import ByService, ByUser, Meta
from projections import sessions, users
from service.commands.handle import SESSION, Handled, Ledger, handle
from service.commands.session import Reauthenticate, ReportUseAfterEnd, StartSession
from service.configuration.settings import Settings
from service.crypto.credentials import new_id
from service.people.accounts import People
from service.people.signed import Signature, cookie_name
from service.reactions import session_end
from service.request_id import this_request

RANDOM_BYTES = 32
USED_AFTER_END = "a cookie came after the end of its session"


class Device(Struct, frozen=True, kw_only=True):
    """Where somebody logged in, and with what browser. It shows itself to nobody."""

    address: str
    agent: str

    def __repr__(self) -> str:
        return "Device(…)"


class SignedIn(Struct, frozen=True, kw_only=True):
    session: sessions.Row
    user: users.Row


class SessionToken(Struct, frozen=True):
    """What a cookie of ours says: the session, and the random part that proves it."""

    session: UUID
    random: bytes

    def __repr__(self) -> str:
        return f"Ticket(session={self.session})"


class Sessions:
    """One per process."""

    def __init__(self, ledger: Ledger, people: People, settings: Settings, master_key: bytes) -> None:
        self._ledger = ledger
        self._people = people
        self._lifetime = timedelta(seconds=settings.session_lifetime)
        self._signature = Signature(master_key, "muniment session cookies")
        self.cookie = cookie_name("muniment_session", settings)

    async def start(
        self,
        user: UUID,
        amr: tuple[str, ...],
        acr: str,
        device: Device | None,
        *,
        proved_at: datetime | None = None,
    ) -> str:
        """The value of the new session's cookie; `proved_at` is when they proved who they are, if that was before."""
        ticket, now = SessionToken(new_id(), secrets.token_bytes(RANDOM_BYTES)), datetime.now(UTC)
        command = StartSession(
            user=user,
            token_hash=_hash(ticket),
            amr=amr,
            acr=acr,
            device=None if device is None else await self._people.seal(user, json.encode(device)),
            at=now,
            expires_at=now + self._lifetime,
            authenticated_at=proved_at,
        )
        await handle(self._ledger, SESSION, ticket.session, command, _by(user, ticket.session), fresh=True)
        return self._value(ticket)

    async def reauthenticate(
        self, signed_in: SignedIn, amr: tuple[str, ...], acr: str, *, proved_at: datetime | None = None
    ) -> str:
        """The value of the same session's next cookie; the one from before is good for nothing. Raises DoesNotExist when it is over."""
        session, user = signed_in.session.stream_id, signed_in.user.stream_id
        ticket = SessionToken(session, secrets.token_bytes(RANDOM_BYTES))
        at = datetime.now(UTC) if proved_at is None else max(proved_at, signed_in.session.authenticated_at)
        command = Reauthenticate(token_hash=_hash(ticket), amr=amr, acr=acr, at=at)
        await handle(self._ledger, SESSION, session, command, _by(user, session))
        return self._value(ticket)

    async def current(self, cookie: str | None) -> SignedIn | None:
        """Who is logged in with this cookie, as the database has it now. Raises Unavailable."""
        ticket = None if cookie is None else self._ticket(cookie)
        if ticket is None:
            return None
        session = await read(self._ledger.pool, lambda connection: sessions.find(connection, ticket.session))
        if session is None or not compare_digest(session.token_hash, _hash(ticket)):
            return None
        if session.state != "open":
            await self._used_after_end(session)
            return None
        user = await self._people.row(session.user_id)
        if user is None or user.state != "active" or session.expires_at <= datetime.now(UTC):
            return None
        if user.password_at is not None and max(session.started_at, session.authenticated_at) < user.password_at:
            return None  # the password was changed since, somewhere else; housekeeping ends what that did not come to
        return SignedIn(session=session, user=user)

    def named(self, cookie: str | None) -> UUID | None:
        """Which session a cookie that was written here is of, whatever became of it since."""
        ticket = None if cookie is None else self._ticket(cookie)
        return None if ticket is None else ticket.session

    async def device(self, row: sessions.Row) -> Device | None:
        """None when nobody knows, or the session is over."""
        return await device_of(self._people, row)

    async def end(self, session: UUID, why: str, meta: Meta) -> Handled:
        """Whoever was let in, in this session, is told if they want to be, and what they got is revoked."""
        return await session_end.end_session(self._ledger, session, why, meta)

    async def end_former(self, now: SignedIn, meta: Meta) -> None:
        """Of a person who has changed their password: every other session, and all that clients were given before."""
        await session_end.stop(self._ledger, now.user.stream_id, "password_changed", meta, but=now.session.stream_id)

    async def end_all(self, user: UUID, why: str, meta: Meta, *, but: UUID | None = None) -> int:
        """Ends the user's sessions, but for one; returns how many."""
        return await session_end.end_sessions(self._ledger, user, why, meta, but=but)

    async def _used_after_end(self, session: sessions.Row) -> None:
        """Remembered the first time; not of a session that ran out, which its own browser may still have the cookie of."""
        if session.ended_at is None or session.ended_at >= session.expires_at:
            return
        meta = Meta(actor=ByService(why=USED_AFTER_END), request_id=str(this_request()))
        await handle(self._ledger, SESSION, session.stream_id, ReportUseAfterEnd(at=datetime.now(UTC)), meta)

    def _value(self, ticket: SessionToken) -> str:
        return self._signature.write(ticket.session.bytes + ticket.random)

    def _ticket(self, cookie: str) -> SessionToken | None:
        """None when we did not write it: a stranger's guess does not reach the database."""
        content = self._signature.read(cookie)
        return None if content is None else SessionToken(UUID(bytes=content[:16]), content[16:])


async def device_of(people: People, row: sessions.Row) -> Device | None:
    plain = None if row.device is None else await people.open(row.user_id, row.device)
    return None if plain is None else json.decode(plain, type=Device)


def _hash(ticket: SessionToken) -> str:
    return sha256(ticket.random).hexdigest()


def _by(user: UUID, session: UUID) -> Meta:
    return Meta(actor=ByUser(user_id=user, session=session), request_id=str(this_request()))
