"""/console/initial-access-tokens/{token_id}: every change of an initial access token: who issued, used and revoked it."""

from starlette.responses import Response

from service.console import histories
from service.console.language import N_
from service.console.screen import ConsoleVisit, Crumb, Screen
from service.endpoints.initial_access_tokens import PATH
from service.endpoints.initial_token_schemas import InitialAccessToken
from service.values.scopes import CLIENTS_READ

TITLE = N_("Initial access tokens")


async def show(visit: ConsoleVisit) -> Response:
    path = f"{PATH}/{visit.param('token_id')}"
    token = (await visit.api.get(path)).of(InitialAccessToken)
    return visit.page(
        "history.html",
        title=token.name,
        crumbs=[Crumb(visit.gettext(TITLE), "/initial-access-tokens")],
        layout="initial_access_token_base.html",
        token=token,
        **await histories.whole(visit, path),
    )


SCREENS = (Screen(path="/initial-access-tokens/{token_id}", get=show, needs=CLIENTS_READ),)
