"""/console/clients/{client_id}: what the client is, what happened to it last, and what stops or restores it."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import client, histories, made_secret
from service.console.api import Refused
from service.console.bars import bars
from service.console.client import Subject
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.names import Names, holder
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Crumb, Screen, Tab
from service.console.submission import Change, carried_out, submitted
from service.endpoints.history_schemas import HistoryEntry
from service.endpoints.restoration import RestoredClient
from service.endpoints.usage import ClientUsage
from service.values.scopes import CLIENTS_READ, CLIENTS_WRITE

CHANGES: Mapping[str, Change] = {
    "disable": Change("POST", ("disable",), N_("The client is disabled. Its tokens stopped working.")),
    "enable": Change("POST", ("enable",), N_("The client is enabled.")),
    "delete": Change("DELETE", (), N_("The client is deleted. Its tokens stopped working. You can still restore it.")),
}


async def show(visit: ConsoleVisit) -> Response:
    try:
        subject = await client.read(visit)
    except Refused as fault:
        deleted = await _deletion(visit) if fault.problem.status == 404 else None
        if deleted is None:
            raise
        return await _deleted(visit, deleted, untouched(visit))
    return await _page(visit, subject, untouched(visit))


async def act(visit: ConsoleVisit) -> Response:
    if visit.form.get("do") == "restore":
        return await _restore(visit)

    async def again(form: FormState, status: int) -> Response:
        return await _page(visit, await client.read(visit), form, status)

    return await carried_out(visit, CHANGES, client.path, CLIENTS_WRITE, again)


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    names, owner, bot = Names(visit), holder(subject.client.owner), ("bot", subject.client.bot_user_id or "")
    await names.learn([owner, bot])
    usage = (await visit.api.get(client.path(visit, "usage"))).of(list[ClientUsage])
    return client.page(
        visit,
        subject,
        "client.html",
        status=status,
        form=form,
        last=await histories.last_changes(visit, client.path(visit), names),
        owner=names.of(owner),
        bot=names.of(bot),
        pkce_of_all=visit.browser.resources.settings.pkce_of_all,
        days=bars([each.tokens for each in usage], [each.day for each in usage]),
        tokens=sum(each.tokens for each in usage),
        writes=visit.may(CLIENTS_WRITE),
    )


async def _deleted(visit: ConsoleVisit, deleted: HistoryEntry, form: FormState, status: int = 200) -> Response:
    """Show what can be restored."""
    return visit.page(
        "client_deleted.html",
        title=client.name_before([deleted]) or visit.param("client_id"),
        crumbs=[Crumb(visit.gettext("Clients"), "/clients")],
        status=status,
        client_id=visit.param("client_id"),
        form=form,
        last=await histories.last_changes(visit, client.path(visit)),
        restored=await _rehearsed(visit, deleted) if visit.may(CLIENTS_WRITE) else None,
    )


async def _rehearsed(visit: ConsoleVisit, deleted: HistoryEntry) -> RestoredClient | None:
    """Return what a restoration would do; None if the person may not restore the client."""
    body = {"asOf": f"position:{deleted.position - 1}", "keepSecrets": True, "dryRun": True}
    try:
        return (await visit.api.send("POST", client.path(visit, "restore"), body)).of(RestoredClient)
    except Refused:
        return None


async def _restore(visit: ConsoleVisit) -> Response:
    deleted = await _deletion(visit)
    if deleted is None:
        return visit.to(visit.here, visit.gettext("The client is there already."))

    async def send() -> Response:
        body = {"asOf": f"position:{deleted.position - 1}", "keepSecrets": visit.form.get("keep") == "yes"}
        done = await visit.api.send("POST", client.path(visit, "restore"), body, reason=visit.reason)
        secret, client_id = done.of(RestoredClient).client_secret, visit.param("client_id")
        if secret is None:
            return visit.to(visit.here, visit.gettext("The client is restored."))
        its_page, said = (
            visit.at("clients", client_id, "secrets"),
            visit.gettext("The client is restored, with a new secret."),
        )
        return await made_secret.to_its_page(visit, its_page, done, client_id, secret, said=said)

    return await submitted(visit, CLIENTS_WRITE, send, lambda form, status: _deleted(visit, deleted, form, status))


async def _deletion(visit: ConsoleVisit) -> HistoryEntry | None:
    return await histories.end(visit, client.path(visit), "client.deleted")


SCREENS = (
    Screen(
        path=client.PATH,
        get=show,
        post=act,
        sensitive=does("enable", "delete", "restore"),
        needs=CLIENTS_READ,
        tab=Tab(of=client.PATH, order=0, label=N_("Settings")),
    ),
)
