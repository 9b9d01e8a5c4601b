"""GET/POST /openid/userinfo (OpenID Connect Core 1.0 section 5.3): the claims about the user that this client may see."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from msgspec import Struct, json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from events.client_security import Security
from service.endpoints import protected
from service.endpoints.protected import PresentedToken
from service.endpoints.resource_metadata import USERINFO
from service.endpoints.responses import as_problem, refusal
from service.http.asgi import Head, answer, answer_at_once, headers_named, read_body, resources_of
from service.http.methods import action_of
from service.oauth.errors import Refusal
from service.oauth.form import FORM, is_form, parse
from service.oauth.tokens import BadToken, VerifiedClaims, sign_id_token
from service.people.authorized_users import AuthorizedUser
from service.problems import Forbidden, Invalid, Unauthenticated
from service.request_id import this_request
from service.resources import Resources
from service.values.claim_scopes import of_scopes
from service.values.scopes import OPENID

NO_STORE = {"Cache-Control": "no-store"}


class _Told(Struct, frozen=True):
    body: bytes
    head: Head


AS_JSON, AS_JWT = (Head({**NO_STORE, "Content-Type": media}) for media in ("application/json", "application/jwt"))


class UserInfo:
    """The endpoint as an ASGI application, which responds to every fault itself."""

    def __init__(self) -> None:
        self.actions = {"GET": _told, "POST": _told}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        resources, request = resources_of(scope), Request(scope, receive)
        try:
            told = await action_of(self.actions, request.method)(request, resources)
        except Exception as fault:  # noqa: BLE001 - after any fault the stranger gets a response, and the log gets the fault
            await _refused(fault, request, resources)(scope, receive, send)
        else:
            nonce = protected.next_nonce(scope, resources)
            if nonce:
                await answer(send, HTTPStatus.OK, {**told.head.headers, **nonce}, told.body)
            else:
                await answer_at_once(scope, send, HTTPStatus.OK, told.head, told.body)


def _refused(fault: Exception, request: Request, resources: Resources) -> Response:
    request_id, issuer = this_request(), resources.settings.issuer
    if isinstance(fault, Unauthenticated):
        fault.headers.update(protected.challenge(fault, issuer, USERINFO))
    if isinstance(fault, Forbidden):
        fault.headers.update(protected.insufficient(fault, request, issuer, USERINFO))
    refused = refusal(as_problem(fault, request_id, resources.outages), request_id)
    refused.headers.update(NO_STORE)
    return refused


async def _told(request: Request, resources: Resources) -> _Told:
    presented = await _presented(request)
    claims = _verified(resources, presented)
    if claims.authorization is None:
        raise _no_good()
    granted_by = await resources.authorizations.user(claims.authorization)
    seen = await resources.lookup.standing(claims)
    if seen is None:
        raise _no_good()
    await protected.prove(request, resources, presented, claims, seen)
    scopes = claims.scopes
    if OPENID not in scopes:
        raise Forbidden(f"This requires a token with the scope {OPENID}.", scope=OPENID)
    about = None if granted_by is None else resources.people.claims_of(granted_by.user, _wanted(scopes, granted_by))
    if about is None:
        raise _no_good()
    return _as_asked(resources, claims, seen.client.security, {"sub": claims.sub, **about})


def _wanted(scopes: frozenset[str], granted_by: AuthorizedUser) -> Sequence[str]:
    return (*of_scopes(scopes), *granted_by.granted.userinfo_claims)


def _as_asked(resources: Resources, claims: VerifiedClaims, security: Security, told: dict[str, Any]) -> _Told:
    alg = security.userinfo_signed_response_alg
    if alg is None:
        return _Told(json.encode(told), AS_JSON)
    signed = {"iss": resources.settings.issuer, "aud": claims.client_id, **told}
    return _Told((sign_id_token(resources.signer(alg), signed)).encode(), AS_JWT)


def _verified(resources: Resources, presented: PresentedToken) -> VerifiedClaims:
    """Return the claims of a token for this server. Whether it still stands is not known yet. Raises Unauthenticated."""
    try:
        claims = resources.tokens.verify(presented.token, for_us=False)
    except BadToken as fault:
        raise Unauthenticated(str(fault), error="invalid_token", scheme=presented.scheme) from fault
    # A token for another resource (RFC 8707) is known to that resource, which must not learn who the user is.
    if {resources.settings.audience, resources.settings.issuer}.isdisjoint(claims.audiences):
        raise Unauthenticated("The token is for another resource, not for this server.", error="invalid_token")
    return claims


async def _presented(request: Request) -> PresentedToken:
    """Return the token in the header or in a form (RFC 6750 sections 2.1 and 2.2). Raises Unauthenticated, and Invalid if it is in both."""
    given, posted = headers_named(request.scope, b"authorization"), await _posted(request)
    if len(given) > 1 or (given and posted):
        raise Invalid("The access token was sent more than once. Send it in one Authorization header, or in the body.")
    presented = protected.read(given[0] if given else f"Bearer {posted or ''}")
    if presented is None:
        raise Unauthenticated("Send one access token: Authorization: Bearer ..., or access_token in a form.")
    return presented


async def _posted(request: Request) -> str | None:
    if request.method != "POST" or not is_form(request.headers.get("content-type", "")):
        return None
    try:
        return parse(FORM, await read_body(request.scope, request.receive)).get("access_token")
    except Refusal as fault:
        raise Invalid(fault.description) from fault


def _no_good() -> Unauthenticated:
    return Unauthenticated(
        "The token was revoked, its client was disabled or deleted, or it does not belong to a user.",
        error="invalid_token",
    )
