"""/console/apis/{api_id}/history: every change of the API, who made it and why."""

from starlette.responses import Response

from service.console import api_subject, histories
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.values.scopes import CLIENTS_READ


async def show(visit: ConsoleVisit) -> Response:
    subject = await api_subject.read(visit)
    history = await histories.whole(visit, api_subject.path(visit))
    return api_subject.page(visit, subject, "history.html", layout="api_base.html", **history)


SCREENS = (
    Screen(
        path=f"{api_subject.PATH}/history",
        get=show,
        needs=CLIENTS_READ,
        tab=Tab(of=api_subject.PATH, order=10, label=N_("History")),
    ),
)
