"""The consequences of the end of a session or of a user's access: sessions end, and tokens issued to clients are revoked.

If a process is killed in between, housekeeping does the rest: each step finds in the tables what is left to do.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from events.database import AnyConnection, read
from events.envelope import ByService, Meta
from projections import authorizations, causes, clients, sessions
from service.commands.authorization import RevokeAuthorization
from service.commands.handle import AUTHORIZATION, SESSION, Handled, Ledger, handle
from service.commands.session import EndSession
from service.refusals import DoesNotExist
from service.request_id import envelope
from service.values.scopes import OFFLINE_ACCESS

MOST_AT_ONCE = 200
AFTER_CHANGE = "the password was changed"
CHANGED = ("user.password_changed",)
ENDS_ALL = ("password_changed", "user_disabled", "user_erased")
"""The reasons that also revoke authorizations with offline_access."""


async def end_session(ledger: Ledger, session: UUID, why: str, meta: Meta) -> Handled:
    """End the session, record the clients to notify (OpenID Connect Back-Channel Logout 1.0), and revoke its authorizations."""
    notify = await read(ledger.pool, lambda connection: _to_be_told(connection, session))
    command = EndSession(why=why, notify=notify, at=datetime.now(UTC))
    handled = await handle(ledger, SESSION, session, command, meta)
    granted = await read(ledger.pool, lambda connection: authorizations.of_session(connection, session))
    left = [row.stream_id for row in granted if why in ENDS_ALL or OFFLINE_ACCESS not in row.scopes]
    await revoke(ledger, left, why if why in ENDS_ALL else "session_ended", because(meta, handled))
    return handled


async def end_sessions(ledger: Ledger, user: UUID, why: str, meta: Meta, *, but: UUID | None = None) -> int:
    """End the user's open sessions, except `but`. Returns their number."""
    rows = await read(ledger.pool, lambda connection: sessions.of_user(connection, user))
    left = [row.stream_id for row in rows if row.stream_id != but]
    for session in left:
        await end_session(ledger, session, why, meta)
    return len(left)


async def stop(ledger: Ledger, user: UUID, why: str, meta: Meta, *, but: UUID | None = None) -> None:
    """End the user's sessions, except `but`, and revoke all their authorizations."""
    await end_sessions(ledger, user, why, meta, but=but)
    rows = await read(ledger.pool, lambda connection: authorizations.of_user(connection, user))
    await revoke(ledger, [row.stream_id for row in rows], why, meta)


async def revoke(ledger: Ledger, streams: list[UUID], why: str, meta: Meta) -> None:
    """Safe to repeat."""
    for stream in streams:
        try:
            await handle(ledger, AUTHORIZATION, stream, RevokeAuthorization(why=why, at=datetime.now(UTC)), meta)
        except DoesNotExist:
            continue


async def expire(ledger: Ledger) -> None:
    """End expired sessions like any other, so that their tokens are revoked and clients are notified; and what was asserted long ago."""
    meta = envelope(ByService(why="the session expired"))
    for session in await read(ledger.pool, lambda connection: sessions.expired(connection, limit=MOST_AT_ONCE)):
        await end_session(ledger, session, "expired", meta)
    meta = envelope(ByService(why="the tokens of the assertion have expired"))
    old = await read(ledger.pool, lambda connection: authorizations.of_old_assertions(connection, limit=MOST_AT_ONCE))
    await revoke(ledger, old, "expired", meta)


async def finish(ledger: Ledger) -> None:
    """Finish what a killed process left undone."""
    for session, state in (await read(ledger.pool, sessions.of_stopped_users)).items():
        meta = await _late(ledger, "the user was disabled or erased", causes.of_user, session, f"user.{state}")
        await end_session(ledger, session, f"user_{state}", meta)
    for stream, state in (await read(ledger.pool, authorizations.of_stopped_users)).items():
        meta = await _late(ledger, "the user was disabled or erased", causes.of_user, stream, f"user.{state}")
        await revoke(ledger, [stream], f"user_{state}", meta)
    for session in await read(ledger.pool, sessions.of_former_passwords):
        meta = await _late(ledger, AFTER_CHANGE, causes.of_user, session, *CHANGED)
        await end_session(ledger, session, "password_changed", meta)
    for stream in await read(ledger.pool, authorizations.of_former_passwords):
        meta = await _late(ledger, AFTER_CHANGE, causes.of_user, stream, *CHANGED)
        await revoke(ledger, [stream], "password_changed", meta)
    for stream in await read(ledger.pool, authorizations.of_withdrawn_consents):
        meta = await _late(ledger, "the consent was withdrawn", causes.of_consent, stream)
        await revoke(ledger, [stream], "consent_withdrawn", meta)
    for stream in await read(ledger.pool, authorizations.of_ended_sessions):
        meta = await _late(ledger, "the session was ended", causes.of_session, stream)
        await revoke(ledger, [stream], "session_ended", meta)
    for stream in await read(ledger.pool, authorizations.of_restored_clients):
        meta = await _late(ledger, "the client was deleted, and restored since", causes.of_client, stream)
        await revoke(ledger, [stream], "client_deleted", meta)


async def _late(
    ledger: Ledger, why: str, find: Callable[..., Awaitable[int | None]], stream: UUID, *kinds: str
) -> Meta:
    """Return the envelope for a consequence on this stream, with the cause that `find` finds."""
    cause = await read(ledger.pool, lambda connection: find(connection, stream, *kinds))
    return envelope(ByService(why=why), cause=cause)


async def _to_be_told(connection: AnyConnection, session: UUID) -> tuple[str, ...]:
    """Return the clients that were authorized in this session and have a back-channel logout URI."""
    granted = {row.client for row in await authorizations.of_session(connection, session)}
    found, _ = await clients.find_as_of(connection, sorted(granted))
    wanting = (each.client for _, each in sorted(found.items()))
    return tuple(client.client_id for client in wanting if client.login and client.login.backchannel_logout_uri)


def because(meta: Meta, handled: Handled) -> Meta:
    """Return the envelope for the consequences of a change, with its position as the cause. The reason stays with the cause."""
    return meta if handled.position is None else meta.__replace__(cause=handled.position, reason=None)
