"""The end of a sign-in: the user's session, its cookie, and the next page."""

from datetime import datetime

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from events.database import read
from events.envelope import ByService
from projections import causes, users
from service.http.asgi import address
from service.pages.browser import ACCOUNT, Visit, bake, by
from service.people.sessions import Device, SignedIn
from service.people.throttle import KNOWN_SECONDS
from service.request_id import envelope
from service.values.profile import Profile
from service.values.scopes import ACRS

ONE_FACTOR, TWO_FACTORS = ACRS
FEDERATED = "fed"
"""The method (`amr`) of a sign-in through the upstream provider."""

SESSIONS, SECURITY, AUTHENTICATOR = "/account/sessions", "/account/security", "/account/authenticator"
CHANGING = (
    "user.password_changed",
    "user.factor_added",
    "user.factor_removed",
    "user.disabled",
    "user.erased",
)
"""The events after which a sign-in that began before starts over."""

LONGEST_AGENT = 300


class Person(Struct, frozen=True, kw_only=True):
    """The user's name and e-mail address for a page. The repr hides both."""

    name: str
    email: str

    @property
    def initial(self) -> str:
        return self.name[:1].upper()

    def __repr__(self) -> str:
        return "Person(…)"


async def enter(
    visit: Visit, row: users.Row, amr: tuple[str, ...], acr: str, *, proved_at: datetime | None = None
) -> Response:
    """Start a session, or continue the same user's session in this browser; a session of another user ends.

    `row` is the user that was authenticated. If their factors have changed since, the sign-in starts over, because a new password is
    meant to end it, too. `proved_at` is the time of the authentication, if it happened before, at an upstream provider.
    """
    sessions, settings = visit.resources.sessions, visit.resources.settings
    value = await _begun(visit, row, amr, acr, proved_at)
    signed_in = await sessions.current(value)
    if signed_in is None or _proof(signed_in.user) != _proof(row):
        return await _begin_again(visit, value)
    response = _on(visit, signed_in)
    bake(visit.resources, response, sessions.cookie, value, settings.session_lifetime)
    attempts = visit.resources.attempts
    bake(visit.resources, response, attempts.cookie, attempts.known(row.stream_id), KNOWN_SECONDS)
    visit.set_cookie(response, "half", "", 0)
    return response


async def _begun(visit: Visit, row: users.Row, amr: tuple[str, ...], acr: str, proved_at: datetime | None) -> str:
    """Return the value of the session cookie."""
    sessions, present = visit.resources.sessions, await visit.signed_in()
    if present is not None and present.user.stream_id == row.stream_id:
        return await sessions.reauthenticate(present, amr, acr, proved_at=proved_at)
    if present is not None:
        await sessions.end(present.session.stream_id, "signed_out", by(present))
    return await sessions.start(row.stream_id, amr, acr, device_of(visit.request), proved_at=proved_at)


def _proof(row: users.Row) -> tuple[object, ...]:
    """Return the facts that decide who may sign in. (Not the version: this very sign-in may rehash the password.)"""
    return (row.state, row.password_at, tuple(row.factors))


async def _begin_again(visit: Visit, cookie: str) -> Response:
    session = visit.resources.sessions.named(cookie)
    assert session is not None
    cause = await read(visit.resources.ledger.pool, lambda c: causes.of_user(c, session, *CHANGING))
    actor = ByService(why="the account was changed during the sign-in")
    meta = envelope(actor, cause=cause)
    await visit.resources.sessions.end(session, "password_changed", meta)
    return late(visit)


def late(visit: Visit) -> Response:
    """Redirect to the first step, which then says that this took too long."""
    return visit.to("/signin", next=visit.given("next"), fault="late")


def _on(visit: Visit, signed_in: SignedIn) -> Response:
    """Redirect to the client's request, where this sign-in answers `prompt=select_account`, or to a page of the account."""
    if visit.asked is None:
        return visit.to(going_to(visit))
    if "select_account" not in visit.asked.prompts:
        return visit.onward()
    return visit.onward(chosen=signed_in.session.stream_id)


def going_to(visit: Visit) -> str:
    """Return the wanted page if it is one of the account. An address that a stranger wrote into a link is ignored."""
    wanted = visit.given("next")
    return wanted if wanted in (ACCOUNT, SESSIONS, SECURITY, AUTHENTICATOR) else ACCOUNT


def device_of(request: Request) -> Device:
    return Device(address=address(request.scope), agent=request.headers.get("user-agent", "")[:LONGEST_AGENT])


async def person_of(visit: Visit, signed_in: SignedIn) -> Person:
    profile = await visit.resources.people.profile(signed_in.user)
    return person(profile) if profile else Person(name="", email="")


def person(profile: Profile) -> Person:
    parts = " ".join(filter(None, (profile.given_name, profile.family_name)))
    names = (profile.name, parts, profile.preferred_username, profile.nickname, profile.email)
    return Person(name=next(filter(None, names), ""), email=profile.email or "")


async def client_name(visit: Visit) -> str | None:
    """Return the display name of the client that waits, or its client_id."""
    if visit.asked is None:
        return None
    seen = await visit.resources.lookup.named(visit.asked.client_id)
    return (seen.client.display_name if seen else None) or visit.asked.client_id
