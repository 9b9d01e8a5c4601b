"""/console/apis/{api_id}/history: every change of the API, who made it and why."""

from starlette.responses import Response

from service.console import api_subject, changes, histories, paging
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.values.scopes import CLIENTS_READ

PAGE_SIZE = 50


async def show(visit: ConsoleVisit) -> Response:
    subject = await api_subject.read(visit)
    found = await histories.page_of(visit, api_subject.path(visit), most=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return api_subject.page(
        visit,
        subject,
        "history.html",
        layout="api_base.html",
        entries=await changes.entries(visit, found.of(list[HistoryEntry])),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path=f"{api_subject.PATH}/history",
        get=show,
        needs=CLIENTS_READ,
        tab=Tab(of=api_subject.PATH, order=10, label=N_("History")),
    ),
)
