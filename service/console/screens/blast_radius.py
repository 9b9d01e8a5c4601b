"""/console/blast-radius: what follows from a compromise of anything: a secret, user, session, key or actor."""

from typing import Any

from starlette.responses import Response

from service.console import radius_page
from service.console.language import N_
from service.console.radius_page import Place
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Link, Screen
from service.values.scopes import AUDIT_READ


async def show(visit: ConsoleVisit) -> Response:
    return await radius_page.show(_place(visit))


async def act(visit: ConsoleVisit) -> Response:
    return await radius_page.act(_place(visit))


def _place(visit: ConsoleVisit) -> Place:
    async def render(template: str, *, status: int = 200, **context: Any) -> Response:
        title = visit.gettext("Blast radius")
        return visit.page(template, title=title, status=status, client=None, layout="console.html", **context)

    return Place(visit=visit, render=render, origins=[])


SCREENS = (
    Screen(
        path="/blast-radius",
        get=show,
        post=act,
        sensitive=does("stop"),
        needs=AUDIT_READ,
        link=Link(group="evidence", order=40, label=N_("Blast radius"), icon="blast"),
    ),
)
