"""/console/bots/{bot_id}/history: every change of the bot, who made it and why."""

from starlette.responses import Response

from service.console import bot, histories
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.values.scopes import BOTS_READ


async def show(visit: ConsoleVisit) -> Response:
    subject = await bot.read(visit)
    history = await histories.whole(visit, bot.path(visit))
    return bot.page(visit, subject, "history.html", layout="bot_base.html", **history)


SCREENS = (
    Screen(
        path=f"{bot.PATH}/history",
        get=show,
        needs=BOTS_READ,
        tab=Tab(of=bot.PATH, order=10, label=N_("History")),
    ),
)
