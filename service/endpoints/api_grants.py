"""The APIs that a client is granted, in requests and responses of the management API."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from events.client_apis import Apis, GrantedApi
from projections.apis import Row
from service.endpoints.fields import Fields
from service.values.scopes import SCOPE

MOST_APIS = 50
LONGEST_IDENTIFIER = 1000
UNKNOWN = "is no registered API; register it first (POST /api/v1/auth/apis). The server's own APIs need no grant: give `scopes` instead"


class ApiGrant(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """An API that a client may get tokens for, and the scopes of it that they may have."""

    identifier: Annotated[str, Meta(max_length=LONGEST_IDENTIFIER, description="The identifier of a registered API.")]
    scopes: Annotated[list[Annotated[str, Meta(pattern=SCOPE, max_length=100)]], Meta(max_length=100)] = []


ApiGrants = Annotated[
    list[ApiGrant],
    Meta(
        max_length=MOST_APIS,
        description="The APIs that it may name as `resource`, and its scopes there: the whole list. A caller without the scope "
        "`operate` can grant only what its own token has. null: any resource that is no registered API, as before there were "
        "APIs; only an operator can set this.",
    ),
]


def check(fields: Fields[Any], registered: Mapping[str, Row]) -> None:
    """Report every fault of the list: each API and scope must exist, for a typing error would grant what is registered later."""
    seen: set[str] = set()
    for number, grant in enumerate(fields.good("apis") or ()):
        for fault in _faults(grant, registered, seen):
            fields.fault("apis", f"[{number}] {fault}")
        seen.add(grant.identifier)


def _faults(grant: ApiGrant, registered: Mapping[str, Row], seen: set[str]) -> list[str]:
    api = registered.get(grant.identifier)
    if api is None:
        return [UNKNOWN]
    has = {scope.name for scope in api.terms.scopes}
    unknown = [scope for scope in grant.scopes if scope not in has]
    return [
        *(["names an API that is in the list already"] if grant.identifier in seen else []),
        *([f"has scopes that the API does not have: {' '.join(unknown)}"] if unknown else []),
    ]


def granted(asked: Sequence[ApiGrant] | UnsetType | None) -> Apis | UnsetType:
    if asked is None or asked is UNSET:
        return asked
    return tuple([GrantedApi(identifier=each.identifier, scopes=tuple(dict.fromkeys(each.scopes))) for each in asked])


def shown(apis: Apis) -> list[ApiGrant] | None:
    return None if apis is None else [ApiGrant(identifier=api.identifier, scopes=list(api.scopes)) for api in apis]
