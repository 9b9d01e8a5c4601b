"""The APIs that a client is granted."""

from msgspec import Struct


class GrantedApi(Struct, frozen=True, kw_only=True, gc=False):
    """A client may get tokens for this API, with these scopes of it."""

    identifier: str
    scopes: tuple[str, ...]


Apis = tuple[GrantedApi, ...] | None
"""The APIs of a client. None is the rule of clients that were registered before there were APIs, and of those that nobody grants any:
such a client may name any resource that is no registered API."""


class ClientApisChanged(Struct, frozen=True, kw_only=True, gc=False, tag="client.apis_changed"):
    apis: tuple[GrantedApi, ...] | None
    was: tuple[GrantedApi, ...] | None


Granted = tuple[str, str]
"""An API and one of its scopes; the scope "" stands for the right to name the API."""


def pairs(apis: Apis) -> frozenset[Granted]:
    return frozenset((api.identifier, scope) for api in apis or () for scope in ("", *api.scopes))
