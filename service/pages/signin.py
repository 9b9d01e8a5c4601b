"""/signin: sign in by e-mail address and password, or by passkey. /signin/account: choose the account to continue with."""

from starlette.responses import Response

from service.http.asgi import address, cookie
from service.pages import factor, passkeys
from service.pages.browser import Visit
from service.pages.page import Page
from service.pages.session_start import (
    AUTHENTICATOR,
    ONE_FACTOR,
    SECURITY,
    TWO_FACTORS,
    client_name,
    enter,
    going_to,
    person_of,
)

WRONG = 403
"""Not 401, which belongs to HTTP authentication, and not 200, which password managers take as a sign of a correct password."""

PASSWORD = "pwd"  # noqa: S105 - the value of RFC 8176


async def show(visit: Visit) -> Response:
    """Show the form. A signed-in user needs it only to authenticate again, for a client or to change their factors."""
    wanted = going_to(visit)
    if visit.asked is None and wanted not in (SECURITY, AUTHENTICATOR) and await visit.signed_in() is not None:
        return visit.to(wanted)
    return await _form(visit, username=await _expected(visit))


async def sign_in(visit: Visit) -> Response:
    """Count every attempt as failed until it succeeds."""
    if visit.given("do") == "passkey":
        return await _by_passkey(visit)
    attempts, people, name = visit.resources.attempts, visit.resources.people, visit.given("username").strip()
    known = cookie(visit.request.scope, attempts.cookie)
    attempt = await attempts.begin(name, address(visit.request.scope), known)
    row = await people.find(name)
    if not await people.check_password(row, visit.given("password")):
        return await _form(visit, username=name, fault="wrong")
    assert row is not None
    await attempts.succeeded(attempt)
    if row.factors:
        return factor.begin(visit, row, (PASSWORD,))
    return await enter(visit, row, (PASSWORD,), ONE_FACTOR)


async def _by_passkey(visit: Visit) -> Response:
    """Sign in by passkey: it is one factor and has verified its user, so it counts as two (RFC 8176: hwk, user).

    Attempts are not counted: a signature cannot be guessed, and deliberate failures would lock out other users of the same address.
    """
    row = await passkeys.somebody(visit)
    if row is None:
        return await _form(visit, username="", fault="passkey")
    return await enter(visit, row, ("hwk", "user"), TWO_FACTORS)


async def _form(visit: Visit, *, username: str, fault: str = "") -> Response:
    signed_in = await visit.signed_in()
    upstream = visit.resources.settings.upstream
    if not fault and visit.asked and signed_in and visit.asked.wanted_sub not in (None, str(signed_in.user.stream_id)):
        fault = "other"
    return visit.page(
        "signin.html",
        WRONG if fault in ("wrong", "passkey") else 200,
        client=await client_name(visit),
        again=visit.asked is None and signed_in is not None,
        username=username,
        fault=fault or visit.told("fault"),
        next=visit.given("next") and going_to(visit),
        upstream=upstream.host if upstream else None,
        **passkeys.question(visit, []),
    )


async def _expected(visit: Visit) -> str:
    """Return the expected e-mail address: the client's hint, or that of the signed-in user who must authenticate again."""
    if visit.asked and visit.asked.login_hint:
        return visit.asked.login_hint
    signed_in = await visit.signed_in()
    if signed_in is None:
        return ""
    wanted = (None, str(signed_in.user.stream_id))
    others = visit.asked and ("select_account" in visit.asked.prompts or visit.asked.wanted_sub not in wanted)
    return "" if others else (await person_of(visit, signed_in)).email


async def choose(visit: Visit) -> Response:
    visit.goal()
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.onward()
    return visit.page("choose.html", client=await client_name(visit), person=await person_of(visit, signed_in))


async def chosen(visit: Visit) -> Response:
    visit.goal()
    signed_in = await visit.signed_in()
    if visit.given("account") == "this" and signed_in is not None:
        return visit.onward(chosen=signed_in.session.stream_id)
    return visit.to("/signin")


SIGNIN = Page(get=show, post=sign_in)
ACCOUNT = Page(get=choose, post=chosen, personal=True)
