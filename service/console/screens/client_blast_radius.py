"""/console/clients/{client_id}/blast-radius: what follows from a leaked secret of the client, and how all of it is stopped."""

from functools import partial

from starlette.responses import Response

from service.console import client, past_client, past_secrets, radius_page
from service.console.api import Refused
from service.console.language import N_
from service.console.radius_page import Origin, Place
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Screen, Tab
from service.endpoints.secret_schemas import ClientSecret
from service.values.scopes import AUDIT_READ


async def show(visit: ConsoleVisit) -> Response:
    return await radius_page.show(await _place(visit), visit.param("client_id"))


async def act(visit: ConsoleVisit) -> Response:
    return await radius_page.act(await _place(visit))


async def _place(visit: ConsoleVisit) -> Place:
    origins = await _origins(visit, visit.param("client_id"))
    return Place(visit=visit, render=partial(past_client.page, visit), origins=origins)


async def _origins(visit: ConsoleVisit, client_id: str) -> list[Origin]:
    """Return the client, its secrets, and those that it had: tokens of these may still be valid. A deleted client has only such."""
    former = [
        Origin(label=each.name, id=each.id, detail=each.hint, revoked_at=each.revoked_at)
        for each in await past_secrets.of_client(visit, client_id)
    ]
    whole = Origin(label=visit.gettext("The whole client"), id=client_id)
    try:
        found = await visit.api.get(client.path(visit, "secrets"))
    except Refused:
        return [whole, *former]
    secrets = found.of(list[ClientSecret])
    return [whole, *(Origin(label=each.name, id=str(each.secret_id), detail=each.hint) for each in secrets), *former]


SCREENS = (
    Screen(
        path=f"{client.PATH}/blast-radius",
        get=show,
        post=act,
        sensitive=does("stop"),
        needs=AUDIT_READ,
        tab=Tab(of=client.PATH, order=40, label=N_("Blast radius")),
    ),
)
