"""/console/bots/{bot_id}: what the bot is, which clients act as it, and what stops or restores it."""

from collections.abc import Mapping

from starlette.responses import Response

from service.console import bot, histories
from service.console.api import CLIENTS, Refused
from service.console.bot import Subject
from service.console.forms import FormState, untouched
from service.console.language import N_
from service.console.recent_sign_in import does
from service.console.screen import ConsoleVisit, Crumb, Screen, Tab
from service.console.submission import Change, carried_out, submitted
from service.endpoints.client_schemas import ListedClient
from service.endpoints.history_schemas import HistoryEntry
from service.endpoints.restoration import RestoredBot
from service.values.scopes import BOTS_READ, BOTS_WRITE, CLIENTS_READ, CLIENTS_WRITE

MOST_CLIENTS = "50"
CHANGES: Mapping[str, Change] = {
    "disable": Change("POST", ("disable",), N_("The bot is disabled. The tokens of its clients stopped working.")),
    "enable": Change("POST", ("enable",), N_("The bot is enabled.")),
    "delete": Change("DELETE", (), N_("The bot and its clients are deleted. You can still restore them.")),
}


async def show(visit: ConsoleVisit) -> Response:
    try:
        subject = await bot.read(visit)
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
        return await _page(visit, await bot.read(visit), form, status)

    return await carried_out(visit, CHANGES, bot.path, BOTS_WRITE, again)


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
        last=await histories.last_changes(visit, bot.path(visit)),
        writes=visit.may(BOTS_WRITE),
        creates=visit.may(CLIENTS_WRITE),
    )


async def _deleted(visit: ConsoleVisit, deleted: HistoryEntry, form: FormState, status: int = 200) -> Response:
    """Show what can be restored."""
    return visit.page(
        "bot_deleted.html",
        title=visit.gettext("Deleted bot"),
        crumbs=[Crumb(visit.gettext("Bots"), "/bots")],
        status=status,
        bot_id=visit.param("bot_id"),
        form=form,
        last=await histories.last_changes(visit, bot.path(visit)),
        restored=await _rehearsed(visit, deleted) if visit.may(BOTS_WRITE) else None,
    )


async def _rehearsed(visit: ConsoleVisit, deleted: HistoryEntry) -> RestoredBot | None:
    """Return what a restoration would do; None if the person may not restore the bot."""
    try:
        return (await visit.api.send("POST", bot.path(visit, "restore"), _before(deleted, dry=True))).of(RestoredBot)
    except Refused:
        return None


async def _restore(visit: ConsoleVisit) -> Response:
    deleted = await _deletion(visit)
    if deleted is None:
        return visit.to(visit.here, visit.gettext("The bot is there already."))

    async def send() -> Response:
        await visit.api.send("POST", bot.path(visit, "restore"), _before(deleted), reason=visit.reason)
        return visit.to(visit.here, visit.gettext("The bot is restored."))

    return await submitted(visit, BOTS_WRITE, send, lambda form, status: _deleted(visit, deleted, form, status))


async def _deletion(visit: ConsoleVisit) -> HistoryEntry | None:
    return await histories.end(visit, bot.path(visit), "bot.deleted")


def _before(deleted: HistoryEntry, *, dry: bool = False) -> Mapping[str, object]:
    return {"asOf": f"position:{deleted.position - 1}", "dryRun": dry}


SCREENS = (
    Screen(
        path=bot.PATH,
        get=show,
        post=act,
        sensitive=does("enable", "delete", "restore"),
        needs=BOTS_READ,
        tab=Tab(of=bot.PATH, order=0, label=N_("Settings")),
    ),
)
