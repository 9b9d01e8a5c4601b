"""The tokens that an exchange is about: whose each is, and that it still stands (RFC 8693 section 2.1)."""

from uuid import UUID

from msgspec import UNSET

from events.database import read
from projections import authorizations, sessions, users
from service.clock import utc_now
from service.grants.oauth_request import OAuthRequest, required
from service.grants.refusal_events import record_refusal
from service.lookup import Seen
from service.oauth.certificates import is_bound_to
from service.oauth.delegation import Actor, Ancestor, ForeignChain, foreign_act
from service.oauth.errors import InvalidRequest
from service.oauth.foreign_tokens import ForeignClaims, NotAccepted
from service.oauth.id_tokens import read_id_token
from service.oauth.token_exchange import ACCESS_TOKEN, ID_JAG, ID_TOKEN, JWT, Subject
from service.oauth.tokens import BadToken, VerifiedClaims
from service.values.scopes import split

OTHER_CERTIFICATE = "it is bound to a client certificate that this connection does not have"
NOT_STANDING = "it was revoked, has expired, or its client, bot or user was stopped"


class Unusable(Exception):
    """Half a sentence about the token, which quotes nothing of it."""


async def subject_of(request: OAuthRequest, seen: Seen) -> Subject:
    """Return the verified subject_token. A refusal is recorded. Raises InvalidRequest."""
    text, kind = required(request.form, "subject_token"), required(request.form, "subject_token_type")
    try:
        match kind:
            case "urn:ietf:params:oauth:token-type:access_token":
                return await _ours(request, text)
            case "urn:ietf:params:oauth:token-type:jwt":
                return await _foreign(request, text)
            case "urn:ietf:params:oauth:token-type:id_token":
                return await _id_token(request, seen, text)
            case _:
                kinds = f"{ACCESS_TOKEN}, {JWT}, {ID_TOKEN}"
                raise InvalidRequest(f"The subject_token_type may be: {kinds}.")
    except Unusable as fault:
        raise await _refused(request, seen, f"The subject_token is not valid: {fault}.") from fault


async def actor_of(request: OAuthRequest, seen: Seen) -> Actor | None:
    """Return the actor of the actor_token, which must be an access token of the client itself; None without one. Raises InvalidRequest."""
    text, kind = request.form.get("actor_token"), request.form.get("actor_token_type")
    if text is None and kind is None:
        return None
    if text is None or kind is None:
        raise InvalidRequest("Send actor_token and actor_token_type together, or neither (RFC 8693 section 2.1).")
    if kind != ACCESS_TOKEN:
        raise InvalidRequest(f"The actor_token_type must be {ACCESS_TOKEN}.")
    try:
        claims = await _standing(request, text)
    except Unusable as fault:
        raise await _refused(request, seen, f"The actor_token is not valid: {fault}.") from fault
    is_own = claims.client_id == seen.client.client_id and claims.authorization is None
    if not is_own or claims.cnf or claims.act or claims.ancestors:
        raise await _refused(request, seen, "The actor_token must be a bearer token that this client got for itself.")
    return Actor(sub=claims.sub, client_id=claims.client_id)


async def _refused(request: OAuthRequest, seen: Seen, why: str) -> InvalidRequest:
    await record_refusal(request.resources, seen.client.client_id, seen, why, request.address)
    return InvalidRequest(why)


async def _standing(request: OAuthRequest, text: str) -> VerifiedClaims:
    resources = request.resources
    try:
        claims = resources.tokens.verify(text, for_us=False)
    except BadToken as fault:
        raise Unusable(str(fault).rstrip(".")) from fault
    if claims.x5t_s256 is not None and not is_bound_to(claims.x5t_s256, request.certificate):
        raise Unusable(OTHER_CERTIFICATE)
    if await resources.lookup.standing(claims) is None:
        raise Unusable(NOT_STANDING)
    return claims


async def _ours(request: OAuthRequest, text: str) -> Subject:
    claims = await _standing(request, text)
    own = Ancestor(jti=claims.jti, client_id=claims.client_id, restored=claims.life)
    return Subject(
        sub=claims.sub,
        expires_at=claims.exp,
        scopes=split(claims.scope),
        client_id=claims.client_id,
        jkt=claims.jkt,
        act=claims.act,
        ancestors=(own, *(claims.ancestors or ())),
        grant_id=claims.grant_id,
        asserted_by=claims.asserted_by,
    )


async def _foreign(request: OAuthRequest, text: str) -> Subject:
    """A token of a trusted issuer is about a user who is known here under that issuer."""
    try:
        claims = await request.resources.foreign.verify(text, "subject_token")
        act = foreign_act(claims.claims.get("act"))
    except NotAccepted as fault:
        raise Unusable(str(fault)) from fault
    except ForeignChain as fault:
        raise Unusable("its act is no chain of at most five actors") from fault
    user = await request.resources.people.find_upstream(claims.issuer, claims.subject)
    if user is None or user.state != "active":
        raise Unusable("its subject is not an active user who signed in through its issuer")
    assert claims.expires_at is not None
    return Subject(
        sub=str(user.stream_id),
        expires_at=claims.expires_at,
        scopes=_scopes(claims),
        issuer=claims.issuer,
        act=act,
        may_act=claims.claims.get("may_act", UNSET),
        asserted_by=claims.issuer_id,
        jkt=claims.jkt,
        foreign=claims,
    )


def _scopes(claims: ForeignClaims) -> tuple[str, ...] | None:
    given = claims.claims.get("scope")
    if given is not None and not isinstance(given, str):
        raise Unusable("its scope must be a text")
    return None if given is None else split(given)


async def _id_token(request: OAuthRequest, seen: Seen, text: str) -> Subject:
    """An ID token asserts the user of an open session, to another authorization server alone."""
    if request.form.get("requested_token_type") != ID_JAG:
        raise InvalidRequest(f"An ID token can be exchanged only for requested_token_type={ID_JAG}.")
    resources = request.resources
    try:
        claims = read_id_token(resources.ring, resources.settings.issuer, text)
    except BadToken as fault:
        raise Unusable(str(fault).rstrip(".")) from fault
    if not await is_signed_in(request, claims.sub, claims.sid):
        raise Unusable("its session has ended, or its user was stopped")
    if claims.aud == seen.client.client_id and not await is_authorized(request, seen, claims.sub, claims.sid):
        raise Unusable("its user no longer authorizes this client")
    before = Ancestor(jti=claims.sid, client_id=claims.aud, restored=seen.client.restored)
    return Subject(
        sub=str(claims.sub),
        expires_at=claims.exp,
        scopes=None,
        client_id=claims.aud,
        ancestors=(before,),
        session=claims.sid,
    )


async def is_signed_in(request: OAuthRequest, user: UUID, session: UUID) -> bool:
    """Return whether the session is open, and its user active."""
    pool = request.resources.ledger.pool
    row = await read(pool, lambda connection: sessions.find(connection, session))
    found = await read(pool, lambda connection: users.find(connection, user))
    is_open = row is not None and row.state == "open" and row.user_id == user and row.expires_at > utc_now()
    return is_open and found is not None and found.state == "active"


async def is_authorized(request: OAuthRequest, seen: Seen, user: UUID, session: UUID) -> bool:
    """Return whether the user still authorizes the client in this session: an ID token outlives a revocation otherwise."""
    client = seen.client
    return await read(
        request.resources.ledger.pool,
        lambda connection: authorizations.is_standing(connection, session, user, client.stream_id, client.restored),
    )
