"""/console/apis: what tokens can be for."""

from starlette.responses import Response

from service.console import paging
from service.console.api import APIS
from service.console.language import N_
from service.console.screen import ConsoleVisit, Link, Screen
from service.endpoints.api_schemas import Api
from service.values.scopes import CLIENTS_READ, OPERATE

PAGE_SIZE = "50"


async def show(visit: ConsoleVisit) -> Response:
    found = await visit.api.get(APIS, limit=PAGE_SIZE, cursor=visit.query.get("cursor"))
    return visit.page(
        "apis.html",
        title=visit.gettext("APIs"),
        apis=found.of(list[Api]),
        creates=visit.may(OPERATE),
        **paging.neighbours(visit, found),
    )


SCREENS = (
    Screen(
        path="/apis",
        get=show,
        needs=CLIENTS_READ,
        link=Link(group="directory", order=15, label=N_("APIs"), icon="apis"),
    ),
)
