"""/account/security: the user's password and second factors."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from starlette.responses import Response

from events.envelope import Meta
from service.clock import utc_now
from service.http.asgi import address, cookie
from service.pages import devices, passkeys
from service.pages.browser import Visit, bake, by
from service.pages.page import Page
from service.pages.session_start import SECURITY, device_of, person_of
from service.people import factors
from service.people.accounts import WeakPassword
from service.people.factors import Kept, Owner, Passkey, Totp
from service.people.sessions import SignedIn
from service.problems import NotFound
from service.reactions import session_end
from service.refusals import Contradiction
from service.use_cases import second_factors
from service.values.uuids import uuid_of
from service.vault.passkeys import PasskeyTaken

RECENT = timedelta(minutes=10)
"""The time after an authentication in which a user may change their factors."""

WRONG = 403


class Item(Struct, frozen=True, kw_only=True):
    """A factor as the page shows it."""

    id: UUID
    name: str
    created_at: datetime


async def show(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    return visit.to("/signin", next=SECURITY) if signed_in is None else await _page(visit, signed_in)


async def change(visit: Visit) -> Response:
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.to("/signin", next=SECURITY)
    asked = visit.given("do")
    if asked == "password" and (recent(signed_in) or not signed_in.user.factors):
        return await _change_password(visit, signed_in)
    if not recent(signed_in):
        return visit.to("/signin", next=SECURITY)
    match asked:
        case "passkey":
            return await _add_passkey(visit, signed_in)
        case "remove":
            return await _remove(visit, signed_in)
        case _:
            return visit.to(SECURITY)


def recent(signed_in: SignedIn) -> bool:
    return utc_now() - signed_in.session.authenticated_at < RECENT


async def _change_password(visit: Visit, signed_in: SignedIn) -> Response:
    """Set a new password. The user must know the present one, and have proved the second factor recently, if there is one."""
    people, user, meta = visit.resources.people, signed_in.user.stream_id, by(signed_in)
    attempts = visit.resources.attempts
    person = await person_of(visit, signed_in)
    attempt = await attempts.begin(
        person.email, address(visit.request.scope), cookie(visit.request.scope, attempts.cookie)
    )
    if not await people.check_password(signed_in.user, visit.given("present")):
        return await _page(visit, signed_in, fault="wrong")
    await attempts.succeeded(attempt)
    try:
        handled = await people.change_password(user, visit.given("password"), meta)
    except WeakPassword as weak:
        return await _page(visit, signed_in, fault="weak", weak=weak.detail)
    return await _only_here(visit, signed_in, session_end.because(meta, handled))


async def _only_here(visit: Visit, signed_in: SignedIn, meta: Meta) -> Response:
    """End everything from before the new password, except this session, which continues with a new cookie."""
    sessions, lifetime = visit.resources.sessions, visit.resources.settings.session_lifetime
    value = await sessions.reauthenticate(signed_in, signed_in.session.amr, signed_in.session.acr)
    await sessions.end_former(signed_in, meta)
    response = visit.to(SECURITY, said="password")
    bake(visit.resources, response, sessions.cookie, value, lifetime)
    return response


async def _add_passkey(visit: Visit, signed_in: SignedIn) -> Response:
    name = devices.named(device_of(visit.request).agent) or visit.gettext("Passkey")
    passkey = await passkeys.made(visit, name)
    if passkey is None:
        return await _page(visit, signed_in, fault="passkey")
    return await add(visit, signed_in, factors.new(passkey, utc_now()))


async def add(visit: Visit, signed_in: SignedIn, kept: Kept) -> Response:
    """Add the factor to the user."""
    resources, user = visit.resources, signed_in.user.stream_id
    try:
        await second_factors.add(resources.people, resources.ledger, user, kept, by(signed_in))
    except PasskeyTaken:
        return await _page(visit, signed_in, fault="taken")
    except Contradiction:
        return await _page(visit, signed_in, fault="full")
    return visit.to(SECURITY, said="app" if isinstance(kept.what, Totp) else "added")


async def _remove(visit: Visit, signed_in: SignedIn) -> Response:
    """Raises NotFound if the user does not have this factor."""
    factor = uuid_of(visit.given("factor"))
    if factor is None:
        raise NotFound("No second factor of yours has this id.")
    await second_factors.remove(visit.resources.ledger, signed_in.user.stream_id, [factor], by(signed_in))
    kind = next((each.kind for each in signed_in.user.factors if each.factor_id == factor), None)
    return visit.to(SECURITY, said="removed-app" if kind == "totp" else "removed-passkey")


async def _page(visit: Visit, signed_in: SignedIn, *, fault: str = "", weak: str = "") -> Response:
    person = await person_of(visit, signed_in)
    kept = await factors.kept(visit.resources.people, signed_in.user)
    wish: dict[str, Any] = {"options": None, "challenge": ""}
    if recent(signed_in):
        owner = Owner(user=signed_in.user.stream_id, email=person.email or person.name, name=person.name)
        wish = passkeys.wish(visit, owner, factors.passkeys(kept))
    return visit.page(
        "security.html",
        WRONG if fault else 200,
        at="security",
        said="" if fault else visit.told("said"),
        fault=fault,
        weak=weak,
        person=person,
        recent=recent(signed_in),
        passkeys_work=passkeys.relying(visit) is not None,
        passkeys=[_item(each, each.what.name) for each in kept if isinstance(each.what, Passkey)],
        totps=[
            _item(each, each.what.name or visit.gettext("Authenticator app"))
            for each in kept
            if isinstance(each.what, Totp)
        ],
        has_factor=bool(kept),
        has_password=signed_in.user.password is not None,
        **wish,
    )


def _item(kept: Kept, name: str) -> Item:
    return Item(id=kept.factor_id, name=name, created_at=kept.created_at)


SECURITY_PAGE = Page(get=show, post=change, personal=True)
