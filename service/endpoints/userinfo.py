"""GET/POST /openid/userinfo (OpenID Connect Core 1.0 section 5.3): the claims about the user that this client may see."""

from msgspec import Struct, json
from starlette.requests import Request
from starlette.responses import Response

from events.authorization import Authorized
from events.client_security import Security
from events.database import Unavailable
from service.commands.handle import AUTHORIZATION, state_of
from service.endpoints import protected
from service.endpoints.protected import PresentedToken
from service.endpoints.resource_metadata import USERINFO
from service.endpoints.responses import as_problem, refusal
from service.http.asgi import BodyCutShort, BodyTooLong, read_body, resources_of
from service.oauth.errors import Refusal
from service.oauth.form import FORM, is_form, parse
from service.oauth.tokens import BadToken, VerifiedClaims, sign_id_token
from service.problems import Forbidden, Invalid, Problem, Unauthenticated
from service.request_id import this_request
from service.resources import Resources
from service.values.claim_scopes import of_scopes
from service.values.scopes import OPENID

HEADERS = {"Cache-Control": "no-store"}


class _Told(Struct, frozen=True):
    body: bytes
    media: str


async def userinfo(request: Request) -> Response:
    request_id = this_request()
    try:
        told = await _told(request)
        headers = {**HEADERS, **protected.next_nonce(request.scope, resources_of(request.scope))}
        return Response(told.body, headers=headers, media_type=told.media)
    except (Problem, Unavailable, BodyTooLong, BodyCutShort) as fault:
        issuer = resources_of(request.scope).settings.issuer
        if isinstance(fault, Unauthenticated):
            fault.headers.update(protected.challenge(fault, issuer, USERINFO))
        if isinstance(fault, Forbidden):
            fault.headers.update(protected.insufficient(fault, request, issuer, USERINFO))
        refused = refusal(as_problem(fault, request_id, resources_of(request.scope).outages), request_id)
        refused.headers.update(HEADERS)
        return refused


async def _told(request: Request) -> _Told:
    resources = resources_of(request.scope)
    claims, security = await _token(request, resources)
    if OPENID not in claims.scopes:
        raise Forbidden(f"This requires a token with the scope {OPENID}.", scope=OPENID)
    assert claims.authorization is not None
    state = await state_of(resources.ledger, AUTHORIZATION, claims.authorization)
    if not isinstance(state, Authorized):
        raise _no_good()
    wanted = (*of_scopes(claims.scopes), *state.granted.userinfo_claims)
    about = await resources.people.claims(state.granted.user, wanted)
    if about is None:
        raise _no_good()
    told = {"sub": claims.sub, **about}
    alg = security.userinfo_signed_response_alg
    if alg is None:
        return _Told(json.encode(told), "application/json")
    signed = {"iss": resources.settings.issuer, "aud": claims.client_id, **told}
    return _Told((await sign_id_token(resources.signer(alg), signed)).encode(), "application/jwt")


async def _token(request: Request, resources: Resources) -> tuple[VerifiedClaims, Security]:
    """Return the claims of the token, and the settings of its client. A user's authorization must have issued it, and must still stand."""
    presented = await _presented(request)
    try:
        claims = resources.tokens.verify(presented.token, for_us=False)
    except BadToken as fault:
        raise Unauthenticated(str(fault), error="invalid_token", scheme=presented.scheme) from fault
    # A token for another resource (RFC 8707) is known to that resource, which must not learn who the user is.
    if {resources.settings.audience, resources.settings.issuer}.isdisjoint(claims.audiences):
        raise Unauthenticated("The token is for another resource, not for this server.", error="invalid_token")
    await resources.lookup.be_certain()
    seen = await resources.lookup.standing(claims)
    if seen is None or claims.authorization is None:
        raise _no_good()
    await protected.prove(request, resources, presented, claims, seen)
    return claims, seen.client.security


async def _presented(request: Request) -> PresentedToken:
    """Return the token in the header or in a form (RFC 6750 sections 2.1 and 2.2). Raises Unauthenticated, and Invalid if it is in both."""
    given, posted = request.headers.getlist("authorization"), await _posted(request)
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
