"""Who makes a request to the management API: the person whom the console names, or the client or user whose token it is."""

from hashlib import sha256

from msgspec import UNSET, Struct
from starlette.requests import Request
from starlette.types import Scope

from service.callers import Caller, caller_of
from service.configuration.settings import LEEWAY_SECONDS
from service.endpoints import protected
from service.endpoints.protected import PresentedToken
from service.http.asgi import headers_named
from service.http.last_head import once_a_head
from service.oauth.tokens import BadToken
from service.problems import Unauthenticated
from service.resources import Resources
from service.tracing.spans import span

CALLER = "muniment.caller"
"""The key of an ASGI scope whose caller the console has authenticated. No request from outside has it."""


async def authenticate(request: Request, resources: Resources) -> Caller:
    """Return the caller that the console names, or that the token authenticates (RFC 6750, RFC 9449). Raises Unauthenticated.

    The caller of a bearer token stays the same until anything happens that the lookup caches.
    """
    if isinstance(signed_in := request.scope.get(CALLER), Caller):
        return signed_in
    sent = once_a_head(request.scope, _authorization)
    if not sent.count:
        raise Unauthenticated("Send an access token: Authorization: Bearer ...")
    if sent.presented is None:
        raise Unauthenticated(
            "Send one Authorization header of the form: Bearer, a space, and an access token.", error="invalid_request"
        )
    if sent.digest in resources.callers:
        if not resources.lookup.is_current():
            with span("load"):
                await resources.lookup.be_certain()
        if (caller := resources.callers.find(sent.digest)) is not None:
            return caller
    return await _authenticated(request, resources, sent.presented, sent.digest)


async def _authenticated(request: Request, resources: Resources, presented: PresentedToken, digest: bytes) -> Caller:
    changes = resources.lookup.changes
    try:
        claims = resources.tokens.verify(presented.token)
    except BadToken as fault:
        raise Unauthenticated(str(fault), error="invalid_token", scheme=presented.scheme) from fault
    with span("load"):
        seen = await resources.lookup.standing(claims)
    if seen is None:
        detail = "The token was revoked, or its client was disabled or deleted."
        raise Unauthenticated(detail, error="invalid_token", scheme=presented.scheme)
    await protected.prove(request, resources, presented, claims, seen)
    caller = caller_of(claims, seen.client)
    if claims.cnf is UNSET:  # otherwise each request needs a proof
        until = min(claims.exp + LEEWAY_SECONDS, resources.ring.until())
        resources.callers.keep(digest, caller, changes=changes, until=until)
    return caller


class _Authorization(Struct, frozen=True):
    """How many Authorization headers there are, and of the only one the token, and the digest of all that it says."""

    count: int
    presented: PresentedToken | None
    digest: bytes


def _authorization(scope: Scope) -> _Authorization:
    given = headers_named(scope, b"authorization")
    presented = protected.read(given[0]) if len(given) == 1 else None
    said = b"" if presented is None else f"{presented.scheme} {presented.token}".encode()
    return _Authorization(len(given), presented, sha256(said).digest())
