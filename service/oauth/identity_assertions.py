"""Identity assertions (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant): an enterprise's provider asserts a user to a client. Pure rules."""

from typing import Any, cast
from uuid import UUID

from msgspec import Struct

from events.client_security import AssertionPolicy
from service.oauth.delegation import Actor
from service.oauth.errors import InvalidGrant, InvalidRequest, InvalidTarget, Refused
from service.oauth.foreign_tokens import ForeignClaims
from service.oauth.parameters import NO_RESOURCE
from service.oauth.targets import MOST_RESOURCES, TOO_MANY, Known, Target, is_absolute
from service.oauth.token_exchange import OTHER_KEY, Exchange, ExchangeRequest, Subject
from service.values.scopes import may_be_exchanged, split

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"
TYP = "oauth-id-jag+jwt"
SECONDS = 300
"""The lifetime of an assertion that this server makes."""

CONFIDENTIAL = "This client has no secret and no key. Identity assertions are for clients that authenticate."
OTHER_CLIENT = "The assertion is for another client: its client_id is not the client that authenticated."
NOT_ITS_OWN = "The subject_token was issued to another client. A client asserts only its own users."
NO_ASSERTIONS = "This client may assert its users nowhere. An operator can let it, by its identityAssertions."


class Assertion(Struct, frozen=True, kw_only=True):
    """A verified assertion for this client, and the user whom it is about."""

    user: UUID
    scopes: tuple[str, ...]
    target: Target
    claims: ForeignClaims


def check_client(claims: ForeignClaims, client_id: str) -> None:
    """Raises InvalidGrant."""
    if claims.claims.get("client_id") != client_id:
        raise InvalidGrant(OTHER_CLIENT)


def scopes_of(claims: ForeignClaims) -> tuple[str, ...]:
    """Raises InvalidGrant."""
    given: Any = claims.claims.get("scope", "")
    if not isinstance(given, str):
        raise InvalidGrant("The assertion is not valid: its scope must be a text.")
    return split(given)


def resources_of(claims: ForeignClaims, asked: tuple[str, ...], known: Known) -> tuple[str, ...]:
    """Return the resources that the token is for: those of the request, which must be among those of the assertion, if it names any.

    Raises InvalidGrant, InvalidTarget.
    """
    given: Any = claims.claims.get("resource")
    named = cast("list[Any]", given if isinstance(given, list) else [] if given is None else [given])
    if not all(isinstance(each, str) for each in named):
        raise InvalidGrant("The assertion is not valid: its resource must be a text.")
    asserted, wanted = (tuple(dict.fromkeys(map(known.as_registered, each))) for each in (named, asked))
    if asserted and not set(wanted) <= set(asserted):
        raise InvalidTarget("The assertion is for another resource. Name that one, or none.")
    return wanted or asserted


def scopes(assertion: Assertion, asked: str | None) -> tuple[str, ...]:
    """Return the scopes: of those that the assertion names, those that the client may have. Raises a Refusal."""
    wanted = split(asked)
    allowed = tuple(s for s in assertion.scopes if s in assertion.target.scopes and may_be_exchanged(s))
    if not allowed or not set(wanted) <= set(allowed):
        more = (
            f"It may have: {' '.join(allowed)}." if allowed else "The assertion names none that this client may have."
        )
        raise Refused(400, "invalid_scope", f"The client cannot have these scopes by this assertion. {more}")
    return wanted or allowed


def issued(policies: tuple[AssertionPolicy, ...], client: Actor, subject: Subject, asked: ExchangeRequest) -> Exchange:
    """Decide which assertion the client gets about the subject of its own token. Raises a Refusal.

    The policy names the authorization server. Which of the resources there the client may use is decided there.
    """
    if not policies:
        raise Refused(400, "unauthorized_client", NO_ASSERTIONS)
    if subject.client_id != client.client_id:
        raise InvalidRequest(NOT_ITS_OWN)
    if subject.jkt is not None and subject.jkt != asked.jkt:
        raise InvalidRequest(OTHER_KEY)
    policy = next((each for each in policies if asked.audiences == (each.audience,)), None)
    if policy is None:
        raise InvalidTarget(f"Name one audience. It may be: {' '.join(each.audience for each in policies)}.")
    if len(asked.resources) > MOST_RESOURCES:
        raise InvalidTarget(TOO_MANY)
    if not all(is_absolute(each) for each in asked.resources):
        raise InvalidTarget(NO_RESOURCE)
    if not set(asked.scopes) <= set(policy.scopes):
        most = " ".join(policy.scopes) or "none"
        raise Refused(400, "invalid_scope", f"This client may assert at most these scopes there: {most}.")
    return Exchange(
        sub=subject.sub,
        audience=policy.audience,
        scopes=asked.scopes,
        latest=subject.expires_at,
        act=subject.act,
        ancestors=subject.ancestors,
        grant_id=subject.grant_id,
        asserted_by=subject.asserted_by,
        client_there=policy.client_id,
        resources=asked.resources,
    )
