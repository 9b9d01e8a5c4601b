"""Token exchange (RFC 8693): which token a client gets for which, by the policies that operators gave it. Pure rules.

It gets never more than the subject's token has: its scopes are among those of the subject's and of the policy, and it expires no later.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events.client_security import ExchangePolicy
from projections.apis import Row as Api
from service.oauth.delegation import LONGEST_CHAIN, Act, Actor, Ancestor, chain, may_act
from service.oauth.errors import InvalidRequest, InvalidTarget, Refused
from service.oauth.foreign_tokens import ForeignClaims
from service.values.scopes import may_be_exchanged

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
JWT = "urn:ietf:params:oauth:token-type:jwt"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"

NO_POLICY = "This client may exchange no tokens. An operator can let it, by its tokenExchange."
OTHERS = "This client may not exchange this token: no policy of its tokenExchange names the client or the issuer that the token is from."
TOO_LONG = f"The subject_token was exchanged {LONGEST_CHAIN} times, or by so many actors, which is the most."
ALREADY = "This client acts for the subject of the subject_token already. Use that token."
NOT_NAMED = "The subject_token says who may act for its subject (may_act), and that is not the actor of this request."
OTHER_KEY = "The subject_token is bound to a key. Send a DPoP proof by that key (RFC 9449 section 5)."


class Subject(Struct, frozen=True, kw_only=True):
    """A verified subject_token. `client_id` is the client that got it, `issuer` the trusted issuer that it is from: one of the two.

    `scopes` is None if the token says nothing of scopes; `foreign` are the claims of a trusted issuer's token. `jkt` is the thumbprint of the key that it is bound to.
    `session` is that of an ID token.
    """

    sub: str
    expires_at: int
    scopes: tuple[str, ...] | None
    client_id: str | None = None
    issuer: str | None = None
    jkt: str | None = None
    act: Act | UnsetType = UNSET
    ancestors: tuple[Ancestor, ...] = ()
    may_act: object = UNSET
    grant_id: UUID | UnsetType = UNSET
    asserted_by: UUID | UnsetType = UNSET
    foreign: ForeignClaims | None = None
    session: UUID | None = None


class ExchangeRequest(Struct, frozen=True, kw_only=True):
    """What the request asks for. `actor` is the one of its actor_token; None: the client itself acts.

    `resources` are those at the audience of an identity assertion. For an access token, a resource is an audience.
    """

    requested: str = ACCESS_TOKEN
    audiences: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    actor: Actor | None = None
    jkt: str | None = None


class Exchange(Struct, frozen=True, kw_only=True):
    """The token that is issued. `act` UNSET says that nobody acts for the subject (impersonation).

    `client_there` is the id of the client at the audience, if the token is an identity assertion, and `resources` are those there.
    """

    sub: str
    audience: str
    scopes: tuple[str, ...]
    latest: int
    act: Act | UnsetType
    ancestors: tuple[Ancestor, ...]
    grant_id: UUID | UnsetType
    asserted_by: UUID | UnsetType
    client_there: str | None = None
    resources: tuple[str, ...] = ()


def exchange(policies: Sequence[ExchangePolicy], client: Actor, subject: Subject, asked: ExchangeRequest) -> Exchange:
    """Decide an exchange by the client. Raises a Refusal."""
    if not policies:
        raise Refused(400, "unauthorized_client", NO_POLICY)
    matching = [policy for policy in policies if _concerns(policy, subject)]
    if not matching:
        raise InvalidRequest(OTHERS)
    if subject.jkt is not None and subject.jkt != asked.jkt:
        raise InvalidRequest(OTHER_KEY)
    actor = asked.actor or client
    _check_chain(subject, actor)
    audience = _audience(matching, asked.audiences)
    policy, scopes = _granted([each for each in matching if audience in each.audiences], subject.scopes, asked.scopes)
    impersonates = policy.impersonation and asked.actor is None
    acts = subject.act if impersonates else Act(sub=actor.sub, client_id=actor.client_id, act=subject.act)
    return Exchange(
        sub=subject.sub,
        audience=audience,
        scopes=scopes,
        latest=subject.expires_at,
        act=acts,
        ancestors=subject.ancestors,
        grant_id=subject.grant_id,
        asserted_by=subject.asserted_by,
    )


def of_api(made: Exchange, asked: tuple[str, ...], apis: Mapping[str, Api]) -> Exchange:
    """Return the exchange with the scopes that its API still has, if it is registered: a policy may be older. Raises a Refusal."""
    api = apis.get(made.audience)
    if api is None or made.client_there is not None:
        return made
    has = {scope.name for scope in api.terms.scopes}
    kept, gone = tuple(s for s in made.scopes if s in has), [s for s in made.scopes if s not in has]
    if gone and (asked or not kept):
        raise Refused(400, "invalid_scope", f"The API {made.audience} has no scope: {' '.join(gone)}. Leave it out.")
    return made.__replace__(scopes=kept)


def _concerns(policy: ExchangePolicy, subject: Subject) -> bool:
    return subject.client_id in policy.clients or subject.issuer in policy.issuers


def _check_chain(subject: Subject, actor: Actor) -> None:
    acting = list(chain(subject.act))
    if any(each.client_id == actor.client_id for each in acting):
        raise InvalidRequest(ALREADY)
    if len(acting) >= LONGEST_CHAIN or len(subject.ancestors) > LONGEST_CHAIN:
        raise InvalidRequest(TOO_LONG)
    if subject.may_act is not UNSET and not may_act(subject.may_act, actor):
        raise InvalidRequest(NOT_NAMED)


def _audience(matching: Sequence[ExchangePolicy], asked: tuple[str, ...]) -> str:
    """Return the one audience (RFC 8693 section 2.1, RFC 8707). A request that names none gets the only possible one. Raises InvalidTarget."""
    possible = tuple(dict.fromkeys(audience for policy in matching for audience in policy.audiences))
    wanted = asked or possible
    if len(wanted) != 1:
        raise InvalidTarget(f"Name one resource or audience. It may be: {' '.join(possible)}.")
    if wanted[0] not in possible:
        raise InvalidTarget(f"This client may exchange this token only for: {' '.join(possible)}.")
    return wanted[0]


def _granted(
    policies: Sequence[ExchangePolicy], held: tuple[str, ...] | None, asked: tuple[str, ...]
) -> tuple[ExchangePolicy, tuple[str, ...]]:
    """Return the first policy that allows all that is asked for, and the scopes. Raises a Refusal."""
    allowed = [(policy, _allowed(policy, held)) for policy in policies]
    for policy, scopes in allowed:
        if scopes and set(asked) <= set(scopes):
            return policy, asked or scopes
    possible = tuple(dict.fromkeys(scope for _, scopes in allowed for scope in scopes))
    more = (
        f"Ask for some of: {' '.join(possible)}."
        if possible
        else "The subject_token has none of the scopes of the policy."
    )
    raise Refused(400, "invalid_scope", f"The client cannot have these scopes by exchanging this token. {more}")


def _allowed(policy: ExchangePolicy, held: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(s for s in policy.scopes if may_be_exchanged(s) and (held is None or s in held))
