"""/console/bots: the subjects that machine clients act as."""

from starlette.responses import Response

from service.console import paging
from service.console.api import BOTS
from service.console.language import N_
from service.console.names import Names, holder
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.bot_schemas import Bot
from service.values.scopes import BOTS_READ, BOTS_WRITE

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    found = await visit.api.get(BOTS, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    bots, names = found.of(list[Bot]), Names(visit)
    await names.learn(holder(bot.owner) for bot in bots)
    return visit.page(
        "bots.html",
        title=visit.gettext("Bots"),
        bots=bots,
        owners={bot.owner: names.of(holder(bot.owner)) for bot in bots},
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
