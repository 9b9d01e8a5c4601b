"""/api/v1/auth/users/{user_id}/sessions: where a user is signed in, and the end of one session or of all."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import read
from projections import sessions
from service.endpoints import users
from service.endpoints.management import Call
from service.endpoints.responses import answered
from service.problems import NotFound
from service.values.scopes import AUDIT_READ

ENDED = "ended_by_operator"


class UserSession(Struct, frozen=True, kw_only=True, rename="camel"):
    """One open session: a browser in which the user is signed in."""

    id: Annotated[UUID, Meta(description="The session's stream in the log. Grants name it as their `sessionId`.")]
    started_utc: Annotated[datetime, Meta(tz=True)]
    authenticated_utc: Annotated[datetime, Meta(tz=True, description="When the user last proved who they are.")]
    expires_utc: Annotated[datetime, Meta(tz=True)]
    acr: Annotated[str, Meta(description="How strong the sign-in was: `urn:muniment:acr:2` is two factors.")]
    amr: Annotated[list[str], Meta(description="What the user proved it with (RFC 8176), such as `pwd`.")]
    address: (
        Annotated[
            str, Meta(description="Where the user signed in from. Only a caller with the scope audit:read sees it.")
        ]
        | None
    )
    user_agent: Annotated[str, Meta(description="The browser. Only a caller with the scope audit:read sees it.")] | None

    def __repr__(self) -> str:
        return f"UserSession(id={self.id})"


async def list_sessions(call: Call) -> Response:
    user = await users.known_user(call)
    rows = await read(call.resources.ledger.pool, lambda connection: sessions.of_user(connection, user))
    return answered([await _shown(call, row) for row in rows])


async def end_session(call: Call) -> Response:
    """A session that is over already stays as it is."""
    user, session = await users.known_user(call), _session_asked(call)
    row = await read(call.resources.ledger.pool, lambda connection: sessions.find(connection, session))
    if row is None or row.user_id != user:
        raise _unknown()
    meta = await call.resources.people.private(user, call.meta)
    return users.done(await call.resources.sessions.end(session, ENDED, meta))


async def end_sessions(call: Call) -> Response:
    user = await users.known_user(call)
    meta = await call.resources.people.private(user, call.meta)
    await call.resources.sessions.end_all(user, ENDED, meta)
    return Response(status_code=204)


async def _shown(call: Call, row: sessions.Row) -> UserSession:
    device = await call.resources.sessions.device(row) if AUDIT_READ in call.caller.scopes else None
    return UserSession(
        id=row.stream_id,
        started_utc=row.started_at,
        authenticated_utc=row.authenticated_at,
        expires_utc=row.expires_at,
        acr=row.acr,
        amr=list(row.amr),
        address=device and device.address,
        user_agent=device and device.agent,
    )


def _session_asked(call: Call) -> UUID:
    text = call.request.path_params["session_id"]
    try:
        return UUID(text)
    except ValueError as fault:
        raise _unknown() from fault


def _unknown() -> NotFound:
    return NotFound("The user has no session with this id.")
