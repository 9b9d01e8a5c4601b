"""grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523) with an identity assertion: a trusted issuer asserts a user to a client
(draft-ietf-oauth-identity-assertion-authz-grant, MCP enterprise-managed authorization).
"""

from msgspec import UNSET, json

from events.envelope import ByService
from events.issuance import TokenIssued
from projections import users
from service.clock import utc_now
from service.configuration.upstream import STANDARD
from service.crypto.credentials import new_id
from service.grants import possession
from service.grants.delegated_tokens import authorize, client_of, record
from service.grants.oauth_request import OAuthRequest, TokenResponse, required
from service.grants.refusal_events import record_refusal
from service.grants.used_jti import use_up_foreign
from service.lookup import Seen
from service.oauth import identity_assertions
from service.oauth.authlib_server import TokenGrant, decide
from service.oauth.errors import InvalidGrant, Refusal
from service.oauth.foreign_tokens import ForeignClaims, NotAccepted
from service.oauth.identity_assertions import GRANT_TYPE, Assertion
from service.oauth.targets import Target, aimed
from service.oauth.tokens import Claims, sign
from service.people import upstream_claims
from service.people.accounts import NameTaken, Profile
from service.request_id import envelope
from service.tracing.spans import span
from service.values.profile import changed
from service.values.scopes import split

UNKNOWN = "The user of the assertion is unknown here or not active. They must sign in once, or an operator must let the issuer bring users."
REPLAYED = "The assertion was used before. Get a new one, with a new jti, for each request."


async def redeem(request: OAuthRequest) -> bytes:
    """Return the JSON body of the token response. There is no refresh token: the next assertion is one. Raises a Refusal."""
    facts, seen = await client_of(request, GRANT_TYPE)
    try:
        assertion = await _assertion(request, seen)
        with span("decide"):
            grant = decide(facts.__replace__(assertion=assertion), request.form)
        await _use_once(request, assertion.claims)
    except Refusal as refused:
        why = f"an identity assertion: {refused.description}"
        await record_refusal(request.resources, seen.client.client_id, seen, why, request.address)
        raise
    return json.encode(await _token(request, seen, grant, assertion))


async def _assertion(request: OAuthRequest, seen: Seen) -> Assertion:
    """Raises InvalidRequest, InvalidGrant, InvalidTarget."""
    try:
        claims = await request.resources.foreign.verify(required(request.form, "assertion"), "id_jag")
    except NotAccepted as fault:
        raise InvalidGrant(f"The assertion is not valid: {fault}.") from fault
    identity_assertions.check_client(claims, seen.client.client_id)
    scopes, target = identity_assertions.scopes_of(claims), _target(request, seen, claims)
    user = await _user(request, claims)
    if user is None or user.state != "active":
        raise InvalidGrant(UNKNOWN)
    return Assertion(user=user.stream_id, scopes=scopes, target=target, claims=claims)


def _target(request: OAuthRequest, seen: Seen, claims: ForeignClaims) -> Target:
    """Return what the token is for (RFC 8707). Raises InvalidGrant, InvalidTarget."""
    known = request.resources.known
    asked = identity_assertions.resources_of(claims, split(request.form.get("resource")), known)
    return aimed(asked, seen.client, known, person=True)


async def _user(request: OAuthRequest, claims: ForeignClaims) -> users.Row | None:
    """Return the user who is known under this issuer and subject. An unknown one is registered if an operator trusts the issuer with that."""
    people = request.resources.people
    row = await people.find_upstream(claims.issuer, claims.subject)
    trusted = await request.resources.lookup.trusted_issuer(claims.issuer)
    if row is not None or trusted is None or not trusted.trust.provisions:
        return row
    said = upstream_claims.told(claims.claims, STANDARD)
    profile, name = changed(Profile(email=said.email), said.changes), (claims.issuer, claims.subject)
    meta = envelope(ByService(why="first identity assertion of a trusted issuer"))
    try:
        return await people.row(
            await people.register(profile, None, meta, verified=said.email is not None, upstream=name)
        )
    except NameTaken:  # of another user, or of this one by another request at the same moment
        return await people.find_upstream(*name)


async def _use_once(request: OAuthRequest, claims: ForeignClaims) -> None:
    """Raises InvalidGrant."""
    if not await use_up_foreign(request.resources.limits, "assertion", claims):
        raise InvalidGrant(REPLAYED)


async def _token(request: OAuthRequest, seen: Seen, grant: TokenGrant, assertion: Assertion) -> TokenResponse:
    settings, target, scopes = request.resources.settings, assertion.target, tuple(grant.scope.split())
    bound = possession.BoundKey(what="assertion", jkt=assertion.claims.jkt) if assertion.claims.jkt else None
    is_bound = bound is not None or possession.concerns(request, seen.client, target)
    cnf = await possession.proved(request, seen, bound, target) if is_bound else UNSET
    resource, jti = request.recorded_audience(target.audience), new_id()
    authorization = await authorize(
        request, seen, assertion.user, assertion.claims, scopes=scopes, resource=resource, jti=jti
    )
    signer, issued_at = request.resources.access_token_signer(seen.client, target), int(utc_now().timestamp())
    claims = Claims(
        iss=settings.issuer,
        sub=grant.sub,
        aud=target.audience,
        client_id=grant.client_id,
        scope=grant.scope,
        iat=issued_at,
        exp=issued_at + target.lifetime(settings.token_lifetime),
        jti=jti,
        grant_id=authorization,
        restored=seen.client.restored or UNSET,
        cnf=cnf,
        asserted_by=assertion.claims.issuer_id,
    )
    token = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=signer.kid,
        exp=claims.exp,
        authorization=authorization,
        audience=resource,
        cnf=claims.cnf or None,
        client_key=grant.client_key,
    )
    await record(request, grant, claims, token)
    return TokenResponse(
        access_token=sign(signer, claims),
        token_type=claims.token_type,
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
    )
