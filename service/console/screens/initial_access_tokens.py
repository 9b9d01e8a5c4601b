"""/console/initial-access-tokens: the tokens with which clients register themselves, and how often each was used."""

from starlette.responses import Response

from service.console import paging
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.initial_access_tokens import PATH
from service.endpoints.initial_token_schemas import InitialAccessToken
from service.values.scopes import CLIENTS_READ

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    found = await visit.api.get(PATH, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "initial_access_tokens.html",
        title=visit.gettext("Initial access tokens"),
        tokens=found.of(list[InitialAccessToken]),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/initial-access-tokens",
        get=show,
        needs=CLIENTS_READ,
        link=Link(group="directory", order=18, label=N_("Initial access tokens"), icon="tokens"),
    ),
)
