"""/console/users/{user_id}/history: every change of the user, who made it and why."""

from starlette.responses import Response

from service.console import changes, histories, paging, user
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.values.scopes import USERS_READ

PAGE_SIZE = 50


async def show(visit: ConsoleVisit) -> Response:
    subject = await user.read(visit)
    found = await histories.page_of(visit, user.path(visit), most=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return user.page(
        visit,
        subject,
        "history.html",
        layout="user_base.html",
        entries=await changes.entries(visit, found.of(list[HistoryEntry])),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path=f"{user.PATH}/history",
        get=show,
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=30, label=N_("History")),
    ),
)
