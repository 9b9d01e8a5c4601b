"""What a protected resource of this server requires of a token (RFC 6750, RFC 9449 section 7), and what it says to a caller without one.

A token that is bound to a key is accepted with a proof by this key alone. A stolen one is good for nothing, and its use is recorded.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Literal, get_args

from msgspec import UNSET, Struct
from starlette.requests import Request
from starlette.types import Scope

from projections.clients import Found
from service.clock import utc_now
from service.endpoints.resource_metadata import metadata_url
from service.grants import possession
from service.grants.refusal_events import record_refusal
from service.http.asgi import address, certificate_headers, headers_named
from service.oauth import certificates, dpop
from service.oauth.certificates import BadCertificate
from service.oauth.dpop import Proof, ProvedRequest
from service.oauth.errors import InvalidProof, NonceNeeded
from service.oauth.target_uri import path_of
from service.oauth.tokens import BEARER, DPOP, VerifiedClaims
from service.problems import Forbidden, Unauthenticated
from service.resources import Resources

BOUND = "This token is bound to a key. Send it as Authorization: DPoP, with a proof by this key in the header DPoP (RFC 9449 section 7)."
OTHER_CERTIFICATE = (
    "This token is bound to a client certificate. Send it over a connection with this certificate (RFC 8705 section 3)."
)
NOT_BOUND = "This token is not bound to a key. Send it as Authorization: Bearer."
BY_ANOTHER_KEY = "The token is bound to another key than that of the DPoP proof. Sign the proof with the same key."

ALGS = f'algs="{" ".join(dpop.ALGORITHMS)}"'
"""What a challenge says of proofs (RFC 9449 section 7.1)."""


Scheme = Literal["Bearer", "DPoP"]
SCHEMES: Mapping[str, Scheme] = {scheme: known for known in get_args(Scheme) for scheme in (known, known.lower())}
"""As a client may write them, to their usual case."""


class PresentedToken(Struct, frozen=True):
    """`scheme` is the one of the Authorization header, in its usual case."""

    scheme: Scheme
    token: str

    def __repr__(self) -> str:
        return "PresentedToken(…)"


def read(authorization: str) -> PresentedToken | None:
    """Return None if the header has another scheme, or no token. The case of a scheme says nothing (RFC 9110 section 11.1)."""
    scheme, _, rest = authorization.partition(" ")
    known, token = SCHEMES.get(scheme) or SCHEMES.get(scheme.lower()), rest.strip()
    return PresentedToken(known, token) if known and token else None


async def prove(
    request: Request, resources: Resources, presented: PresentedToken, claims: VerifiedClaims, found: Found
) -> None:
    """Raises Unauthenticated unless the token is a bearer token, or comes with an unused proof by the key that it is bound to."""
    if claims.cnf is not UNSET:
        await _check_certificate(request, resources, claims, found)
    if claims.jkt is None:
        if presented.scheme == DPOP:
            raise Unauthenticated(NOT_BOUND, error="invalid_token", scheme=DPOP)
        return
    try:
        await _prove(request, resources, presented, claims.jkt)
    except Unauthenticated as refused:
        if refused.nonce is None:
            await record_refusal(resources, claims.client_id, found, refused.detail, address(request.scope))
        raise


async def _check_certificate(request: Request, resources: Resources, claims: VerifiedClaims, found: Found) -> None:
    """Raises Unauthenticated if the token is bound to another certificate than that of the connection (RFC 8705 section 3)."""
    if claims.x5t_s256 is None:
        return
    try:
        given = certificate_headers(request.scope, resources.settings)
        certificate = certificates.one(resources.settings.client_certificate_header, given)
    except BadCertificate:
        certificate = None
    if not certificates.is_bound_to(claims.x5t_s256, certificate):
        await record_refusal(resources, claims.client_id, found, OTHER_CERTIFICATE, address(request.scope))
        raise Unauthenticated(OTHER_CERTIFICATE, error="invalid_token")


async def _prove(request: Request, resources: Resources, presented: PresentedToken, jkt: str) -> None:
    if presented.scheme != DPOP:
        raise Unauthenticated(BOUND, error="invalid_token", scheme=DPOP)
    proof = await _proof(request, resources, presented.token)
    if not compare_digest(proof.jkt, jkt):
        raise Unauthenticated(BY_ANOTHER_KEY, error="invalid_token", scheme=DPOP)


async def _proof(request: Request, resources: Resources, token: str) -> Proof:
    url = f"{resources.settings.issuer}{path_of(request.scope['path'])}"
    proved = ProvedRequest(method=request.method, url=url, token=token)
    try:
        return await possession.use(resources, headers_named(request.scope, b"dpop"), proved)
    except NonceNeeded as refused:
        raise Unauthenticated(refused.description, error=refused.error, scheme=DPOP, nonce=refused.nonce) from refused
    except InvalidProof as refused:
        raise Unauthenticated(refused.description, error=refused.error, scheme=DPOP) from refused


def next_nonce(scope: Scope, resources: Resources) -> dict[str, str]:
    """Where proofs need a nonce, each response to a proof has the next one (RFC 9449 sections 8.2 and 9)."""
    nonces = resources.nonces
    if not nonces.required or not headers_named(scope, b"dpop"):
        return {}
    return {"DPoP-Nonce": nonces.current(utc_now().timestamp())}


def challenge(refused: Unauthenticated, issuer: str, path: str) -> dict[str, str]:
    """Return the headers of the refusal: how to authenticate, and where the resource's metadata is (RFC 9728 section 5.1)."""
    parameters = ['realm="muniment"']
    if refused.error:
        parameters += [f'error="{refused.error}"', f'error_description="{refused.detail}"']
    if refused.scheme == DPOP:
        parameters.append(ALGS)
    parameters.append(f'resource_metadata="{metadata_url(issuer, path)}"')
    known = f"{refused.scheme} {', '.join(parameters)}"
    both = known if refused.error else f"{known}, {DPOP} {ALGS}"
    return {"WWW-Authenticate": both, **({"DPoP-Nonce": refused.nonce} if refused.nonce else {})}


def insufficient(refused: Forbidden, request: Request, issuer: str, path: str) -> dict[str, str]:
    """Return the headers of the refusal of a token that lacks a scope, for the scheme that the caller used (RFC 6750 section 3.1,
    RFC 9449 section 7.1).
    """
    if refused.scope is None:
        return {}
    presented = read(request.headers.get("authorization", ""))
    parameters = ['realm="muniment"', 'error="insufficient_scope"', f'scope="{refused.scope}"']
    scheme = BEARER if presented is None else presented.scheme
    if scheme == DPOP:
        parameters.append(ALGS)
    parameters.append(f'resource_metadata="{metadata_url(issuer, path)}"')
    return {"WWW-Authenticate": f"{scheme} {', '.join(parameters)}"}
