"""grant_type=urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693): a client exchanges a token for one of its own.

The exchange is an event in the stream of the token that was exchanged, and the record of the new token names that token.
"""

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, json

from events.exchange import TokenExchanged, stream_of
from events.issuance import Confirmation, TokenIssued
from service.clock import utc_now
from service.commands.exchange import RecordExchange
from service.commands.handle import EXCHANGE, handle
from service.crypto.credentials import new_id
from service.grants import possession
from service.grants.delegated_tokens import STOPPED, authorize, client_of, record
from service.grants.oauth_request import OAuthRequest
from service.grants.redemption import meta_of
from service.grants.refusal_events import record_refusal
from service.grants.subject_tokens import actor_of, is_authorized, is_signed_in, subject_of
from service.lookup import Seen
from service.oauth import identity_assertions
from service.oauth.authlib_server import TokenGrant, decide
from service.oauth.delegation import chain
from service.oauth.errors import InvalidGrant, InvalidRequest, Refusal
from service.oauth.signing import Signer
from service.oauth.targets import Resource, Target
from service.oauth.token_exchange import (
    ACCESS_TOKEN,
    GRANT_TYPE,
    ID_JAG,
    JWT,
    Exchange,
    ExchangeRequest,
    Subject,
    of_api,
)
from service.oauth.tokens import Claims, sign, sign_id_token
from service.refusals import Contradiction
from service.tracing.spans import span
from service.values.scopes import split

TOO_OFTEN = "The subject_token was exchanged too often. Exchange a newer one."


class ExchangeResponse(Struct, frozen=True, kw_only=True):
    """RFC 8693 section 2.2.1."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: int
    scope: str

    def __repr__(self) -> str:
        return "ExchangeResponse(…)"


class Decided(Struct, frozen=True, kw_only=True):
    """What Authlib decided, from what."""

    seen: Seen
    subject: Subject
    grant: TokenGrant
    exchange: Exchange
    cnf: Confirmation | UnsetType


async def exchange(request: OAuthRequest) -> bytes:
    """Return the JSON body of the response. Raises a Refusal."""
    decided = await _decided(request)
    claims = await _claims(request, decided)
    if decided.exchange.client_there is None:
        return json.encode(await _access_token(request, decided, claims))
    return json.encode(await _assertion(request, decided, claims))


async def _decided(request: OAuthRequest) -> Decided:
    """Authenticate the client, load the tokens, and let Authlib decide. Refusals are counted and recorded. Raises a Refusal."""
    facts, seen = await client_of(request, GRANT_TYPE)
    subject, asked, cnf = await _loaded(request, seen)
    with span("decide"):
        try:
            grant = decide(facts.__replace__(subject=subject, asked=asked), request.form)
            assert grant.exchange is not None
            made = of_api(grant.exchange, asked.scopes, request.resources.known.registered)
        except Refusal as refused:
            why = f"an exchange: {refused.description}"
            await record_refusal(request.resources, seen.client.client_id, seen, why, request.address)
            raise
    return Decided(seen=seen, subject=subject, grant=grant, exchange=made, cnf=cnf)


async def _loaded(request: OAuthRequest, seen: Seen) -> tuple[Subject, ExchangeRequest, Confirmation | UnsetType]:
    requested = request.form.get("requested_token_type", ACCESS_TOKEN)
    if requested not in (ACCESS_TOKEN, JWT, ID_JAG):
        raise InvalidRequest(f"The requested_token_type may be: {ACCESS_TOKEN}, {ID_JAG}.")
    subject, actor = await subject_of(request, seen), await actor_of(request, seen)
    cnf = await possession.proved(request, seen) if possession.concerns(request, seen.client) else UNSET
    asked = ExchangeRequest(
        requested=requested,
        **_named(request, requested),
        scopes=split(request.form.get("scope")),
        actor=actor,
        jkt=None if cnf is UNSET or cnf.jkt is UNSET else cnf.jkt,
    )
    return subject, asked, cnf


def _named(request: OAuthRequest, requested: str) -> dict[str, tuple[str, ...]]:
    """What the parameters audience and resource name (RFC 8693 section 2.1). An identity assertion is for an authorization server, the
    audience, and for resources there (draft-ietf-oauth-identity-assertion-authz-grant section 4.3); an access token, for either.
    """
    audiences, resources = (split(request.form.get(name)) for name in ("audience", "resource"))
    if requested == ID_JAG:
        return {"audiences": tuple(dict.fromkeys(audiences)), "resources": tuple(dict.fromkeys(resources))}
    return {"audiences": tuple(dict.fromkeys(map(request.resources.known.as_registered, (*audiences, *resources))))}


async def _claims(request: OAuthRequest, decided: Decided) -> Claims:
    settings, made, issued_at = request.resources.settings, decided.exchange, int(utc_now().timestamp())
    target, is_ours = _target(request, made), made.client_there is None
    usual, cnf = target.lifetime(settings.token_lifetime), decided.cnf
    if is_ours:  # of its API, which may need more
        cnf = possession.confirmed(request, decided.seen.client, target, (cnf and cnf.jkt) or None)
    longest, jti = usual if is_ours else identity_assertions.SECONDS, new_id()
    return Claims(
        iss=settings.issuer,
        sub=made.sub,
        aud=made.audience,
        client_id=decided.grant.client_id,
        scope=" ".join(made.scopes),
        iat=issued_at,
        exp=min(made.latest, issued_at + longest),
        jti=jti,
        grant_id=await _authorization(request, decided, jti),
        restored=decided.seen.client.restored or UNSET,
        cnf=cnf,
        act=made.act,
        ancestors=made.ancestors or UNSET,
        asserted_by=made.asserted_by,
    )


def _target(request: OAuthRequest, made: Exchange) -> Target:
    """What the token is for: a registered API says how it is signed and bound, and how long it lives."""
    api = request.resources.known.registered.get(made.audience)
    resource = Resource(identifier=made.audience, scopes=made.scopes, terms=None if api is None else api.terms)
    return Target.of((resource,), made.scopes)


async def _authorization(request: OAuthRequest, decided: Decided, jti: UUID) -> UUID | UnsetType:
    """A token of a trusted issuer authorizes the user here, so that what stops the user stops the new token."""
    made, foreign = decided.exchange, decided.subject.foreign
    if foreign is None:
        return made.grant_id
    user, resource = UUID(made.sub), made.audience
    return await authorize(request, decided.seen, user, foreign, scopes=made.scopes, resource=resource, jti=jti)


async def _access_token(request: OAuthRequest, decided: Decided, claims: Claims) -> ExchangeResponse:
    target = _target(request, decided.exchange)
    signer = request.resources.access_token_signer(decided.seen.client, target)
    await _recorded(request, decided, claims, signer)
    return ExchangeResponse(
        access_token=sign(signer, claims),
        issued_token_type=ACCESS_TOKEN,
        token_type=claims.token_type,
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
    )


async def _assertion(request: OAuthRequest, decided: Decided, claims: Claims) -> ExchangeResponse:
    """Sign an identity assertion (ID-JAG), which is no access token: token_type is N_A."""
    login = decided.seen.client.login
    signer = request.resources.signer(login.id_token_alg if login else "RS256")
    await _recorded(request, decided, claims, signer)
    resources = decided.exchange.resources
    about = {
        "iss": claims.iss,
        "sub": claims.sub,
        "aud": claims.aud,
        "client_id": decided.exchange.client_there,
        "jti": str(claims.jti),
        "iat": claims.iat,
        "exp": claims.exp,
        **({"scope": claims.scope} if claims.scope else {}),
        **({"resource": resources[0] if len(resources) == 1 else resources} if resources else {}),
        **({} if claims.act is UNSET else {"act": claims.act}),
    }
    return ExchangeResponse(
        access_token=sign_id_token(signer, about, typ=identity_assertions.TYP),
        issued_token_type=ID_JAG,
        token_type="N_A",  # noqa: S106
        expires_in=claims.exp - claims.iat,
        scope=claims.scope,
    )


async def _recorded(request: OAuthRequest, decided: Decided, claims: Claims, signer: Signer) -> None:
    """Record the exchange, and then the token. Raises InvalidGrant, InvalidRequest."""
    made, before = decided.exchange, decided.exchange.ancestors
    actor = next(chain(claims.act), None)
    acts = actor.sub if actor and claims.act is not decided.subject.act else None
    if before:
        await _record_exchange(request, decided, claims, acts)
    token = TokenIssued(
        sub=claims.sub,
        scope=claims.scope,
        kid=signer.kid,
        exp=claims.exp,
        address=None if claims.authorization or made.client_there else request.address,
        authorization=claims.authorization,
        audience=request.recorded_audience(claims.aud),
        cnf=claims.cnf or None,
        subject_token=before[0].jti if before else None,
        actor=acts,
        typ=None if made.client_there is None else "id_jag",
        client_key=decided.grant.client_key,
    )
    await record(request, decided.grant, claims, token)
    session = decided.subject.session
    if session is not None and not await _still_asserts(request, decided, UUID(claims.sub), session):
        raise InvalidGrant(STOPPED)


async def _still_asserts(request: OAuthRequest, decided: Decided, user: UUID, session: UUID) -> bool:
    return await is_signed_in(request, user, session) and await is_authorized(request, decided.seen, user, session)


async def _record_exchange(request: OAuthRequest, decided: Decided, claims: Claims, actor: str | None) -> None:
    before = decided.exchange.ancestors[0]
    event = TokenExchanged(
        subject=before.jti,
        subject_client=before.client_id,
        jti=claims.jti,
        kind="access_token" if decided.exchange.client_there is None else "id_jag",
        client_id=claims.client_id,
        sub=claims.sub,
        actor=actor,
        scope=claims.scope,
        audience=decided.exchange.audience,
        at=utc_now(),
    )
    meta = meta_of(claims.client_id, claims.sub)
    try:
        ledger = request.resources.ledger
        await handle(ledger, EXCHANGE, stream_of(before.jti), RecordExchange(made=event), meta)
    except Contradiction as fault:
        raise InvalidRequest(TOO_OFTEN) from fault
