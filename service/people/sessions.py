"""Login sessions: the cookie of a browser, and the user whom it authenticates."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from msgspec import Struct, json

from events.database import Connections, read
from events.envelope import ByService, ByUser, Meta
from events.group_commit import Batcher
from events.uuids import uuid_of_bytes
from projections import sessions, sign_ins, users
from projections.consents import Row as Consent
from projections.sign_ins import SignIn, Wanted
from service.commands.handle import SESSION, Handled, Ledger, handle
from service.commands.session import Reauthenticate, ReportUseAfterEnd, StartSession
from service.configuration.settings import Settings
from service.crypto.credentials import new_id
from service.people.accounts import People
from service.people.signed import Signature, cookie_name
from service.reactions import session_end
from service.request_id import envelope

RANDOM_BYTES = 32
USED_AFTER_END = "a session cookie was used after the session ended"


class Device(Struct, frozen=True, kw_only=True):
    """The address and the browser of a login. Its repr hides both."""

    address: str
    agent: str

    def __repr__(self) -> str:
        return "Device(…)"


class SignedIn(Struct, frozen=True, kw_only=True):
    """`consents` are those of the user to the client that was asked for; all is as of a position of the log."""

    position: int
    session: sessions.Row
    user: users.Row
    consents: Sequence[Consent] = ()


class SessionToken(Struct, frozen=True):
    """The content of a session cookie: the session's id, and the random value that proves it."""

    session: UUID
    random: bytes

    def __repr__(self) -> str:
        return f"SessionToken(session={self.session})"


class Presented(Struct, frozen=True):
    """What was found by a cookie that this server wrote. Whether it authenticates anybody is not decided yet."""

    token: SessionToken
    client_id: str
    found: SignIn | None

    @property
    def is_proved(self) -> bool:
        """Whether the cookie is that of the session as it was found."""
        return self.found is not None and compare_digest(self.found.session.token_hash, _hash(self.token))


class Sessions:
    """One per process."""

    def __init__(
        self, ledger: Ledger, people: People, settings: Settings, master_key: bytes, pool: Connections
    ) -> None:
        """`pool` is for the read of each request with a session, whose statement is best planned once."""
        self._ledger, self._pool = ledger, pool
        self._people = people
        self._lifetime = timedelta(seconds=settings.session_lifetime)
        self._signature = Signature(master_key, "muniment session cookies")
        self._sign_ins: Batcher[Wanted, SignIn | None] = Batcher(self.read)
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
        """Return the value of the new session's cookie. `proved_at` is the time of the authentication, if that was earlier."""
        token, now = SessionToken(new_id(), secrets.token_bytes(RANDOM_BYTES)), datetime.now(UTC)
        command = StartSession(
            user=user,
            token_hash=_hash(token),
            amr=amr,
            acr=acr,
            device=None if device is None else await self._people.seal(user, json.encode(device)),
            at=now,
            expires_at=now + self._lifetime,
            authenticated_at=proved_at,
        )
        await handle(self._ledger, SESSION, token.session, command, _by(user, token.session), fresh=True)
        return self._value(token)

    async def reauthenticate(
        self, signed_in: SignedIn, amr: tuple[str, ...], acr: str, *, proved_at: datetime | None = None
    ) -> str:
        """Return a new value for the session's cookie; the former value becomes invalid. Raises DoesNotExist if the session is over."""
        session, user = signed_in.session.stream_id, signed_in.user.stream_id
        token = SessionToken(session, secrets.token_bytes(RANDOM_BYTES))
        at = datetime.now(UTC) if proved_at is None else max(proved_at, signed_in.session.authenticated_at)
        command = Reauthenticate(token_hash=_hash(token), amr=amr, acr=acr, at=at)
        await handle(self._ledger, SESSION, session, command, _by(user, session))
        return self._value(token)

    async def current(self, cookie: str | None, client_id: str = "") -> SignedIn | None:
        """Return the session and user of this cookie from the current state of the database. Raises Unavailable."""
        token = self.token(cookie)
        if token is None:
            return None
        return await self.authenticated(Presented(token, client_id, await self.found(token.session, client_id)))

    async def authenticated(self, presented: Presented) -> SignedIn | None:
        """Return the session and user of a cookie, if they are authenticated by it. Raises Unavailable."""
        found = presented.found
        if found is None or not presented.is_proved:
            return None
        if found.session.state != "open":
            await self._used_after_end(found.session)
            return None
        return signed_in_by(found)

    async def found(self, session: UUID, client_id: str) -> SignIn | None:
        """Return the session in any state, as of this call or later. Requests that wait at the same time are read in one round trip."""
        return await self._sign_ins.submit(Wanted(session, client_id))

    async def read(self, wanted: Sequence[Wanted]) -> list[SignIn | None]:
        """Return what `found` does of each, by one statement."""
        return await read(self._pool, lambda connection: sign_ins.find(connection, wanted))

    def named(self, cookie: str | None) -> UUID | None:
        """Return the session id of a cookie that this server wrote, in any state of the session."""
        token = self.token(cookie)
        return None if token is None else token.session

    async def device(self, row: sessions.Row) -> Device | None:
        """Return None if the device is not known, or the session is over."""
        return await device_of(self._people, row)

    async def devices(self, rows: Sequence[sessions.Row]) -> list[Device | None]:
        """Return the device of each session, in the same order."""
        plain = await self._people.open_all([(row.user_id, row.device) for row in rows])
        return [None if each is None else json.decode(each, type=Device) for each in plain]

    def token(self, cookie: str | None) -> SessionToken | None:
        """Return None if this server did not write the cookie, so that a guess does not reach the database."""
        content = None if cookie is None else self._signature.read(cookie)
        return None if content is None else SessionToken(uuid_of_bytes(content[:16]), content[16:])

    async def end(self, session: UUID, why: str, meta: Meta) -> Handled:
        """End the session, notify the clients that want back-channel logout, and revoke the tokens issued from it."""
        return await session_end.end_session(self._ledger, session, why, meta)

    async def end_former(self, now: SignedIn, meta: Meta) -> None:
        """After a change of password: end the user's other sessions and revoke every token that clients were given before."""
        await session_end.stop(self._ledger, now.user.stream_id, "password_changed", meta, but=now.session.stream_id)

    async def end_all(self, user: UUID, why: str, meta: Meta, *, but: UUID | None = None) -> int:
        """End the user's sessions, except `but`. Returns their number."""
        return await session_end.end_sessions(self._ledger, user, why, meta, but=but)

    async def _used_after_end(self, session: sessions.Row) -> None:
        """Record the first use only. An expired session is not recorded, because its own browser may still have the cookie."""
        if session.ended_at is None or session.ended_at >= session.expires_at:
            return
        meta = envelope(ByService(why=USED_AFTER_END))
        await handle(self._ledger, SESSION, session.stream_id, ReportUseAfterEnd(at=datetime.now(UTC)), meta)

    def _value(self, token: SessionToken) -> str:
        return self._signature.write(token.session.bytes + token.random)


def signed_in_by(found: SignIn) -> SignedIn | None:
    """Return the sign-in, if it still holds."""
    if not authenticates(found.session, found.user):
        return None
    return SignedIn(position=found.position, session=found.session, user=found.user, consents=found.consents)


def authenticates(session: sessions.Row, user: users.Row) -> bool:
    """Return whether the session is of a sign-in that still holds. One from before the user's last password does not, although it is
    open until housekeeping ends it.
    """
    if session.state != "open" or user.state != "active" or session.expires_at <= datetime.now(UTC):
        return False
    return user.password_at is None or max(session.started_at, session.authenticated_at) >= user.password_at


async def device_of(people: People, row: sessions.Row) -> Device | None:
    plain = None if row.device is None else await people.open(row.user_id, row.device)
    return None if plain is None else json.decode(plain, type=Device)


def _hash(token: SessionToken) -> str:
    return sha256(token.random).hexdigest()


def _by(user: UUID, session: UUID) -> Meta:
    return envelope(ByUser(user_id=user, session=session))
