"""/console/clients/{client_id}: what the client is, what happened to it last, and what stops or restores it."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import changes, client, made_secret
from service.console.actors import Names
from service.console.api import Refused
from service.console.bars import bars
from service.console.client import Subject
from service.console.forms import FormState, refused, untouched, without_reason
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Crumb, Screen, Tab
from service.endpoints.history_schemas import HistoryEntry
from service.endpoints.restoration import RestoredClient
from service.endpoints.usage import ClientUsage
from service.problems import NotFound
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

LAST = 8
DONE: Mapping[str, str] = {
    "disable": N_("The client is disabled. Its tokens stopped working."),
    "enable": N_("The client is enabled."),
    "delete": N_("The client is deleted. Its tokens stopped working. You can still restore it."),
}


async def show(visit: ConsoleVisit) -> Response:
    try:
        subject = await client.read(visit)
    except Refused as fault:
        deleted = await client.deletion(visit) if fault.problem.status == 404 else None
        if deleted is None:
            raise
        return await _deleted(visit, deleted, untouched(visit))
    return await _page(visit, subject, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    do = visit.form.get("do", "")
    if do == "restore":
        return await _restore(visit)
    if do not in DONE:
        raise NotFound("There is no such form on this page.")
    if visit.reason is None:
        return await _page(visit, await client.read(visit), without_reason(visit))
    try:
        if do == "delete":
            await visit.api.send("DELETE", client.path(visit), reason=visit.reason)
        else:
            await visit.api.send("POST", client.path(visit, do), reason=visit.reason)
    except Refused as fault:
        if not visit.may(CLIENTS_WRITE):
            raise
        return await _page(visit, await client.read(visit), refused(visit.form, fault), fault.problem.status)
    return visit.to(_here(visit), visit.gettext(DONE[do]))


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    last, names = await client.history(visit, most=LAST), Names(visit)
    await names.learn([subject.client.owner])
    usage = (await visit.api.get(client.path(visit, "usage"))).of(list[ClientUsage])
    return client.page(
        visit,
        subject,
        "client.html",
        status=400 if form.failed and status == 200 else status,
        form=form,
        last=await changes.entries(visit, last),
        owner=names.of(subject.client.owner),
        days=bars([each.tokens for each in usage]),
        tokens=sum(each.tokens for each in usage),
        writes=visit.may(CLIENTS_WRITE),
    )


async def _deleted(visit: ConsoleVisit, deleted: HistoryEntry, form: FormState, status: int = 200) -> Response:
    """Show what can be restored."""
    last = await client.history(visit, most=LAST)
    return visit.page(
        "client_deleted.html",
        title=visit.gettext("Deleted client"),
        crumbs=[Crumb(visit.gettext("Clients"), "/clients")],
        status=400 if form.failed and status == 200 else status,
        client_id=visit.param("client_id"),
        form=form,
        last=await changes.entries(visit, last),
        restored=await _rehearsed(visit, deleted) if visit.may(CLIENTS_WRITE) else None,
        writes=visit.may(CLIENTS_WRITE),
    )


async def _rehearsed(visit: ConsoleVisit, deleted: HistoryEntry) -> RestoredClient | None:
    """Return what a restoration would do; None if the person may not restore the client."""
    body = {"asOf": f"position:{deleted.position - 1}", "keepSecrets": True, "dryRun": True}
    try:
        return (await visit.api.send("POST", client.path(visit, "restore"), body)).of(RestoredClient)
    except Refused:
        return None


async def _restore(visit: ConsoleVisit) -> Response:
    deleted = await client.deletion(visit)
    if deleted is None:
        return visit.to(_here(visit), visit.gettext("The client is there already."))
    if visit.reason is None:
        return await _deleted(visit, deleted, without_reason(visit))
    body = {"asOf": f"position:{deleted.position - 1}", "keepSecrets": visit.form.get("keep") == "yes"}
    try:
        done = await visit.api.send("POST", client.path(visit, "restore"), body, reason=visit.reason)
    except Refused as fault:
        return await _deleted(visit, deleted, refused(visit.form, fault), fault.problem.status)
    restored = done.of(RestoredClient)
    if restored.client_secret is None:
        return visit.to(_here(visit), visit.gettext("The client is restored."))
    its_page = visit.at("clients", visit.param("client_id"), "secrets")
    return await made_secret.to_its_page(visit, its_page, done, visit.param("client_id"), restored.client_secret)


def _here(visit: ConsoleVisit) -> str:
    return visit.at("clients", visit.param("client_id"))


SCREENS = (
    Screen(
        path=client.PATH,
        get=show,
        post=act,
        sensitive=does("delete", "restore"),
        needs=CLIENTS_READ,
        tab=Tab(of=client.PATH, order=0, label=N_("Settings")),
    ),
)
