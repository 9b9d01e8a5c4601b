"""/console/users/{user_id}/history: every change of the user, who made it and why."""

from starlette.responses import Response

from service.console import changes, user
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.values.scopes import USERS_READ

PAGE_SIZE = 50


async def show(visit: ConsoleVisit) -> Response:
    subject = await user.read(visit)
    found = await user.history(visit, most=PAGE_SIZE, cursor=visit.query.get("cursor"))
    following, here = found.following, ("users", visit.param("user_id"), "history")
    return user.page(
        visit,
        subject,
        "user_history.html",
        entries=await changes.entries(visit, found.of(list[HistoryEntry])),
        following="" if following is None else visit.at(*here, cursor=following["cursor"]),
        first=visit.at(*here) if "cursor" in visit.query else "",
    )


SCREENS = (
    Screen(
        path=f"{user.PATH}/history",
        get=show,
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=30, label=N_("History")),
    ),
)
