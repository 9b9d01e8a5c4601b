"""A proposed policy, and which recorded requests it would have refused. Pure: what is recorded is read by replay.py."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events.authorization import AuthorizationGranted, CodeIssued
from events.client import ClientLoginChanged, ClientRegistered, ClientRestored, ClientScopesChanged
from events.client_apis import Apis, ClientApisChanged, pairs

Rule = Literal["require_pkce", "max_token_lifetime", "deny_scope", "max_secret_age"]
Request = Literal["token", "code", "registration", "change"]
Command = ClientRegistered | ClientRestored | ClientScopesChanged | ClientApisChanged | ClientLoginChanged
"""A restored client is registered again, with everything that it then has."""


class Policy(Struct, frozen=True, kw_only=True):
    """The rules to rehearse; None and () are no rule. `max_token_lifetime` is in seconds, `max_secret_age` in whole days."""

    require_pkce: bool = False
    max_token_lifetime: int | None = None
    deny_scopes: frozenset[str] = frozenset()
    max_secret_age: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == Policy()


class TokenRequests(Struct, frozen=True, kw_only=True):
    """Equal token requests of one UTC day, and how many there were. `lifetime` is in seconds."""

    client: UUID
    secret: UUID
    scope: str
    lifetime: int
    times: int
    first: datetime
    last: datetime
    last_position: int


class Refusal(Struct, frozen=True):
    """Requests of one client that a rule would have refused. Of tokens, the position is one of the issuance log."""

    rule: Rule
    request: Request
    client: UUID
    times: int
    first: datetime
    last: datetime
    last_position: int

    def __add__(self, later: "Refusal") -> "Refusal":
        """The sum of two refusals of the same kind, in the order of the log."""
        return self.__replace__(
            times=self.times + later.times, last=later.last, last_position=later.last_position
        )  # fmt: skip


def of_tokens(policy: Policy, requests: TokenRequests, secret_created_at: datetime | None) -> Iterator[Rule]:
    """Yield the rules that refuse these token requests. `secret_created_at` is None for a client without a secret."""
    if policy.max_token_lifetime is not None and requests.lifetime > policy.max_token_lifetime:
        yield "max_token_lifetime"
    if not policy.deny_scopes.isdisjoint(requests.scope.split()):
        yield "deny_scope"
    if policy.max_secret_age is not None and secret_created_at is not None:
        age = requests.first.date() - secret_created_at.date()
        if age > timedelta(days=policy.max_secret_age):
            yield "max_secret_age"


def of_code(policy: Policy, granted: AuthorizationGranted, code: CodeIssued) -> Iterator[Rule]:
    """Yield the rules that refuse this authorization request."""
    if policy.require_pkce and code.code_challenge is None and code.device is UNSET:
        yield "require_pkce"
    if not policy.deny_scopes.isdisjoint(granted.scopes):
        yield "deny_scope"


def of_command(policy: Policy, event: Command) -> Iterator[Rule]:
    """Yield the rules that refuse the command of this event."""
    match event:
        case ClientRegistered(scopes=scopes, apis=apis) if not policy.deny_scopes.isdisjoint({*scopes, *_scopes(apis)}):
            yield "deny_scope"
        case ClientRestored(scopes=scopes, login=login, apis=apis):
            if not policy.deny_scopes.isdisjoint({*scopes, *_scopes(apis)}):
                yield "deny_scope"
            if policy.require_pkce and login.require_pkce is False:
                yield "require_pkce"
        case ClientScopesChanged(scopes=scopes, was=was) if policy.deny_scopes & set(scopes) - set(was):
            yield "deny_scope"
        case ClientApisChanged(apis=apis, was=was) if policy.deny_scopes & {
            scope for _, scope in pairs(apis) - pairs(was)
        }:
            yield "deny_scope"
        case ClientLoginChanged(login=login) if policy.require_pkce and login.require_pkce is False:
            yield "require_pkce"
        case _:
            pass


def _scopes(apis: Apis | UnsetType) -> frozenset[str]:
    """The scopes of all granted APIs."""
    return frozenset() if apis is UNSET else frozenset(scope for _, scope in pairs(apis) if scope)
