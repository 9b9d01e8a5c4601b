"""Which APIs a client is granted, and who may grant them: callers grant only what their own token has; operators grant anything."""

from msgspec import UNSET, UnsetType

from events.client import Active
from events.client_apis import Apis, ClientApisChanged, Granted, pairs
from events.client_security import ClientSecurityChanged, ExchangePolicy
from service.commands.authority import Holder, may_get_secret
from service.commands.command import StoppingCommand
from service.commands.security_change import change_security
from service.refusals import NotPermitted

ANY_RESOURCE = "Only an operator can let a client name any resource that is no registered API (apis: null)."


def change_apis(by: Holder, apis: Apis | UnsetType, client: Active) -> list[ClientApisChanged]:
    """Raises NotPermitted."""
    if apis is UNSET or apis == client.apis:
        return []
    may_grant(by, apis, client.apis)
    return [ClientApisChanged(apis=apis, was=client.apis)]


class WithdrawApi(StoppingCommand, frozen=True, kw_only=True):
    """The service itself sends this after the API was deleted."""

    identifier: str


def withdraw_api(command: WithdrawApi, client: Active) -> list[ClientApisChanged | ClientSecurityChanged]:
    """Returns the events by which the client loses the API: its grant, and what it may exchange tokens for."""
    after = client.security.__replace__(token_exchange=_without(client.security.token_exchange, command.identifier))
    exchanges: list[ClientApisChanged | ClientSecurityChanged] = [*change_security(after, client.security)]
    if client.apis is None:
        return exchanges
    left = tuple(api for api in client.apis if api.identifier != command.identifier)
    return exchanges if left == client.apis else [ClientApisChanged(apis=left, was=client.apis), *exchanges]


def _without(policies: tuple[ExchangePolicy, ...], audience: str) -> tuple[ExchangePolicy, ...]:
    left = (p.__replace__(audiences=tuple(a for a in p.audiences if a != audience)) for p in policies)
    return tuple(policy for policy in left if policy.audiences)


def may_grant(by: Holder, after: Apis, before: Apis = ()) -> None:
    """Raises NotPermitted if the caller may not add what `after` has more than `before`."""
    if by.operates:
        return
    if after is None and before is not None:
        raise NotPermitted(ANY_RESOURCE)
    if missing := pairs(after) - pairs(before) - by.apis:
        raise NotPermitted(
            "You can grant a client only APIs and scopes that your own token has (ask for it with resource);"
            f" it lacks: {in_words(missing)}. Or ask an operator."
        )


def may_authenticate_as(by: Holder, client: Active) -> None:
    """Raises NotPermitted if the client may get tokens that the caller may not. With a secret or key of the client, or a change of what
    authenticates it, the caller could.
    """
    may_get_secret(by, client)
    if by.operates:
        return
    if client.security.token_exchange or client.security.identity_assertions:
        raise NotPermitted(
            "This client may act for users by tokens of others (tokenExchange, identityAssertions), so only an operator"
            " (scope operate) changes what authenticates it."
        )
    if missing := pairs(client.apis) - by.apis:
        raise NotPermitted(
            f"This client may use APIs for which your token is not ({in_words(missing)}); use a token that is for them"
            " (ask for it with resource), or ask an operator."
        )


def in_words(granted: frozenset[Granted]) -> str:
    return ", ".join(f"{scope} of {api}" if scope else api for api, scope in sorted(granted))
