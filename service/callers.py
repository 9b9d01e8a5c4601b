"""Who asks the management API: a client by its token, or a person at the console."""

from functools import cached_property

from msgspec import Struct

from events.client_apis import Granted, pairs
from projections.clients import Row
from service.commands.client import Holder
from service.oauth.tokens import VerifiedClaims
from service.values.scopes import AUDIT_READ, MANAGEMENT, OPERATE

NO_APIS: frozenset[Granted] = frozenset()


class Caller(Struct, frozen=True, kw_only=True, dict=True):
    """`is_user` says that a user authorized the token, so that the address of the request may be the user's.

    `apis` are those that the token is for, beside this one.
    """

    client_id: str
    sub: str
    scopes: frozenset[str]
    is_user: bool
    apis: frozenset[Granted] = NO_APIS

    @property
    def reach(self) -> str | None:
        """The owner whose clients and bots the caller reads: itself, or None for every owner. A write asks `holder` instead."""
        return None if OPERATE in self.scopes or AUDIT_READ in self.scopes else self.sub

    @property
    def counted_as(self) -> str:
        """With which others the caller shares the limits of a client: a client of many people, such as the console, has them for each."""
        return f"{self.client_id} {self.sub}" if self.is_user else self.client_id

    @cached_property
    def limited_as(self) -> str:
        """The key under which its requests in a minute are counted. A `sub` is proof only if the token has a scope of this API: a caller who chose its `sub`
        freely cannot get such a scope.
        """
        return f"client {self.client_id}" if self.scopes.isdisjoint(MANAGEMENT) else f"caller {self.sub}"

    @cached_property
    def holder(self) -> Holder:
        """The caller of a write. The scope audit:read lets a caller write nothing more."""
        owner = None if OPERATE in self.scopes else self.sub
        return Holder(owner=owner, sub=self.sub, scopes=self.scopes, apis=self.apis)


def caller_of(claims: VerifiedClaims, client: Row) -> Caller:
    """Return the caller of a token. It may do what the token says, as far as its client still may."""
    return Caller(
        client_id=claims.client_id,
        sub=claims.sub,
        scopes=claims.scopes & set(client.scopes),
        is_user=claims.authorization is not None,
        apis=_apis_of(claims, client),
    )


def _apis_of(claims: VerifiedClaims, client: Row) -> frozenset[Granted]:
    """Return the APIs that the token is for, each with its scopes there, as far as the client still has them."""
    if not client.apis:
        return NO_APIS
    return frozenset(
        (api, scope)
        for api, scope in pairs(client.apis)
        if api in claims.audiences and (not scope or scope in claims.scopes)
    )
