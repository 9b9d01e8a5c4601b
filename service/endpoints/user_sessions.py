"""/api/v1/auth/sessions and /api/v1/auth/users/{user_id}/sessions: where users are signed in, and the end of one session or of all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import read
from projections import authorizations, sessions
from projections import users as user_rows
from service.endpoints import paging, users
from service.endpoints.call import Call
from service.endpoints.paging import PageRequest
from service.endpoints.responses import answered
from service.problems import NotFound
from service.values.scopes import AUDIT_READ
from service.values.uuids import uuid_of

PATH = "/api/v1/auth/sessions"
ENDED = "ended_by_operator"


class UserSession(Struct, frozen=True, kw_only=True, rename="camel"):
    """One open session: a browser in which the user is signed in."""

    id: Annotated[UUID, Meta(description="The session's stream in the log. Grants name it as their `sessionId`.")]
    started_utc: Annotated[datetime, Meta(tz=True)]
    authenticated_utc: Annotated[datetime, Meta(tz=True, description="When the user last proved who they are.")]
    last_seen_utc: Annotated[
        datetime,
        Meta(tz=True, description="When the user last proved who they are, or an application last got a token by it."),
    ]
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


class Session(UserSession, frozen=True, kw_only=True, rename="camel"):
    """One open session, and whose it is."""

    user_id: UUID
    email: str | None
    name: str | None

    def __repr__(self) -> str:
        return f"Session(id={self.id})"


async def list_all_sessions(call: Call) -> Response:
    rows, headers = await _rows(call, _page_asked(call), PATH, None)
    ids = [row.user_id for row in rows]
    found = await read(call.resources.ledger.pool, lambda connection: user_rows.found(connection, ids))
    profiles = await call.resources.people.profiles(found)
    shown: list[Session] = []
    for row, facts in zip(rows, await _facts(call, rows), strict=True):
        profile = profiles.get(row.user_id)
        email, name = (None, None) if profile is None else (profile.email, profile.name)
        shown.append(Session(**facts, user_id=row.user_id, email=email, name=name))
    return answered(shown, headers=headers)


async def list_sessions(call: Call) -> Response:
    page, user = _page_asked(call), await users.known_user(call)
    rows, headers = await _rows(call, page, f"{users.PATH}/{user}/sessions", user)
    return answered([UserSession(**facts) for facts in await _facts(call, rows)], headers=headers)


def _page_asked(call: Call) -> PageRequest:
    """Raises Invalid."""
    query = paging.read(call.request.scope, ("limit", "cursor"))
    page = paging.page_of(query, (), paging.NO_CHECKS)
    paging.refuse(query)
    return page


async def _rows(
    call: Call, page: PageRequest, path: str, user: UUID | None
) -> tuple[list[sessions.Row], dict[str, str]]:
    """Return the sessions of the page, and the header for the next one."""
    pool, most = call.resources.ledger.pool, page.limit + 1
    rows = await read(pool, lambda connection: sessions.listed(connection, user=user, after=page.after, limit=most))
    if len(rows) <= page.limit:
        return rows, {}
    shown = rows[: page.limit]
    return shown, page.link(call.resources.settings.issuer, path, shown[-1].stream_id)


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


async def _facts(call: Call, rows: Sequence[sessions.Row]) -> list[dict[str, Any]]:
    """Return the fields of each session."""
    ids = [row.stream_id for row in rows]
    used = await read(call.resources.ledger.pool, lambda connection: authorizations.last_of_sessions(connection, ids))
    known = AUDIT_READ in call.caller.scopes
    devices = await call.resources.sessions.devices(rows) if known else [None] * len(rows)
    return [
        {
            "id": row.stream_id,
            "started_utc": row.started_at,
            "authenticated_utc": row.authenticated_at,
            "last_seen_utc": max(row.authenticated_at, used.get(row.stream_id, row.authenticated_at)),
            "expires_utc": row.expires_at,
            "acr": row.acr,
            "amr": list(row.amr),
            "address": device and device.address,
            "user_agent": device and device.agent,
        }
        for row, device in zip(rows, devices, strict=True)
    ]


def _session_asked(call: Call) -> UUID:
    session = uuid_of(call.request.path_params["session_id"])
    if session is None:
        raise _unknown()
    return session


def _unknown() -> NotFound:
    return NotFound("The user has no session with this id.")
