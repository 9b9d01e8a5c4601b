"""The APIs that a client is granted, as options: an identifier, and the scopes of it, with spaces between them."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from msgspec import UNSET, UnsetType

from events.client_apis import Apis
from events.database import Pool, read
from projections import apis
from service.endpoints import api_grants
from service.endpoints.api_grants import ApiGrant
from service.endpoints.fields import Fields

ANY = "any"

GrantedApis = Annotated[
    list[str] | None,
    typer.Option(
        "--api",
        metavar="API",
        help=f'An API that it may use, and its scopes there: "https://crm.example.com crm:read"; may be repeated. {ANY}: any resource that is no registered API.',
        show_default=False,
    ),
]
MoreApis = Annotated[
    list[str] | None,
    typer.Option("--add-api", metavar="API", help="Besides what it has; may be repeated.", show_default=False),
]
LessApis = Annotated[
    list[str] | None,
    typer.Option("--remove-api", metavar="ID", help="The identifier of an API that it has.", show_default=False),
]


def granted_of(values: Sequence[str]) -> list[ApiGrant] | None:
    """Return the whole list; None is any resource."""
    if list(values) == [ANY]:
        return None
    found: dict[str, dict[str, None]] = {}
    for identifier, *scopes in filter(None, map(str.split, values)):
        found.setdefault(identifier, {}).update(dict.fromkeys(scopes))
    return [ApiGrant(identifier=identifier, scopes=list(scopes)) for identifier, scopes in found.items()]


def edited(
    whole: list[str] | None, more: Sequence[str], less: Sequence[str], now: Apis
) -> list[ApiGrant] | UnsetType | None:
    """Return the list after the edit of what the client has now; UNSET if nothing of it is edited."""
    if whole is not None:
        return granted_of(whole)
    if not more and not less:
        return UNSET
    kept = [" ".join((api.identifier, *api.scopes)) for api in now or () if api.identifier not in less]
    return granted_of([*kept, *more])


async def check(connections: Pool, fields: Fields[Any]) -> None:
    """Report every API and scope that does not exist."""
    if fields.good("apis"):
        api_grants.check(fields, await read(connections, apis.every))
