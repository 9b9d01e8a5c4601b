"""The fields of a client that say which tokens it may exchange, and where it may assert its users. Operators set them."""

from typing import Annotated, Any

from msgspec import Meta, Struct, UnsetType

from events.client_security import AssertionPolicy, ExchangePolicy, Security
from service.endpoints.client_fields import Scope
from service.endpoints.fields import Fields
from service.oauth.targets import is_absolute
from service.values.each_once import each_once
from service.values.scopes import may_be_exchanged

MOST = 20
Identifier = Annotated[str, Meta(min_length=1, max_length=500)]
Identifiers = Annotated[list[Identifier], Meta(max_length=MOST)]
Scopes = Annotated[list[Scope], Meta(max_length=50)]


class ExchangePolicyFields(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which tokens a client may exchange (RFC 8693): those of these clients and trusted issuers, for these audiences."""

    clients: Annotated[Identifiers, Meta(description="The client_ids whose access tokens it may exchange.")] = []
    issuers: Annotated[Identifiers, Meta(description="The trusted issuers whose tokens it may exchange.")] = []
    audiences: Annotated[
        list[Identifier], Meta(min_length=1, max_length=MOST, description="What the new tokens may be for.")
    ]
    scopes: Annotated[
        list[Scope],
        Meta(
            min_length=1, max_length=50, description="The most that they may have; never more than the subject's token."
        ),
    ]
    impersonation: Annotated[
        bool, Meta(description="Whether the new token says only its subject, and not who acts for the subject (`act`).")
    ] = False


class AssertionPolicyFields(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Another authorization server at which the client may assert its users (ID-JAG)."""

    audience: Annotated[Identifier, Meta(description="The issuer identifier of that server.")]
    client_id: Annotated[Identifier, Meta(description="The id that the client has there.")]
    scopes: Annotated[Scopes, Meta(description="The most that it may assert there.")] = []


TokenExchange = Annotated[
    list[ExchangePolicyFields],
    Meta(
        max_length=MOST,
        description="Which tokens it may exchange for tokens of its own (RFC 8693): the whole list. Only an operator can add to it.",
    ),
]
IdentityAssertions = Annotated[
    list[AssertionPolicyFields],
    Meta(
        max_length=MOST,
        description="At which other authorization servers it may assert its users (ID-JAG): the whole list. Only an operator can add to it.",
    ),
]


def check(fields: Fields[Any]) -> None:
    exchanges: list[ExchangePolicyFields] = fields.good("tokenExchange") or []
    assertions: list[AssertionPolicyFields] = fields.good("identityAssertions") or []
    for number, policy in enumerate(exchanges):
        if not policy.clients and not policy.issuers:
            fields.fault("tokenExchange", f"[{number}] names neither clients nor issuers")
        for audience in policy.audiences:
            if not is_absolute(audience):
                fields.fault("tokenExchange", f"[{number}] has an audience that is no absolute URI")
        kept = [scope for scope in policy.scopes if not may_be_exchanged(scope)]
        if kept:
            fields.fault("tokenExchange", f"[{number}] has scopes that are never exchanged: {' '.join(kept)}")
    for number, policy in enumerate(assertions):
        if not is_absolute(policy.audience):
            fields.fault("identityAssertions", f"[{number}] has an audience that is no absolute URI")


def exchange_policies(given: list[ExchangePolicyFields] | UnsetType) -> tuple[ExchangePolicy, ...] | UnsetType:
    if isinstance(given, UnsetType):
        return given
    return tuple(
        ExchangePolicy(
            audiences=each_once(each.audiences),
            scopes=each_once(each.scopes),
            clients=each_once(each.clients),
            issuers=each_once(each.issuers),
            impersonation=each.impersonation,
        )
        for each in given
    )


def assertion_policies(given: list[AssertionPolicyFields] | UnsetType) -> tuple[AssertionPolicy, ...] | UnsetType:
    if isinstance(given, UnsetType):
        return given
    return tuple(
        AssertionPolicy(audience=each.audience, client_id=each.client_id, scopes=each_once(each.scopes))
        for each in given
    )


def shown_exchange(security: Security) -> list[ExchangePolicyFields]:
    return [
        ExchangePolicyFields(
            clients=list(each.clients),
            issuers=list(each.issuers),
            audiences=list(each.audiences),
            scopes=list(each.scopes),
            impersonation=each.impersonation,
        )
        for each in security.token_exchange
    ]


def shown_assertions(security: Security) -> list[AssertionPolicyFields]:
    return [
        AssertionPolicyFields(audience=each.audience, client_id=each.client_id, scopes=list(each.scopes))
        for each in security.identity_assertions
    ]
