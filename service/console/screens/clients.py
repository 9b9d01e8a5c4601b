"""/console/clients: which clients there are, found by a text, scope, state, owner and bot."""

from starlette.responses import Response

from service.console.actors import Names
from service.console.api import CLIENTS
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.client_schemas import ListedClient
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

PAGE_SIZE = "50"
FILTERS = ("q", "scope", "state", "owner", "botUserId")


async def show(visit: ConsoleVisit) -> Response:
    """The query of the page is that of the API, so a link to a list can be sent to somebody else."""
    chosen = {name: visit.query[name] for name in FILTERS if name in visit.query}
    found = await visit.api.get(CLIENTS, limit=PAGE_SIZE, cursor=visit.query.get("cursor"), **chosen)
    following, clients, names = found.following, found.of(list[ListedClient]), Names(visit)
    await names.learn(client.owner for client in clients)
    return visit.page(
        "clients.html",
        title=visit.gettext("Clients"),
        clients=clients,
        names=names,
        chosen=chosen,
        following="" if following is None else visit.at("clients", **chosen, cursor=following["cursor"]),
        first=visit.at("clients", **chosen) if "cursor" in visit.query else "",
        creates=visit.may(CLIENTS_WRITE),
    )


SCREENS = (
    Screen(
        path="/clients",
        get=show,
        needs=CLIENTS_READ,
        link=Link(group="directory", order=10, label=N_("Clients"), icon="clients"),
    ),
)
