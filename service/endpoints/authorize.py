"""GET/POST /openid/authorize and what follows: validate the request, read the session, redirect to the next page or issue a code.

The server keeps no state between the pages: the browser carries the sealed request, and each step is decided from it.
"""

from html import escape
from http import HTTPStatus
from typing import ClassVar, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from events.ids import client_stream
from projections.clients import Found
from service.crypto.credentials import Secret
from service.grants.code_at_once import code_at_once
from service.grants.code_issuance import ConsentWithdrawn, SessionOver, codes_of, issue_code, next_step
from service.grants.device_approval import TooLate, approve
from service.grants.document_clients import see_document
from service.grants.validation import validated
from service.http.asgi import BodyCutShort, BodyTooLong, address, cookie, read_body, resources_of
from service.http.origin import GOES_AWAY, below, form_target
from service.oauth import authorize, redirects, request_parameters
from service.oauth.authorization_request import AuthorizationRequest
from service.oauth.authorize import Redirected
from service.oauth.errors import Shown, UsedRequestUri
from service.oauth.form import FORM, is_form
from service.oauth.interaction import (
    AskConsent,
    ChooseAccount,
    IssueCode,
    Refuse,
    SignIn,
)
from service.oauth.parameters import Params
from service.oauth.redirects import Redirect
from service.people.sessions import Presented, SignedIn
from service.pushed_requests import is_pushed
from service.resources import Resources

CONTINUE = "/openid/continue"
FORM_POST_SCRIPT = "/openid/form_post.js"
Outcome = Literal["approved", "denied", "late"]
"""What became of a device, whose page says it."""

USED = "This pushed request was used before: each is good for one authorization code. Push a new request (RFC 9126 section 7.3)."


class Away(Response):
    """A redirect to a client. Starlette's own constructor looks for what to encode and which headers to add, which here is known."""

    _LINES: ClassVar = Response(None, headers=GOES_AWAY).raw_headers

    def __init__(self, location: str) -> None:
        self.status_code, self.body, self.background = HTTPStatus.SEE_OTHER, b"", None
        self.raw_headers = [*self._LINES, (b"location", location.encode("latin-1"))]


async def begin(request: Request) -> Response:
    """Handle the request as the client sent it. Raises Shown."""
    _is_not_only_looked_at(request)
    resources = resources_of(request.scope)
    params, twice = request_parameters.parse(await _said(request))
    client_id = params.get("client_id", "")
    given = _cookie_of(request, client_id)
    at_once = None if given is None else await code_at_once(resources, params, twice, given)
    if at_once is not None:
        return _code(resources, *at_once)
    presented = await resources.first_looks.find(given, client_id)
    await see_document(resources, client_id, address(request.scope))
    found = await resources.lookup.named(client_id)
    try:
        good, found = await _validated(request, params, twice, found)
    except Redirected as fault:
        return sent(fault.redirect, resources)
    # A POST from another site has none of our cookies (SameSite=Lax); the GET after this redirect has them.
    if request.method == "POST":
        return _page(CONTINUE, resources, good)
    return await _go_on(request, good, found, presented)


def _cookie_of(request: Request, client_id: str) -> str | None:
    """Return the cookie of a session, if there may be such a client."""
    if request.scope["method"] != "GET" or client_stream(client_id) is None:
        return None
    return cookie(request.scope, resources_of(request.scope).sessions.cookie)


async def _validated(
    request: Request, params: Params, twice: tuple[str, ...], found: Found | None
) -> tuple[AuthorizationRequest, Found]:
    """Validate the parameters, or find the request that they name, which was validated when it was pushed. Raises Shown, Redirected."""
    resources = resources_of(request.scope)
    if not is_pushed(params.get("request_uri")):
        return await validated(resources, params, twice, found, address(request.scope))
    if "client_id" not in params or not {"client_id", "request_uri"}.isdisjoint(twice):
        raise Shown(
            "The parameters client_id and request_uri are needed", "Send each of them once (RFC 9126 section 4)."
        )
    pushed = await resources.pushed.find(params["request_uri"], params["client_id"])
    if pushed is None:
        raise UsedRequestUri
    settings = resources.settings
    return authorize.still_good(pushed, found, settings.issuer, pkce_of_all=settings.pkce_of_all, known=resources.known)


async def go_on(request: Request) -> Response:
    """Handle the sealed request that one of our pages returns. Its client may have changed since. Raises Shown, NoRequest."""
    _is_not_only_looked_at(request)
    resources = resources_of(request.scope)
    asked = resources.requests.open(request.query_params.get("request", ""))
    await resources.lookup.be_certain()
    found = await resources.lookup.named(asked.client_id)
    try:
        settings = resources.settings
        asked, found = authorize.still_good(
            asked, found, settings.issuer, pkce_of_all=settings.pkce_of_all, known=resources.known
        )
    except Redirected as fault:
        return sent(fault.redirect, resources)
    return await _go_on(request, asked, found)


def sent(redirect: Redirect, resources: Resources) -> Response:
    """Send the response to the client through the browser, from whichever page the user is on."""
    redirect = redirects.secured(redirect, resources.signer)
    if redirect.mode == "form_post":
        return _form_post(redirect, f"{below(resources.settings.issuer)}{FORM_POST_SCRIPT}")
    return Away(redirect.location)


async def _go_on(
    request: Request, asked: AuthorizationRequest, found: Found, presented: Presented | None = None
) -> Response:
    sessions = (resources := resources_of(request.scope)).sessions
    if presented is not None and presented.client_id == asked.client_id:
        signed_in = await sessions.authenticated(presented)
    else:
        signed_in = await sessions.current(cookie(request.scope, sessions.cookie), asked.client_id)
    return await _on(resources, asked, found, signed_in)


async def _on(resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn | None) -> Response:
    step = await next_step(resources, asked, found, signed_in)
    match step:
        case SignIn():
            return _page("/signin", resources, asked)
        case ChooseAccount():
            return _page("/signin/account", resources, asked)
        case AskConsent():
            return _page("/consent", resources, asked)
        case Refuse():
            return sent(redirects.refused(asked, resources.settings.issuer, step.error, step.description), resources)
        case IssueCode():
            assert signed_in is not None
            return await _granted(resources, asked, found, signed_in)


async def _granted(resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn) -> Response:
    to_whom = _to_the_client if asked.device is None else _to_the_device
    try:
        return await to_whom(resources, asked, found, signed_in)
    except SessionOver:
        return await _on(resources, asked, found, None)
    except ConsentWithdrawn as withdrawn:
        return await _on(resources, asked, found, signed_in.__replace__(consents=withdrawn.consents))


async def _to_the_device(
    resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn
) -> Response:
    """Approve the device, which asks by itself (RFC 8628). Raises SessionOver, ConsentWithdrawn."""
    try:
        await approve(resources, asked, found, signed_in)
    except TooLate:
        return answered(resources, "late")
    return answered(resources, "approved")


def answered(resources: Resources, outcome: Outcome) -> Response:
    """Redirect to the page that says what became of a device."""
    return RedirectResponse(f"{below(resources.settings.issuer)}/device/{outcome}", HTTPStatus.SEE_OTHER, GOES_AWAY)


async def _to_the_client(
    resources: Resources, asked: AuthorizationRequest, found: Found, signed_in: SignedIn
) -> Response:
    """Send the code to the client. Raises SessionOver, ConsentWithdrawn."""
    counted, most = await resources.codes.count(codes_of(signed_in)), resources.codes.limit
    if counted.used > most:
        description = f"More than {most} authorizations in this minute; try again in {counted.seconds} s."
        refused = redirects.refused(asked, resources.settings.issuer, "temporarily_unavailable", description)
        return sent(refused, resources)
    if not await resources.pushed.use(asked):
        return sent(redirects.refused(asked, resources.settings.issuer, "invalid_request_uri", USED), resources)
    return _code(resources, asked, await issue_code(resources, asked, found, signed_in))


def _code(resources: Resources, asked: AuthorizationRequest, code: Secret) -> Response:
    return sent(redirects.allowed(asked, resources.settings.issuer, code.reveal()), resources)


def _is_not_only_looked_at(request: Request) -> None:
    """HEAD must change nothing (RFC 9110 section 9.2.1), but this endpoint may issue a code. Raises HTTPException."""
    if request.scope["method"] == "HEAD":
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, POST"})


async def _said(request: Request) -> bytes:
    """Return the query of a GET or the form of a POST (OpenID Connect Core 1.0 section 3.1.2.1). Raises Shown."""
    if request.scope["method"] != "POST":
        return request.scope["query_string"]
    if not is_form(request.headers.get("content-type", "")):
        raise Shown("The request cannot be read", f"Send the body of a POST as {FORM}.")
    try:
        return await read_body(request.scope, request.receive)
    except BodyTooLong as fault:
        raise Shown("The request is too long", "Its body may have at most 64 KiB.", status=413) from fault
    except BodyCutShort as fault:
        raise Shown("The request cannot be read", "Its body ended early. Send it again.") from fault


def _page(path: str, resources: Resources, asked: AuthorizationRequest) -> Response:
    location = f"{below(resources.settings.issuer)}{path}?request={resources.requests.close(asked)}"
    return RedirectResponse(location, HTTPStatus.SEE_OTHER, GOES_AWAY)


def _form_post(redirect: Redirect, script: str) -> Response:
    """A form that submits itself. Without JavaScript, the user submits it."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in redirect.params.items()
    )
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Back to the application</title>'
        f'<form method="post" action="{escape(redirect.uri)}">{fields}'
        "<noscript><p>JavaScript is turned off in your browser. Continue to go back to the application.</p><button>Continue</button></noscript></form>"
        f'<script src="{escape(script)}"></script></html>'
    )
    policy = f"default-src 'none'; script-src 'self'; form-action {form_target(redirect.uri)}; base-uri 'none'; frame-ancestors 'none'"
    return Response(body, headers={**GOES_AWAY, "Content-Security-Policy": policy}, media_type="text/html")


async def form_post_script(_request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response("document.forms[0].submit();\n", headers=headers, media_type="text/javascript")
