"""POST /openid/token: load, let Authlib decide, record, and only then sign and answer."""

from datetime import datetime

from msgspec import Struct, json

from events.issuance import Issue, TokenIssued
from service.credentials import new_id
from service.endpoints.oauth import Asked, certainly, count_failure, look_up, presented_or_none
from service.endpoints.redeem import exchange_refresh_token, redeem_code
from service.lookup import Seen
from service.oauth.authentication import Presented
from service.oauth.errors import InvalidClient, InvalidTarget, Refusal
from service.oauth.parameters import NO_RESOURCE, is_resource
from service.oauth.server import Facts, Grant, decide, utc_now
from service.oauth.signing import Signer
from service.oauth.tokens import Claims, sign


class TokenResponse(Struct, frozen=True, kw_only=True):
    """RFC 6749 section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int
    scope: str


async def issue_token(asked: Asked) -> bytes:
    """By grant type (RFC 6749 sections 4.1.3, 6 and 4.4.2). Raises a Refusal."""
    match asked.form.get("grant_type"):
        case "authorization_code":
            return await redeem_code(asked)
        case "refresh_token":
            return await exchange_refresh_token(asked)
        case _:
            return await _issue_to_a_machine(asked)


async def _issue_to_a_machine(asked: Asked) -> bytes:
    given = presented_or_none(asked)
    seen = await look_up(asked, given)
    while True:
        claims, signer, grant, seen = await _decided(asked, given, seen)
        told = TokenIssued(sub=claims.sub, scope=claims.scope, kid=signer.kid, exp=claims.exp, address=asked.address)
        issued = await asked.resources.issuance.record(
            Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=told)
        )
        if issued.head <= seen.position:
            break
        # Something happened between the position this was decided from and its commit: it may have happened to this client.
        await asked.resources.lookup.reach(issued.head)
        before, seen = seen, await look_up(asked, given)
        if _same(before, seen):
            break
    return json.encode(
        TokenResponse(access_token=await sign(signer, claims), expires_in=claims.exp - claims.iat, scope=claims.scope)
    )


async def _decided(asked: Asked, given: Presented | None, seen: Seen | None) -> tuple[Claims, Signer, Grant, Seen]:
    """What the token will say, the key that will sign it, why it may be issued, and what that was decided from."""
    settings = asked.resources.settings
    grant, seen, now = await _granted(asked, given, seen)
    signer = asked.resources.access_token_signer(seen.client)
    issued_at = int(now.timestamp())
    claims = Claims(
        iss=settings.issuer,
        sub=grant.sub,
        aud=_audience(asked),
        client_id=grant.client_id,
        scope=grant.scope,
        iat=issued_at,
        exp=issued_at + settings.token_lifetime,
        jti=new_id(),
    )
    return claims, signer, grant, seen


def _audience(asked: Asked) -> str:
    """The resource that the token is for (RFC 8707 section 2.2), where the client names one. Raises Refused."""
    resource = asked.form.get("resource")
    if resource is None:
        return asked.resources.settings.audience
    if not is_resource(resource, asked.resources.settings.insecure_http_hosts):
        raise InvalidTarget(NO_RESOURCE)
    return resource


async def _granted(asked: Asked, given: Presented | None, seen: Seen | None) -> tuple[Grant, Seen, datetime]:
    """Authlib's decision. What it refuses from cached facts is decided once more from certain ones."""
    try:
        return _decide(asked, given, seen)
    except Refusal:
        certain = await certainly(asked, given)
        try:
            return _decide(asked, given, certain)
        except InvalidClient:
            await count_failure(asked, given, certain)
            raise


def _decide(asked: Asked, given: Presented | None, seen: Seen | None) -> tuple[Grant, Seen, datetime]:
    now = utc_now()
    grant = decide(Facts(issuer=asked.resources.settings.issuer, given=given, found=seen, now=now), asked.form)
    assert seen is not None
    return grant, seen, now


def _same(before: Seen | None, after: Seen | None) -> bool:
    return (
        before is not None
        and after is not None
        and (before.client, before.bot_state) == (after.client, after.bot_state)
    )
