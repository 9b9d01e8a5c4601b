"""grant_type=client_credentials (RFC 6749 section 4.4): load the client, let Authlib decide, record the token, sign it meanwhile, then respond."""

from datetime import datetime

from msgspec import UNSET, json

from events.issuance import Issue, Issued, TokenIssued
from projections.clients import Found
from service.clock import utc_now
from service.crypto.credentials import new_id
from service.grants import possession
from service.grants.client_authentication import (
    PresentedCredentials,
    authenticated,
    count_failure,
    credentials_or_none,
    look_up,
    look_up_certain,
)
from service.grants.oauth_request import OAuthRequest, TokenResponse
from service.grants.repetition import Repetition, proof_until
from service.lookup import Seen
from service.oauth.authlib_grants import AuthenticatedClient
from service.oauth.authlib_server import Facts, TokenGrant, decide
from service.oauth.errors import InvalidClient, Refusal
from service.oauth.machine_token import MachineToken
from service.oauth.targets import Target, aimed, named, names_one
from service.oauth.tokens import Claims, sign
from service.resources import Resources
from service.tracing.spans import span

GRANT_TYPE = "client_credentials"


async def issue(request: OAuthRequest) -> bytes:
    """Return the JSON body of the token response (RFC 6749 section 5.1). Raises a Refusal."""
    resources, changes = request.resources, request.resources.lookup.changes
    presented = credentials_or_none(request)
    seen = await look_up(request, presented)
    jkt: str | None = None
    while True:
        apis = resources.lookup.apis
        decided, seen, target = await _decided(request, presented, seen)
        token, until = decided, proof_until(seen.client, decided.grant.secret)
        if is_bound := possession.concerns(request, seen.client, target):
            jkt = jkt or await possession.key_proved(request, seen)
            cnf = possession.confirmed(request, seen.client, target, jkt)
            token = decided.__replace__(claims=decided.claims.__replace__(cnf=cnf))
        issued, response = await _recorded(resources, token, request.address)
        if issued.head <= seen.position:
            break
        # Other events were committed between the position of the decision and the commit. They may concern this client.
        await resources.lookup.reach(issued.head)
        before, seen = seen, await look_up(request, presented)
        if _same(before, seen) and resources.lookup.apis is apis:
            break
    if request.digest is not None and until is not None and not is_bound:
        resources.machine_tokens.keep(request.digest, decided, changes=changes, until=until)
    return response


async def issue_again(again: Repetition) -> bytes | None:
    """Return the response with another token to a request that got one, or None if something happened since that may concern it."""
    resources, lookup = again.resources, again.resources.lookup
    decided, apis = resources.machine_tokens.find(again.digest), lookup.apis
    seen = None if decided is None else lookup.remembered(decided.claims.client_id)
    if decided is None or seen is None:
        return None
    token = decided.another(utc_now())
    issued, response = await _recorded(resources, token, again.address)
    if issued.head > seen.position:  # as above
        await lookup.reach(issued.head)
        if not _same(seen, await lookup.named(token.claims.client_id)) or lookup.apis is not apis:
            return None
    return response


async def _recorded(resources: Resources, token: MachineToken, address: str) -> tuple[Issued, bytes]:
    """Return the record and the response: it is signed while the record is made, and must be sent only after that."""
    with span("append"):
        return await resources.issuance.record_while(_record_of(token, address), lambda: _response(token))


def _response(token: MachineToken) -> bytes:
    claims = token.claims
    return json.encode(
        TokenResponse(
            access_token=sign(token.signer, claims),
            token_type=claims.token_type,
            expires_in=claims.exp - claims.iat,
            scope=claims.scope,
        )
    )


def _record_of(token: MachineToken, address: str) -> Issue:
    claims, grant = token.claims, token.grant
    said = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=token.signer.kid,
        exp=claims.exp,
        address=address,
        audience=token.recorded_audience,
        cnf=claims.cnf or None,
        client_key=grant.client_key,
    )
    return Issue(client=grant.client, secret=grant.secret, jti=claims.jti, token=said)


async def _decided(
    request: OAuthRequest, presented: PresentedCredentials | None, seen: Seen | None
) -> tuple[MachineToken, Seen, Target | None]:
    """Return the token, the client state from which Authlib decided, and what the token is for. Raises a Refusal."""
    settings = request.resources.settings
    try:
        grant, seen, target, now = _decide(request, presented, seen)
    except Refusal:
        grant, seen, target, now = await _decided_for_certain(request, presented)
    issued_at = int(now.timestamp())
    lifetime = settings.token_lifetime if target is None else target.lifetime(settings.token_lifetime)
    claims = Claims(
        iss=settings.issuer,
        sub=grant.sub,
        aud=settings.audience if target is None else target.audience,
        client_id=grant.client_id,
        scope=grant.scope,
        iat=issued_at,
        exp=issued_at + lifetime,
        jti=new_id(),
        restored=seen.client.restored or UNSET,
    )
    signer = request.resources.access_token_signer(seen.client, target)
    audience = request.recorded_audience(claims.aud)
    return MachineToken(claims=claims, signer=signer, grant=grant, recorded_audience=audience), seen, target


def _target(request: OAuthRequest, client: AuthenticatedClient | None) -> Target | None:
    """Return what the token is for, if the request names it (RFC 8707 section 2.2). Raises InvalidTarget."""
    if not names_one(request.form) or client is None or client.row.grant_type != request.form.get("grant_type"):
        return None
    known = request.resources.known
    asked = named(request.form, client.row, known)
    return aimed(asked, client.row, known, person=False) if asked else None


async def _decided_for_certain(
    request: OAuthRequest, presented: PresentedCredentials | None
) -> tuple[TokenGrant, Seen, Target | None, datetime]:
    """Return Authlib's decision from the current client, after it refused from the cached one. Raises a Refusal."""
    certain = await look_up_certain(request, presented)
    try:
        return _decide(request, presented, certain)
    except InvalidClient:
        await count_failure(request, presented, certain)
        raise


def _decide(
    request: OAuthRequest, presented: PresentedCredentials | None, seen: Seen | None
) -> tuple[TokenGrant, Seen, Target | None, datetime]:
    now = utc_now()
    with span("decide"):
        client = authenticated(presented, seen, now)
        target = _target(request, client)
        facts = Facts(issuer=request.resources.settings.issuer, client=client, target=target)
        grant = decide(facts, request.form)
    assert seen is not None
    return grant, seen, target, now


def _same(before: Found | None, after: Found | None) -> bool:
    return (
        before is not None
        and after is not None
        and (before.client, before.bot_state) == (after.client, after.bot_state)
    )
