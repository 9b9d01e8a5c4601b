"""GET/POST /openid/authorize and the way on from there: check everything, see who is there, go on to the next page, issue a code.

Nothing is kept at the server between the pages: the request travels sealed, and each step is decided anew from it.
"""

from datetime import timedelta
from html import escape
from http import HTTPStatus
from urllib.parse import urlsplit

from msgspec import structs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from events.authorization import AuthorizationGranted, CodeIssued
from events.consent import stream_of as consent_of
from events.database import read
from events.envelope import ByService, ByUser, Meta
from events.log import Append
from events.refusal import AuthorizationRefused
from projections import consents
from projections.clients import Found, client_id_of, stream_of
from service.commands.authorization import GrantAuthorization
from service.commands.handle import AUTHORIZATION, handle
from service.credentials import Secret, hash_secret, new_id
from service.endpoints.asgi import BodyTooLong, read_body, resources_of
from service.endpoints.origin import form_target
from service.oauth import authorize, id_tokens, redirects, tickets
from service.oauth.asked import AuthorizationRequest
from service.oauth.authorize import Asked, Mismatch, Redirected
from service.oauth.errors import Shown
from service.oauth.form import FORM
from service.oauth.redirects import Redirect
from service.oauth.server import utc_now
from service.oauth.steps import AskConsent, ChooseAccount, Grant, Present, Refuse, SignIn, Step, following
from service.people.sessions import SignedIn
from service.resources import Resources

CODE_SECONDS = 60
"""How long a code is good; a client redeems it in the same second."""

MOST_REMEMBERED = 10
"""Refusals of one client that are remembered in a minute: strangers must not fill the log."""

GOES_AWAY = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def begin(request: Request) -> Response:
    """The request as the client made it. Raises Shown."""
    resources = resources_of(request.scope)
    params, twice = authorize.parse(await _said(request))
    stream = stream_of(params.get("client_id", ""))
    await resources.lookup.be_certain()
    found = await resources.lookup.client(stream) if stream else None
    asked = Asked(params=params, twice=twice, issuer=resources.settings.issuer, now=utc_now().timestamp())
    try:
        good = _with_hint(resources, authorize.checked(asked, found), params.get("id_token_hint"))
    except Redirected as fault:
        return sent(fault.redirect)
    except Mismatch as fault:
        await _remember(resources, found, fault.why)
        raise
    assert found is not None
    return await _go_on(request, good, found)


async def go_on(request: Request) -> Response:
    """The request as one of our pages hands it back, sealed. Raises Shown, NoRequest."""
    resources = resources_of(request.scope)
    asked = resources.requests.open(request.query_params.get("request", ""))
    stream = stream_of(asked.client_id)
    await resources.lookup.be_certain()
    found = await resources.lookup.client(stream) if stream else None
    if found is None or not found.may_act:
        raise Shown("This application has been switched off", "You can close this page.", status=403)
    return await _go_on(request, asked, found)


def sent(redirect: Redirect) -> Response:
    """The answer to the client, by way of the browser."""
    if redirect.mode == "form_post":
        return _form_post(redirect)
    return RedirectResponse(redirect.location, HTTPStatus.SEE_OTHER, GOES_AWAY)


async def _go_on(request: Request, asked: AuthorizationRequest, found: Found) -> Response:
    resources = resources_of(request.scope)
    signed_in = await resources.sessions.current(request.cookies.get(resources.sessions.cookie))
    step = await _next(resources, asked, found, signed_in)
    match step:
        case SignIn():
            return _page("/signin", resources, asked)
        case ChooseAccount():
            return _page("/signin/account", resources, asked)
        case AskConsent():
            return _page("/consent", resources, asked)
        case Refuse():
            return sent(redirects.refused(asked, resources.settings.issuer, step.error, step.description))
        case Grant():
            assert signed_in is not None
            code = await _issue(resources, asked, found, signed_in)
            return sent(redirects.allowed(asked, resources.settings.issuer, code.reveal()))


async def _next(resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn | None) -> Step:
    present = None
    consented = False
    if signed_in is not None:
        present = Present(
            user=signed_in.user.stream_id,
            session=signed_in.session.stream_id,
            authenticated_at=signed_in.session.authenticated_at,
        )
        consented = await _has_consented(resources, asked, found, present)
    return following(asked, present, consented=consented, now=utc_now().timestamp())


async def _has_consented(resources: Resources, asked: AuthorizationRequest, found: Found, present: Present) -> bool:
    assert found.client.login is not None
    if found.client.login.first_party:
        return True
    stream = consent_of(present.user, asked.client_id, asked.resource)
    row = await read(resources.ledger.pool, lambda connection: consents.find(connection, stream))
    return row is not None and row.state == "given" and set(asked.scopes) <= set(row.scopes)


async def _issue(resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn) -> Secret:
    """The code, once the authorization that it is of is in the log."""
    stream, now = new_id(), utc_now()
    code = tickets.make(tickets.CODE, stream)
    session = signed_in.session
    granted = AuthorizationGranted(
        client=found.client.stream_id,
        user=signed_in.user.stream_id,
        session=session.stream_id,
        scopes=asked.scopes,
        resource=asked.resource,
        nonce=asked.nonce,
        auth_time=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        id_token_claims=asked.id_token_claims,
        userinfo_claims=asked.userinfo_claims,
    )
    issued = CodeIssued(
        hash=hash_secret(code.reveal()),
        redirect_uri=asked.redirect_uri,
        named=asked.named,
        code_challenge=asked.code_challenge,
        expires_at=now + timedelta(seconds=CODE_SECONDS),
        at=now,
    )
    actor = ByUser(user_id=signed_in.user.stream_id, session=session.stream_id)
    command = GrantAuthorization(granted=granted, code=issued)
    await handle(resources.ledger, AUTHORIZATION, stream, command, _meta(actor), fresh=True)
    return code


def _with_hint(resources: Resources, asked: AuthorizationRequest, hint: str | None) -> AuthorizationRequest:
    """An id_token_hint names the one person whom the answer may be about."""
    if hint is None:
        return asked
    about = id_tokens.read_hint(resources.ring, resources.settings.issuer, hint)
    if about is None:
        description = "The id_token_hint is not an ID token of this server, or of a key that is no longer in use."
        raise Redirected(redirects.refused(asked, resources.settings.issuer, "invalid_request", description))
    return structs.replace(asked, wanted_sub=str(about.sub))


async def _remember(resources: Resources, found: Found | None, why: str) -> None:
    """An address that was not registered is what an attack looks like: it is an event, without what was sent."""
    assert found is not None
    counted = await resources.limits.count(f"refusal {found.client.stream_id.hex}")
    if counted.used > MOST_REMEMBERED:
        return
    refused = AuthorizationRefused(client_id=client_id_of(found.client.stream_id), why=why, at=utc_now())
    meta = _meta(ByService(why="a request at the authorization endpoint was refused"))
    await resources.ledger.log.append(Append(stream=new_id(), expected=0, events=[refused], meta=meta))


async def _said(request: Request) -> bytes:
    """The query of a GET, the form of a POST (OpenID Connect Core 1.0 section 3.1.2.1)."""
    if request.method != "POST":
        return request.scope["query_string"]
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Shown("This request cannot be read", f"A POST to this address has a body of {FORM}.")
    try:
        return await read_body(request.scope, request.receive)
    except BodyTooLong as fault:
        raise Shown("This request is too long", "Its body is longer than 64 KiB.", status=413) from fault


def _page(path: str, resources: Resources, asked: AuthorizationRequest) -> Response:
    below = urlsplit(resources.settings.issuer).path  # an issuer may be below a path of its host
    location = f"{below}{path}?request={resources.requests.close(asked)}"
    return RedirectResponse(location, HTTPStatus.SEE_OTHER, GOES_AWAY)


def _form_post(redirect: Redirect) -> Response:
    """A form that sends itself, and that a person can send where there is no JavaScript."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in redirect.params.items()
    )
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Back to the application</title>'
        f'<form method="post" action="{escape(redirect.uri)}">{fields}'
        "<noscript><p>Your browser runs no scripts.</p><button>Continue</button></noscript></form>"
        '<script src="form_post.js"></script></html>'
    )
    policy = f"default-src 'none'; script-src 'self'; form-action {form_target(redirect.uri)}; base-uri 'none'; frame-ancestors 'none'"
    return Response(body, headers={**GOES_AWAY, "Content-Security-Policy": policy}, media_type="text/html")


async def form_post_script(_request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response("document.forms[0].submit();\n", headers=headers, media_type="text/javascript")


def _meta(actor: ByUser | ByService) -> Meta:
    return Meta(actor=actor, request_id=str(new_id()))
