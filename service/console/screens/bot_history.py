"""/console/bots/{bot_id}/history: every change of the bot, who made it and why."""

from starlette.responses import Response

from service.console import bot, changes
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.values.scopes import BOTS_READ

PAGE_SIZE = 50


async def show(visit: ConsoleVisit) -> Response:
    subject = await bot.read(visit)
    found = await bot.history(visit, most=PAGE_SIZE, cursor=visit.query.get("cursor"))
    following, here = found.following, ("bots", visit.param("bot_id"), "history")
    return bot.page(
        visit,
        subject,
        "bot_history.html",
        entries=await changes.entries(visit, found.of(list[HistoryEntry])),
        following="" if following is None else visit.at(*here, cursor=following["cursor"]),
        first=visit.at(*here) if "cursor" in visit.query else "",
    )


SCREENS = (
    Screen(
        path=f"{bot.PATH}/history",
        get=show,
        needs=BOTS_READ,
        tab=Tab(of=bot.PATH, order=10, label=N_("History")),
    ),
)
