"""Issue a token that acts for somebody: record it, check that all it relies on still stands, then sign it."""

from datetime import UTC, datetime
from uuid import UUID

from msgspec import UNSET

from events.authorization import NO_SESSION, Assertion, AuthorizationGranted
from events.issuance import Issue, TokenIssued
from service.clock import LATEST, utc_now
from service.commands.authorization import AuthorizeByAssertion
from service.commands.handle import AUTHORIZATION, handle
from service.crypto.credentials import new_id
from service.grants.client_authentication import authenticated, count_failure, credentials_or_none, look_up_certain
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import meta_of
from service.lookup import Seen
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import InvalidClient, InvalidGrant
from service.oauth.foreign_tokens import ForeignClaims
from service.oauth.tokens import Claims
from service.tracing.spans import span
from service.values.scopes import ACRS

STOPPED = "What the token would rely on was revoked or stopped meanwhile. Begin with a new token of the person."


async def client_of(request: OAuthRequest, grant_type: str) -> tuple[Facts, Seen]:
    """Return the client that authenticated and may use this grant. A failure is counted and recorded. Raises a Refusal."""
    presented = credentials_or_none(request)
    seen = await look_up_certain(request, presented)
    facts = Facts(issuer=request.resources.settings.issuer, client=authenticated(presented, seen, utc_now()))
    if facts.client is None or seen is None or not facts.client.check_grant_type(grant_type):
        try:
            decide(facts, request.form)
        except InvalidClient:
            await count_failure(request, presented, seen)
            raise
    assert seen is not None
    return facts, seen


async def authorize(
    request: OAuthRequest,
    seen: Seen,
    user: UUID,
    claims: ForeignClaims,
    *,
    scopes: tuple[str, ...],
    resource: str | None,
    jti: UUID,
) -> UUID:
    """Record that the user is authorized by a trusted issuer's token, as users authorize here. What stops the user stops it.

    `jti` is that of the token which will be issued.
    """
    stream = new_id()
    granted = AuthorizationGranted(
        client=seen.client.stream_id,
        user=user,
        session=NO_SESSION,
        scopes=scopes,
        resource=resource,
        nonce=None,
        auth_time=_authenticated_at(claims),
        acr=ACRS[0],
        amr=(),
        bound_by=(),
        restored=seen.client.restored or UNSET,
        assertion=Assertion(issuer_id=claims.issuer_id, issuer=claims.issuer, jti=claims.jti, at=utc_now(), token=jti),
    )
    meta = meta_of(seen.client.client_id, str(user))
    await handle(
        request.resources.ledger, AUTHORIZATION, stream, AuthorizeByAssertion(granted=granted), meta, fresh=True
    )
    return stream


def _authenticated_at(claims: ForeignClaims) -> datetime:
    """Return when the user authenticated, as the issuer says it, but not later than now."""
    given: object = claims.claims.get("auth_time", claims.issued_at)
    now = utc_now()
    if not isinstance(given, int) or isinstance(given, bool) or not 0 < given < LATEST:
        return now
    return min(now, datetime.fromtimestamp(given, UTC))


async def record(request: OAuthRequest, grant: TokenGrant, claims: Claims, token: TokenIssued) -> None:
    """Record the token. Raises InvalidGrant if its client, its authorization or a token that it was made from was stopped meanwhile."""
    with span("append"):
        await request.resources.issuance.record(
            Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=token)
        )
    await request.resources.lookup.be_certain()
    if await request.resources.lookup.standing(claims) is None or not await _user_is_active(request, claims):
        raise InvalidGrant(STOPPED)


async def _user_is_active(request: OAuthRequest, claims: Claims) -> bool:
    """Without a person's authorization, the subject is a bot, whose state its client has."""
    if claims.authorization is None:
        return True
    row = await request.resources.people.row(UUID(claims.sub))
    return row is not None and row.state == "active"
