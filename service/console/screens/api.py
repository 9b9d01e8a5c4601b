"""/console/apis/{api_id}: what the API is, who is granted it, and its deletion."""

from starlette.responses import Response

from service.console import api_subject, histories
from service.console.api import CLIENTS
from service.console.api_subject import Subject
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Screen, Tab
from service.console.submission import submitted
from service.endpoints.client_schemas import ListedClient
from service.problems import NotFound
from service.values.scopes import CLIENTS_READ, OPERATE

MOST_CLIENTS = "50"


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, await api_subject.read(visit), untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    if visit.form.get("do") != "delete":
        raise NotFound("There is no such form on this page.")
    subject = await api_subject.read(visit)

    async def send() -> Response:
        await visit.api.send("DELETE", api_subject.path(visit), reason=visit.reason)
        return visit.to(visit.at("apis"), visit.gettext("The API is deleted, and withdrawn from all clients."))

    return await submitted(visit, OPERATE, send, lambda form, status: _page(visit, subject, form, status))


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    clients: list[ListedClient] = []
    if not subject.api.built_in:
        found = await visit.api.get(CLIENTS, api=subject.api.identifier, limit=MOST_CLIENTS)
        clients = found.of(list[ListedClient])
    return api_subject.page(
        visit,
        subject,
        "api.html",
        status=status,
        form=form,
        clients=clients,
        last=[] if subject.api.built_in else await histories.last_changes(visit, api_subject.path(visit)),
        writes=visit.may(OPERATE) and not subject.api.built_in,
    )


SCREENS = (
    Screen(
        path=api_subject.PATH,
        get=show,
        post=act,
        sensitive=does("delete"),
        needs=CLIENTS_READ,
        tab=Tab(of=api_subject.PATH, order=0, label=N_("Settings")),
    ),
)
