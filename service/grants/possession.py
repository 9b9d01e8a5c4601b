"""Possession of the key to which tokens are bound (RFC 9449 section 5): the DPoP proof of a request to an OAuth endpoint, used once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hmac import compare_digest

from msgspec import UNSET, Struct, UnsetType

from events.authorization import Authorized
from events.issuance import Confirmation
from projections.clients import Found, Row
from service.clock import utc_now
from service.grants.oauth_request import OAuthRequest
from service.grants.refusal_events import record_refusal
from service.oauth import dpop
from service.oauth.dpop import Proof, ProvedRequest
from service.oauth.errors import InvalidProof, InvalidRequest, OtherKey
from service.oauth.targets import Target
from service.resources import Resources

ISSUING, PUSHING = "/openid/token", "/openid/par"
MISSING = "Send a DPoP proof in the header DPoP (RFC 9449 section 4): every token of this client is bound to a key."
MISSING_FOR_API = (
    "Send a DPoP proof in the header DPoP (RFC 9449 section 4): this API takes no token that is not bound to a key."
)
MISSING_CERTIFICATE = "This API takes no token that is not bound to a certificate of the client (RFC 8705 section 3). Connect with a client certificate."
MISSING_FOR_KEY = "Send a DPoP proof by the key to which this {what} is bound (RFC 9449 section 5)."
MISSING_OWN_CERTIFICATE = "Connect with a client certificate (RFC 8705 section 3): every token of this client is bound to the certificate of its TLS connection."
OTHER_THUMBPRINT = (
    "The dpop_jkt is not the thumbprint of the key of the DPoP proof. Send one of the two, or make them the same."
)
REPLAYED = "The DPoP proof was used before. Send a new one, with a new jti, with each request."


class BoundKey(Struct, frozen=True):
    """The key to which a code or a refresh token is bound: `what` says which of the two, `jkt` is its thumbprint."""

    what: str
    jkt: str


def bound_key(authorized: Authorized, grant_type: str) -> BoundKey | None:
    """A code is bound by dpop_jkt (RFC 9449 section 10), a refresh token of a public client by the proof at its issue (section 5)."""
    code, refresh = authorized.code, authorized.refresh
    if grant_type == "authorization_code":
        return BoundKey("authorization code", code.dpop_jkt) if code and code.dpop_jkt else None
    return BoundKey("refresh token", refresh.jkt) if refresh and refresh.jkt else None


def concerns(request: OAuthRequest, client: Row, target: Target | None = None) -> bool:
    """Whether the request has a proof, or needs one. A request that does not costs nothing more."""
    is_bound = client.security.tls_client_certificate_bound_access_tokens
    return bool(request.proofs) or is_bound or _missing(client, target) is not None or _needs_certificate(target)


def _needs_certificate(target: Target | None) -> bool:
    return target is not None and target.mtls_required


def _missing(client: Row, target: Target | None) -> str | None:
    """Return what to say of a request without a proof, if the client or an API that its token is for needs one."""
    if client.security.dpop_bound_access_tokens:
        return MISSING
    return MISSING_FOR_API if target is not None and target.dpop_required else None


async def proved(
    request: OAuthRequest, seen: Found, bound: BoundKey | None = None, target: Target | None = None
) -> Confirmation | UnsetType:
    """Return what the tokens of this response are bound to. The proof must be by the key of `bound`, if there is one.

    Raises InvalidRequest if a proof or a certificate is needed and missing, OtherKey if it is by another key, InvalidProof or NonceNeeded.
    """
    return confirmed(request, seen.client, target, await key_proved(request, seen, bound))


async def key_proved(request: OAuthRequest, seen: Found, bound: BoundKey | None = None) -> str | None:
    """Return the thumbprint of the key of the request's proof, which is used up; None without one. Raises as `proved` does."""
    if not request.proofs:
        if bound is not None:
            raise _no_proof(request.resources, MISSING_FOR_KEY.format(what=bound.what))
        return None
    proof = await _used_once(request, seen, ISSUING)
    if bound is not None and not compare_digest(proof.jkt, bound.jkt):
        raise OtherKey(bound.what)
    return proof.jkt


def confirmed(request: OAuthRequest, client: Row, target: Target | None, jkt: str | None) -> Confirmation | UnsetType:
    """Return what tokens are bound to by what the client and the APIs need now. `jkt` is of the key that was proved.

    Raises InvalidRequest if a proof or a certificate is needed and missing.
    """
    if jkt is None and (missing := _missing(client, target)):
        raise _no_proof(request.resources, missing)
    thumbprint = _of_certificate(request, client, target)
    return Confirmation(jkt=jkt or UNSET, x5t_s256=thumbprint) if jkt or thumbprint else UNSET


def _no_proof(resources: Resources, why: str) -> InvalidRequest:
    """Return the refusal, with the nonce of the proof to send, where one is required (RFC 9449 section 8)."""
    refused = InvalidRequest(why)
    if resources.nonces.required:
        refused.headers = {"DPoP-Nonce": resources.nonces.current(utc_now().timestamp())}
    return refused


def _of_certificate(request: OAuthRequest, client: Row, target: Target | None) -> str | UnsetType:
    """Return the certificate to which the token is bound (RFC 8705 section 3), if the client or the API wants that. Raises InvalidRequest."""
    is_bound = client.security.tls_client_certificate_bound_access_tokens
    if not is_bound and not _needs_certificate(target):
        return UNSET
    certificate = request.certificate
    if certificate is None:
        raise InvalidRequest(MISSING_OWN_CERTIFICATE if is_bound else MISSING_CERTIFICATE)
    return certificate.thumbprint


async def key_of_code(request: OAuthRequest, found: Found, dpop_jkt: str | None) -> str | None:
    """Return the key to which the code of a pushed request is bound: that of its proof, or of dpop_jkt, which must not be another one
    (RFC 9449 section 10.1). Raises InvalidProof or NonceNeeded.
    """
    if not request.proofs:
        return dpop_jkt
    proof = await _used_once(request, found, PUSHING)
    if dpop_jkt is not None and not compare_digest(proof.jkt, dpop_jkt):
        raise InvalidProof(OTHER_THUMBPRINT)
    return proof.jkt


async def _used_once(request: OAuthRequest, found: Found, path: str) -> Proof:
    try:
        proved_request = ProvedRequest(method="POST", url=f"{request.resources.settings.issuer}{path}")
        return await use(request.resources, request.proofs, proved_request)
    except InvalidProof as refused:
        await record_refusal(request.resources, found.client.client_id, found, refused.description, request.address)
        raise


async def use(resources: Resources, headers: Sequence[str], request: ProvedRequest) -> Proof:
    """Return the valid proof, which was never used before, on any process. Raises InvalidProof or NonceNeeded."""
    now = utc_now().timestamp()
    proof = dpop.read(dpop.one(headers), request, now)
    resources.nonces.check(proof, now)
    # Its iat refuses it a minute later. The second minute is for processes whose clocks differ.
    until = datetime.fromtimestamp(proof.iat + 2 * dpop.SECONDS, UTC)
    if not await resources.limits.once(proof.used_as, until):
        raise InvalidProof(REPLAYED)
    return proof
