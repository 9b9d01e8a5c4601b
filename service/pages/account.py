"""/account: the applications that may use the user's account. /account/sessions: the devices on which the user is signed in."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from events.database import read
from events.ids import client_id_of, client_stream
from projections import authorizations, consents, sessions
from service.clock import utc_now
from service.pages import devices
from service.pages.browser import ACCOUNT, Visit, bake, by
from service.pages.consent import host_of
from service.pages.page import Page
from service.pages.session_start import SESSIONS, person_of
from service.people.sessions import SignedIn
from service.problems import NotFound
from service.use_cases import consents as use_cases
from service.values.scopes import split

SIGNED_OUT = "/signed-out"


class Application(Struct, frozen=True, kw_only=True):
    """A client that may use the account, by a consent, by an authorization that is not revoked, or by both."""

    client_id: str
    name: str
    host: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    asserted_by: tuple[str, ...]
    since: datetime | None
    used: datetime | None


class Signed(Struct, frozen=True, kw_only=True):
    """A session as the page shows it."""

    id: UUID
    device: str
    address: str | None
    since: datetime
    current: bool


async def applications(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.to("/signin", next=ACCOUNT)
    return visit.page(
        "applications.html",
        at="applications",
        said=visit.told("said"),
        person=await person_of(visit, signed_in),
        applications=await _applications(visit, signed_in.user.stream_id),
    )


async def change_applications(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.to("/signin", next=ACCOUNT)
    match visit.given("do"):
        case "sign-out":
            return await _sign_out(visit, signed_in)
        case "revoke":
            client_id, user = visit.given("client"), signed_in.user.stream_id
            await use_cases.withdraw(visit.resources.ledger, user, client_id, by(signed_in))
            return visit.to(ACCOUNT, said="revoked")
        case _:
            return visit.to(ACCOUNT)


async def _sign_out(visit: Visit, signed_in: SignedIn) -> Response:
    await visit.resources.sessions.end(signed_in.session.stream_id, "signed_out", by(signed_in))
    response = visit.to(SIGNED_OUT)
    bake(visit.resources, response, visit.resources.sessions.cookie, "", 0)
    return response


async def _applications(visit: Visit, user: UUID) -> list[Application]:
    """Return the applications, the last used one first."""
    pool = visit.resources.ledger.pool
    given = await read(pool, lambda connection: consents.of_user(connection, user))
    granted = await read(pool, lambda connection: authorizations.of_user(connection, user))
    named = {client_stream(row.client_id): row.client_id for row in given}
    for row in granted:
        seen = None if row.client in named else await visit.resources.lookup.client(row.client)
        named.setdefault(row.client, seen.client.client_id if seen else client_id_of(row.client))
    found = [
        await _application(
            visit,
            client_id,
            [row for row in given if row.client_id == client_id],
            [row for row in granted if row.client == stream],
        )
        for stream, client_id in named.items()
    ]
    return sorted(found, key=lambda each: each.used or each.since or utc_now(), reverse=True)


async def _application(
    visit: Visit, client_id: str, given: list[consents.Row], granted: list[authorizations.Row]
) -> Application:
    stream = client_stream(client_id)
    seen = await visit.resources.lookup.client(stream) if stream else None
    client = seen.client if seen else None
    times = [row.given_at for row in given] + [row.granted_at for row in granted if row.granted_at]
    scopes = dict.fromkeys(scope for row in (*given, *granted) for scope in row.scopes)
    return Application(
        client_id=client_id,
        name=(client.display_name if client else None) or client_id,
        host=host_of(client.redirect_uris[0]) if client and client.redirect_uris else None,
        scopes=tuple(scopes),
        resources=tuple(dict.fromkeys(name for row in (*given, *granted) for name in split(row.resource))),
        since=min(times, default=None),
        asserted_by=tuple(dict.fromkeys(row.asserted_by for row in granted if row.asserted_by)),
        used=max((row.used_at for row in granted if row.used_at), default=None),
    )


async def signed(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.to("/signin", next=SESSIONS)
    user = signed_in.user.stream_id
    rows = await read(visit.resources.ledger.pool, lambda connection: sessions.of_user(connection, user))
    this = signed_in.session.stream_id
    return visit.page(
        "sessions.html",
        at="sessions",
        said=visit.told("said"),
        person=await person_of(visit, signed_in),
        sessions=sorted([await _signed(visit, row, this) for row in rows], key=lambda each: not each.current),
    )


async def _signed(visit: Visit, row: sessions.Row, this: UUID) -> Signed:
    device = await visit.resources.sessions.device(row)
    return Signed(
        id=row.stream_id,
        device=devices.named(device.agent) if device else "",
        address=device.address if device else None,
        since=row.started_at,
        current=row.stream_id == this,
    )


async def end_sessions(visit: Visit) -> Response:
    """End one of the user's sessions, or all except this one. Raises NotFound."""
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.to("/signin", next=SESSIONS)
    user, this, meta = signed_in.user.stream_id, signed_in.session.stream_id, by(signed_in)
    match visit.given("do"):
        case "end":
            rows = await read(visit.resources.ledger.pool, lambda connection: sessions.of_user(connection, user))
            if visit.given("session") not in [str(row.stream_id) for row in rows]:
                raise NotFound("No session of yours has this id.")
            await visit.resources.sessions.end(UUID(visit.given("session")), "ended_by_user", meta)
            return visit.to(SESSIONS, said="ended")
        case "end-others":
            await visit.resources.sessions.end_all(user, "ended_by_user", meta, but=this)
            return visit.to(SESSIONS, said="ended-others")
        case _:
            return visit.to(SESSIONS)


APPLICATIONS_PAGE = Page(get=applications, post=change_applications, personal=True)
SESSIONS_PAGE = Page(get=signed, post=end_sessions, personal=True)
