"""The events of an API (a resource server, RFC 8707), and the states that they lead to. Its identifier names its stream."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from events.naming import stream_named

Alg = Literal["ES256", "RS256", "EdDSA"]


class ApiScope(Struct, frozen=True, kw_only=True):
    """A scope of one API, with words for people by language tag (BCP 47)."""

    name: str
    words: dict[str, str] = {}


class ApiTerms(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The settings of an API. A new setting is a new field here, whose default is what was before it.

    None of `access_token_alg` is that of the client or the deployment, and of `token_lifetime` (in seconds) that of the deployment.
    `claims` are those about the user that its access tokens have. `introspectors` are the clients that may introspect its tokens.
    `any_client`: any client may request its scopes of a person, who is asked for consent.
    """

    name: str
    scopes: tuple[ApiScope, ...] = ()
    access_token_alg: Alg | None = None
    token_lifetime: int | None = None
    dpop_required: bool = False
    mtls_required: bool = False
    claims: tuple[str, ...] = ()
    introspectors: tuple[str, ...] = ()
    any_client: bool = False


class ApiRegistered(Struct, frozen=True, kw_only=True, tag="api.registered"):
    """An identifier whose API was deleted may be registered again, in the same stream."""

    identifier: str
    terms: ApiTerms
    at: datetime


class ApiChanged(Struct, frozen=True, kw_only=True, tag="api.changed"):
    terms: ApiTerms
    was: ApiTerms


class ApiDeleted(Struct, frozen=True, kw_only=True, tag="api.deleted"):
    identifier: str


ApiEvent = ApiRegistered | ApiChanged | ApiDeleted


class UnregisteredApi(Struct, frozen=True):
    pass


class RegisteredApi(Struct, frozen=True, kw_only=True):
    identifier: str
    terms: ApiTerms


class DeletedApi(Struct, frozen=True, kw_only=True):
    """Its identifier may be registered again."""

    identifier: str


Api = UnregisteredApi | RegisteredApi | DeletedApi


def stream_of(identifier: str) -> UUID:
    return stream_named(b"api", identifier.encode())


def evolve(api: Api, event: ApiEvent) -> Api:
    """Returns the API after the event. It never refuses."""
    match event:
        case ApiRegistered():
            return RegisteredApi(identifier=event.identifier, terms=event.terms)
        case ApiChanged():
            return api.__replace__(terms=event.terms) if isinstance(api, RegisteredApi) else api
        case ApiDeleted():
            return DeletedApi(identifier=event.identifier)
