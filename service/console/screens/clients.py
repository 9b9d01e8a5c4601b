"""/console/clients: which clients there are, found by a text, scope, state, owner and bot, and sorted by the headings of the table."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET
from starlette.responses import Response

from service.console import filters, paging, sorting
from service.console.api import CLIENTS
from service.console.filters import Resolve
from service.console.forms import FormState
from service.console.language import N_
from service.console.names import Names, holder
from service.console.screen import ConsoleVisit, Link, Screen
from service.console.sorting import Orders
from service.endpoints.client_schemas import ListedClient
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

PAGE_SIZE = "50"
DAYS = 14
AHEAD = ("7", "30", "90")
"""The days within which a secret is to expire."""

FILTERS = ("q", "scope", "state", "owner", "botUserId", "expiresWithin")
USUAL = "oldest"
OF_DELETED = (USUAL, "newest")
COLUMNS: Mapping[str, Orders] = {
    "name": Orders("name", "ascending", "name_descending"),
    "used": Orders("recently_used", "descending", "long_unused"),
    "created": Orders("newest", "descending", "oldest"),
}


Shown = tuple[ListedClient, str, tuple[int, ...]]
"""A client, its owner's name, and its tokens of the last days, if there are any."""

BY_NAME: Mapping[str, Resolve] = {"owner": filters.owner, "botUserId": filters.acts_as}


async def find(visit: ConsoleVisit) -> Response:
    """An e-mail address in the place of a client's name is its owner's."""
    given = {**filters.typed(visit)}
    if "@" in given.get("q", "") and not given.get("owner"):
        given["owner"] = given.pop("q")
    led = await filters.led(visit, given, (*FILTERS, "order"), BY_NAME)
    if isinstance(led, Response):
        return led
    return await _page(visit, led, [], {"following": "", "first": ""}, status=404)


async def show(visit: ConsoleVisit) -> Response:
    """The query of the page is that of the API, so a link to a list can be sent to somebody else."""
    if filters.has_address(visit, BY_NAME):
        return await find(visit)
    chosen = {name: visit.query[name] for name in FILTERS if name in visit.query}
    sent, usage = {**chosen, "order": visit.query.get("order", USUAL)}, {"usageDays": str(DAYS)}
    if chosen.get("state") == "deleted":
        sent["order"], usage = sent["order"] if sent["order"] in OF_DELETED else USUAL, {}
    found = await visit.api.get(CLIENTS, limit=PAGE_SIZE, cursor=visit.query.get("cursor"), **usage, **sent)
    places = paging.neighbours(visit, found, **sent)
    return await _page(visit, FormState(values=chosen), found.of(list[ListedClient]), places)


async def _page(
    visit: ConsoleVisit, form: FormState, clients: Sequence[ListedClient], places: Mapping[str, Any], status: int = 200
) -> Response:
    chosen = {name: form.values[name] for name in FILTERS if name in form.values}
    order = visit.query.get("order", USUAL)
    owners = await _owners(visit, clients)
    return visit.page(
        "clients.html",
        title=visit.gettext("Clients"),
        status=status,
        form=form,
        hints=await filters.named(visit, chosen),
        clients=[_shown(client, owners[client.owner]) for client in clients],
        chosen=chosen,
        ahead=AHEAD,
        order=visit.query.get("order", ""),
        sorts=sorting.headings(COLUMNS, order, lambda order: visit.here_with(**chosen, order=order)),
        creates=visit.may(CLIENTS_WRITE),
        **places,
    )


async def _owners(visit: ConsoleVisit, clients: Sequence[ListedClient]) -> Mapping[str, str]:
    """Return the names of the owners: many clients have the same."""
    names, holders = Names(visit), {owner: holder(owner) for owner in dict.fromkeys(client.owner for client in clients)}
    await names.learn(holders.values())
    return {owner: names.of(each) for owner, each in holders.items()}


def _shown(client: ListedClient, owner: str) -> Shown:
    days = client.daily_tokens
    return client, owner, () if days is UNSET or not any(days) else tuple(days)


SCREENS = (
    Screen(
        path="/clients",
        get=show,
        post=find,
        needs=CLIENTS_READ,
        link=Link(group="directory", order=10, label=N_("Clients"), icon="clients"),
    ),
)
