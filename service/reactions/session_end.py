"""The consequences of the end of a session or of a user's access: sessions end, and tokens issued to clients are revoked.

If a process is killed in between, housekeeping does the rest: each step finds in the tables what is left to do.
"""

from datetime import UTC, datetime
from uuid import UUID

from events.database import AnyConnection, read
from events.envelope import ByService, Meta
from projections import authorizations, clients, sessions
from service.commands.authorization import RevokeAuthorization
from service.commands.handle import AUTHORIZATION, SESSION, Handled, Ledger, handle
from service.commands.session import EndSession
from service.refusals import DoesNotExist
from service.request_id import this_request
from service.values.scopes import OFFLINE_ACCESS

MOST_AT_ONCE = 200
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
    """End expired sessions like any other, so that their tokens are revoked and clients are notified."""
    meta = Meta(actor=ByService(why="the session expired"), request_id=str(this_request()))
    for session in await read(ledger.pool, lambda connection: sessions.expired(connection, limit=MOST_AT_ONCE)):
        await end_session(ledger, session, "expired", meta)


async def finish(ledger: Ledger) -> None:
    """Finish what a killed process left undone."""
    meta = Meta(actor=ByService(why="the user was disabled or erased"), request_id=str(this_request()))
    for session, state in (await read(ledger.pool, sessions.of_stopped_users)).items():
        await end_session(ledger, session, f"user_{state}", meta)
    for stream, state in (await read(ledger.pool, authorizations.of_stopped_users)).items():
        await revoke(ledger, [stream], f"user_{state}", meta)
    meta = Meta(actor=ByService(why="the password was changed"), request_id=str(this_request()))
    for session in await read(ledger.pool, sessions.of_former_passwords):
        await end_session(ledger, session, "password_changed", meta)
    await revoke(ledger, await read(ledger.pool, authorizations.of_former_passwords), "password_changed", meta)
    meta = Meta(actor=ByService(why="the consent was withdrawn"), request_id=str(this_request()))
    await revoke(ledger, await read(ledger.pool, authorizations.of_withdrawn_consents), "consent_withdrawn", meta)
    meta = Meta(actor=ByService(why="the session was ended"), request_id=str(this_request()))
    await revoke(ledger, await read(ledger.pool, authorizations.of_ended_sessions), "session_ended", meta)


async def _to_be_told(connection: AnyConnection, session: UUID) -> tuple[str, ...]:
    """Return the clients that were authorized in this session and have a back-channel logout URI."""
    granted = {row.client for row in await authorizations.of_session(connection, session)}
    found, _ = await clients.find_as_of(connection, sorted(granted))
    wanting = (each.client for _, each in sorted(found.items()))
    return tuple(client.client_id for client in wanting if client.login and client.login.backchannel_logout_uri)


def because(meta: Meta, handled: Handled) -> Meta:
    """Return the envelope for the consequences of a change, with its position as the cause."""
    return meta if handled.position is None else meta.__replace__(cause=handled.position)
