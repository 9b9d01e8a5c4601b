"""/console/bots/{bot_id}/history: every change of the bot, who made it and why."""

from starlette.responses import Response

from service.console import bot, changes, histories, paging
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.values.scopes import BOTS_READ

PAGE_SIZE = 50


async def show(visit: ConsoleVisit) -> Response:
    subject = await bot.read(visit)
    found = await histories.page_of(visit, bot.path(visit), most=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return bot.page(
        visit,
        subject,
        "history.html",
        layout="bot_base.html",
        entries=await changes.entries(visit, found.of(list[HistoryEntry])),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path=f"{bot.PATH}/history",
        get=show,
        needs=BOTS_READ,
        tab=Tab(of=bot.PATH, order=10, label=N_("History")),
    ),
)
