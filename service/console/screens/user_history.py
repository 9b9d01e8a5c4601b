"""/console/users/{user_id}/history: every change of the user, who made it and why."""

from starlette.responses import Response

from service.console import histories, user
from service.console.language import N_
from service.console.screen import ConsoleVisit, Screen, Tab
from service.values.scopes import USERS_READ


async def show(visit: ConsoleVisit) -> Response:
    subject = await user.read(visit)
    history = await histories.whole(visit, user.path(visit))
    return user.page(visit, subject, "history.html", layout="user_base.html", **history)


SCREENS = (
    Screen(
        path=f"{user.PATH}/history",
        get=show,
        needs=USERS_READ,
        tab=Tab(of=user.PATH, order=30, label=N_("History")),
    ),
)
