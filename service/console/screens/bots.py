"""/console/bots: the subjects that machine clients act as."""

from starlette.responses import Response

from service.console import paging
from service.console.api import BOTS
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.bot_schemas import Bot
from service.values.scopes import BOTS_READ, BOTS_WRITE

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    found = await visit.api.get(BOTS, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "bots.html",
        title=visit.gettext("Bots"),
        bots=found.of(list[Bot]),
        creates=visit.may(BOTS_WRITE),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/bots",
        get=show,
        needs=BOTS_READ,
        link=Link(group="directory", order=20, label=N_("Bots"), icon="bots"),
    ),
)
