"""/openid/logout and /signout: a client sends the user here to sign out (OpenID Connect RP-Initiated Logout 1.0).

The request is checked, sealed and passed to /signout. So it works by GET and by POST, and no ID token stays in a URL.
"""

import time
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct, ValidationError, json
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from events.ids import client_stream, is_ours
from projections.clients import Row
from service.crypto.sealing import CannotOpen, Seal
from service.http.asgi import BodyCutShort, BodyTooLong, read_body, resources_of
from service.http.origin import GOES_AWAY, below
from service.oauth import redirect_match
from service.oauth.errors import Refusal, Shown
from service.oauth.form import FORM, Form, parse
from service.oauth.tokens import Hint, read_hint
from service.pages.browser import Visit, bake, by, master_key
from service.pages.page import Page
from service.pages.rendering import policy
from service.people.sessions import SignedIn
from service.resources import Resources

ABOUT = b"logout request"
CANNOT = "The logout request cannot be read"
LIFETIME_SECONDS = 3600
SIGNOUT, SIGNED_OUT = "/signout", "/signed-out"


class Stopped(Exception):
    """The client is disabled or deleted."""


class NotSentBack(Exception):
    """The user is not sent back after such a request (section 3). Signing out still works."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults


class Leaving(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A checked logout request. `sub` and `sid` are those of the ID token that came with it.

    `faults` tell the client's developers why the user is not sent back to it.
    """

    asked_at: int
    client_name: str | None = None
    redirect_uri: str | None = None
    state: str | None = None
    sub: UUID | None = None
    sid: UUID | None = None
    faults: tuple[str, ...] = ()

    @property
    def location(self) -> str | None:
        """The user's last redirect (section 2: with `state`, if the client sent one)."""
        if self.redirect_uri is None or self.state is None:
            return self.redirect_uri
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode({'state': self.state})}"

    def names(self, signed_in: SignedIn) -> bool:
        return (self.sub, self.sid) == (signed_in.user.stream_id, signed_in.session.stream_id)


async def logout(request: Request) -> Response:
    """GET and POST /openid/logout. Raises Shown, Unavailable."""
    resources = resources_of(request.scope)
    try:
        form = await _parameters(request)
        leaving = await _checked(resources, form)
    except Refusal as fault:
        form, leaving = {}, Leaving(asked_at=int(time.time()), faults=(fault.description,))
    query = {"leaving": _close(resources, leaving), "ui_locales": form.get("ui_locales", "")}
    return RedirectResponse(f"{below(resources.settings.issuer)}{SIGNOUT}?{urlencode(query)}", 303, headers=GOES_AWAY)


async def _ask(visit: Visit) -> Response:
    """End the session at once if the client proves that it means this one; otherwise ask the user (section 2).

    If the request is faulty, the user can still sign out, but is not sent back.
    """
    leaving = _open(visit)
    signed_in = await visit.signed_in()
    if signed_in is None:
        return _gone(visit, leaving)
    if leaving.names(signed_in):
        return await _end(visit, signed_in, leaving)
    sealed = visit.given("leaving")
    page = visit.page(
        "logout.html",
        leaving=sealed,
        client=leaving.client_name,
        faults=leaving.faults,
        staying=visit.url("/account"),
    )
    if leaving.redirect_uri is not None:  # browsers check the redirect after the form against the policy, too
        page.headers["Content-Security-Policy"] = policy(leaving.redirect_uri)
    return page


async def _leave(visit: Visit) -> Response:
    leaving, signed_in = _open(visit), await visit.signed_in()
    return _gone(visit, leaving) if signed_in is None else await _end(visit, signed_in, leaving)


SIGNOUT_PAGE = Page(get=_ask, post=_leave)


async def _end(visit: Visit, signed_in: SignedIn, leaving: Leaving) -> Response:
    await visit.resources.sessions.end(signed_in.session.stream_id, "signed_out", by(signed_in))
    return _gone(visit, leaving)


def _gone(visit: Visit, leaving: Leaving) -> Response:
    response: Response
    if leaving.faults:
        response = visit.page("signed_out.html", faults=leaving.faults)
    else:
        response = RedirectResponse(leaving.location or visit.url(SIGNED_OUT), 303, headers=GOES_AWAY)
    bake(visit.resources, response, visit.resources.sessions.cookie, "", 0)
    return response


async def _parameters(request: Request) -> Form:
    """Return the parameters (section 2): the query of a GET, the form of a POST. Raises Shown, and Refusal if they are malformed."""
    try:
        if request.method == "POST":
            body = await read_body(request.scope, request.receive)
            return parse(request.headers.get("content-type", ""), body)
        return parse(FORM, request.scope["query_string"], repeatable=())
    except BodyTooLong as fault:
        raise Shown(CANNOT, "It may have at most 64 KiB.", status=413) from fault
    except BodyCutShort as fault:
        raise Shown(CANNOT, "Its body ended early. Send it again.") from fault


async def _checked(resources: Resources, form: Form) -> Leaving:
    """Check the request. An invalid or expired ID token counts as none, so the user is asked.

    A request of a disabled or deleted client is ignored: the client gets nothing, and the user can still sign out.
    """
    hint = read_hint(resources.ring, resources.settings.issuer, form.get("id_token_hint", ""))
    uri = form.get("post_logout_redirect_uri")
    try:
        row = await _client(resources, form, hint)
        if uri is not None:
            _check_uri(uri, row)
    except Stopped:
        return Leaving(asked_at=int(time.time()))
    except NotSentBack as fault:
        return Leaving(asked_at=int(time.time()), faults=fault.faults)
    return Leaving(
        asked_at=int(time.time()),
        client_name=row.display_name if row else None,
        redirect_uri=uri,
        state=form.get("state"),
        sub=hint.sub if hint else None,
        sid=hint.sid if hint else None,
    )


async def _client(resources: Resources, form: Form, hint: Hint | None) -> Row | None:
    """Return the client of the request, if it names one. Raises NotSentBack and Stopped."""
    named = form.get("client_id")
    if hint and named not in (None, hint.aud):
        raise NotSentBack("The id_token_hint was issued to another client than the one that client_id names.")
    client_id = named or (hint.aud if hint else None)
    if client_id is None:
        return None
    stream = client_stream(client_id)
    seen = None if stream is None else await resources.lookup.client(stream)
    if seen is None and not is_ours(client_id):
        raise NotSentBack("No client has this client_id.")
    if seen is None or seen.client.state != "active":
        raise Stopped
    return seen.client


def _check_uri(uri: str, row: Row | None) -> None:
    """Check that the URI exactly matches a registered one (section 3).

    Raises NotSentBack, which names the parts that differ and never a registered URI.
    """
    if row is None:
        raise NotSentBack("A post_logout_redirect_uri needs a client_id, or an id_token_hint that this server signed.")
    registered = row.login.post_logout_redirect_uris if row.login else ()
    if not registered:
        raise NotSentBack("The client has no post_logout_redirect_uri registered. Set its postLogoutRedirectUris.")
    if uri not in registered:
        parts = ", ".join(redirect_match.differences(uri, registered))
        raise NotSentBack(
            "The post_logout_redirect_uri is not registered for this client (postLogoutRedirectUris).",
            f"It differs from the nearest registered one in: {parts}.",
        )


def _close(resources: Resources, leaving: Leaving) -> str:
    return _seal(resources).close_as_text(json.encode(leaving), ABOUT)


def _open(visit: Visit) -> Leaving:
    """Return the sealed logout request. Anything else counts as no request, because signing out always works."""
    try:
        leaving = json.decode(_seal(visit.resources).open_text(visit.given("leaving"), ABOUT), type=Leaving)
    except (CannotOpen, ValidationError, ValueError):
        return Leaving(asked_at=0)
    return leaving if time.time() < leaving.asked_at + LIFETIME_SECONDS else Leaving(asked_at=0)


def _seal(resources: Resources) -> Seal:
    return Seal(master_key(resources), "muniment logout requests")
