"""/console/bots/{bot_id}: what the bot is, which clients act as it, and what stops or restores it."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import bot, changes
from service.console.api import CLIENTS, Refused
from service.console.bot import Subject
from service.console.forms import FormState, refused, untouched, without_reason
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Crumb, Screen, Tab
from service.endpoints.client_schemas import ListedClient
from service.endpoints.history_schemas import HistoryEntry
from service.endpoints.restoration import RestoredBot
from service.problems import NotFound
from service.values.scopes import BOTS_READ, BOTS_WRITE, CLIENTS_READ, CLIENTS_WRITE

LAST = 8
MOST_CLIENTS = "50"
DONE: Mapping[str, str] = {
    "disable": N_("The bot is disabled. The tokens of its clients stopped working."),
    "enable": N_("The bot is enabled."),
    "delete": N_("The bot and its clients are deleted. You can still restore them."),
}


async def show(visit: ConsoleVisit) -> Response:
    try:
        subject = await bot.read(visit)
    except Refused as fault:
        deleted = await bot.deletion(visit) if fault.problem.status == 404 else None
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
        return await _page(visit, await bot.read(visit), without_reason(visit), 400)
    try:
        if do == "delete":
            await visit.api.send("DELETE", bot.path(visit), reason=visit.reason)
        else:
            await visit.api.send("POST", bot.path(visit, do), reason=visit.reason)
    except Refused as fault:
        if not visit.may(BOTS_WRITE):
            raise
        return await _page(visit, await bot.read(visit), refused(visit.form, fault), fault.problem.status)
    return visit.to(_here(visit), visit.gettext(DONE[do]))


async def _page(visit: ConsoleVisit, subject: Subject, form: FormState, status: int = 200) -> Response:
    clients: list[ListedClient] = []
    if visit.may(CLIENTS_READ):
        found = await visit.api.get(CLIENTS, botUserId=subject.bot.id, limit=MOST_CLIENTS)
        clients = found.of(list[ListedClient])
    return bot.page(
        visit,
        subject,
        "bot.html",
        status=status,
        form=form,
        clients=clients,
        last=await changes.entries(visit, (await bot.history(visit, most=LAST)).of(list[HistoryEntry])),
        writes=visit.may(BOTS_WRITE),
        creates=visit.may(CLIENTS_WRITE),
    )


async def _deleted(visit: ConsoleVisit, deleted: HistoryEntry, form: FormState, status: int = 200) -> Response:
    """Show what can be restored."""
    last = (await bot.history(visit, most=LAST)).of(list[HistoryEntry])
    return visit.page(
        "bot_deleted.html",
        title=visit.gettext("Deleted bot"),
        crumbs=[Crumb(visit.gettext("Bots"), "/bots")],
        status=status,
        bot_id=visit.param("bot_id"),
        form=form,
        last=await changes.entries(visit, last),
        restored=await _rehearsed(visit, deleted) if visit.may(BOTS_WRITE) else None,
    )


async def _rehearsed(visit: ConsoleVisit, deleted: HistoryEntry) -> RestoredBot | None:
    """Return what a restoration would do; None if the person may not restore the bot."""
    try:
        return (await visit.api.send("POST", bot.path(visit, "restore"), _before(deleted, dry=True))).of(RestoredBot)
    except Refused:
        return None


async def _restore(visit: ConsoleVisit) -> Response:
    deleted = await bot.deletion(visit)
    if deleted is None:
        return visit.to(_here(visit), visit.gettext("The bot is there already."))
    if visit.reason is None:
        return await _deleted(visit, deleted, without_reason(visit), 400)
    try:
        await visit.api.send("POST", bot.path(visit, "restore"), _before(deleted), reason=visit.reason)
    except Refused as fault:
        return await _deleted(visit, deleted, refused(visit.form, fault), fault.problem.status)
    return visit.to(_here(visit), visit.gettext("The bot is restored."))


def _before(deleted: HistoryEntry, *, dry: bool = False) -> Mapping[str, object]:
    return {"asOf": f"position:{deleted.position - 1}", "dryRun": dry}


def _here(visit: ConsoleVisit) -> str:
    return visit.at("bots", visit.param("bot_id"))


SCREENS = (
    Screen(
        path=bot.PATH,
        get=show,
        post=act,
        sensitive=does("delete"),
        needs=BOTS_READ,
        tab=Tab(of=bot.PATH, order=0, label=N_("Settings")),
    ),
)
