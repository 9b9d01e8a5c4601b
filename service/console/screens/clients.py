"""/console/clients: which clients there are, found by a text, scope, state, owner and bot, and sorted by the headings of the table."""

from collections.abc import Mapping

from msgspec import UNSET, Struct
from starlette.responses import Response

from service.console import paging, sorting
from service.console.api import CLIENTS
from service.console.bars import Bars, bars
from service.console.language import N_
from service.console.names import Names, holder
from service.console.screen import ConsoleVisit, Link, Screen
from service.console.sorting import Orders
from service.endpoints.client_schemas import ListedClient
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

PAGE_SIZE = "50"
DAYS = 14
FILTERS = ("q", "scope", "state", "owner", "botUserId")
USUAL = "oldest"
COLUMNS: Mapping[str, Orders] = {
    "name": Orders("name", "ascending", "name_descending"),
    "used": Orders("recently_used", "descending", "long_unused"),
    "created": Orders("newest", "descending", "oldest"),
}


class Shown(Struct, frozen=True, kw_only=True):
    """A client, and its tokens of the last days."""

    client: ListedClient
    tokens: int
    days: Bars


async def show(visit: ConsoleVisit) -> Response:
    """The query of the page is that of the API, so a link to a list can be sent to somebody else."""
    chosen = {name: visit.query[name] for name in FILTERS if name in visit.query}
    order = visit.query.get("order", USUAL)
    sent = {**chosen, "order": order}
    found = await visit.api.get(CLIENTS, limit=PAGE_SIZE, usageDays=str(DAYS), cursor=visit.query.get("cursor"), **sent)
    clients, names = found.of(list[ListedClient]), Names(visit)
    await names.learn(holder(client.owner) for client in clients)
    return visit.page(
        "clients.html",
        title=visit.gettext("Clients"),
        clients=[_shown(client) for client in clients],
        owners={client.owner: names.of(holder(client.owner)) for client in clients},
        chosen=chosen,
        order=visit.query.get("order", ""),
        sorts=sorting.headings(COLUMNS, order, lambda order: visit.here_with(**chosen, order=order)),
        creates=visit.may(CLIENTS_WRITE),
        **paging.neighbours(visit, found, **sent),
    )


def _shown(client: ListedClient) -> Shown:
    days = [] if client.daily_tokens is UNSET else client.daily_tokens
    return Shown(client=client, tokens=sum(days), days=bars(days))


SCREENS = (
    Screen(
        path="/clients",
        get=show,
        needs=CLIENTS_READ,
        link=Link(group="directory", order=10, label=N_("Clients"), icon="clients"),
    ),
)
