"""POST /openid/introspect (RFC 7662): whether a token is active, by its jti and the current state of its client."""

from collections.abc import Mapping
from hmac import compare_digest
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, json

from events.authorization import Authorized
from events.issuance import Confirmation
from projections.apis import Row as Api
from projections.clients import Row
from service.clock import utc_now
from service.commands.handle import AUTHORIZATION, state_of
from service.configuration.settings import LEEWAY_SECONDS
from service.crypto import opaque_tokens
from service.crypto.opaque_tokens import OpaqueToken
from service.grants.client_authentication import authenticate_confidential_client
from service.grants.oauth_request import OAuthRequest, required
from service.grants.repetition import Repetition, proof_until
from service.oauth.authlib_grants import AuthenticatedClient
from service.oauth.delegation import Act
from service.oauth.tokens import BadToken, Claims, VerifiedClaims
from service.resources import Resources
from service.tracing.spans import span
from service.values.scopes import INTROSPECT, INTROSPECT_ALL

NONE: Mapping[str, Api] = {}
INACTIVE = b'{"active":false}'


class Introspection(Struct, frozen=True, kw_only=True):
    """RFC 7662 section 2.2, RFC 9449 section 6.2."""

    active: bool = True
    token_type: str
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: UUID
    cnf: Confirmation | UnsetType = UNSET
    act: Act | UnsetType = UNSET


async def introspect(request: OAuthRequest) -> bytes:
    """A token that the caller may not see gets the same response as an inactive one. Raises a Refusal."""
    changes = request.resources.lookup.changes
    caller = await authenticate_confidential_client(request)
    token = required(request.form, "token")
    if refresh_token := opaque_tokens.parsed(opaque_tokens.REFRESH_TOKEN, token):
        return await _refresh_token(request, caller.row, refresh_token)
    claims = await _alive(request, caller.row, token)
    if claims is None:
        return INACTIVE
    response, until = _active(claims), _until(request.resources, caller, claims)
    if request.digest is not None and until is not None:
        request.resources.introspections.keep(request.digest, response, changes=changes, until=until)
    return response


async def introspect_again(again: Repetition) -> bytes | None:
    """Return the response to an introspection that was asked before, if the token was active then and nothing happened since."""
    known = again.resources.introspections
    if again.digest not in known:
        return None
    with span("load"):
        await again.resources.lookup.be_certain()
    return known.find(again.digest)


def _until(resources: Resources, caller: AuthenticatedClient, claims: VerifiedClaims) -> float | None:
    """Return how long the token is active for the caller if nothing happens, in seconds since 1970; None if the caller cannot ask again."""
    proof = proof_until(caller.row, caller.secret_id)
    return None if proof is None else min(proof, claims.exp + LEEWAY_SECONDS, resources.ring.until())


def _active(claims: VerifiedClaims) -> bytes:
    return json.encode(
        Introspection(
            token_type=claims.token_type,
            iss=claims.iss,
            sub=claims.sub,
            aud=claims.aud,
            client_id=claims.client_id,
            scope=claims.scope,
            iat=claims.iat,
            exp=claims.exp,
            jti=claims.jti,
            cnf=claims.cnf,
            act=claims.act,
        )
    )


def may_see(caller: Row, claims: Claims, apis: Mapping[str, Api] = NONE) -> bool:
    """Whether the token is the caller's own, is for the caller, or is one that an operator let it introspect (RFC 7662 section 4).

    An operator lets it by a scope of the caller, or by the settings of an API that the token is for.
    """
    return (
        caller.client_id in (claims.client_id, *claims.audiences)
        or INTROSPECT_ALL in caller.scopes
        or any(f"{INTROSPECT}{each}" in caller.scopes for each in claims.audiences)
        or any(each in apis and caller.client_id in apis[each].terms.introspectors for each in claims.audiences)
    )


async def _alive(request: OAuthRequest, caller: Row, token: str) -> VerifiedClaims | None:
    try:
        claims = request.resources.tokens.verify(token, for_us=False)
    except BadToken:
        return None
    if not may_see(caller, claims, request.resources.lookup.apis):
        return None
    seen = await request.resources.lookup.standing(claims)
    return None if seen is None else claims


class RefreshIntrospection(Struct, frozen=True, kw_only=True):
    """The same for a refresh token, which has no jti and no audience but its client."""

    active: bool = True
    iss: str
    sub: str
    client_id: str
    scope: str
    exp: int


async def _refresh_token(request: OAuthRequest, caller: Row, refresh_token: OpaqueToken) -> bytes:
    """Only its own client can introspect a refresh token, whatever scopes the caller has."""
    state = await state_of(request.resources.ledger, AUTHORIZATION, refresh_token.authorization)
    if not isinstance(state, Authorized) or state.granted.client != caller.stream_id:
        return INACTIVE
    if state.refresh is None or state.refresh.expires_at <= utc_now():
        return INACTIVE
    seen = await request.resources.lookup.client(state.granted.client)
    if seen is None or not seen.may_act or seen.client.restored != state.granted.life:
        return INACTIVE
    if not compare_digest(state.refresh.hash, refresh_token.hash):
        return INACTIVE
    return json.encode(
        RefreshIntrospection(
            iss=request.resources.settings.issuer,
            sub=str(state.granted.user),
            client_id=seen.client.client_id,
            scope=" ".join(state.granted.scopes),
            exp=int(state.refresh.expires_at.timestamp()),
        )
    )
