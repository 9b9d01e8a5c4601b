"""/console/new/bot: a bot for machine clients to act as."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.console.api import BOTS
from service.console.forms import UNTOUCHED, FormState
from service.console.screen import ConsoleVisit, Crumb, Screen
from service.console.submission import submitted
from service.crypto.credentials import new_id
from service.endpoints.bot_schemas import Bot
from service.values.scopes import BOTS_WRITE

FIELDS = ("email", "firstName", "lastName")


async def show(visit: ConsoleVisit) -> Response:
    return await _page(visit, UNTOUCHED)


async def create(visit: ConsoleVisit) -> Response:
    """A form that is sent twice creates one bot, by its Idempotency-Key."""

    async def send() -> Response:
        body, key = _body(visit.form), visit.form.get("key") or None
        made = await visit.api.send("POST", BOTS, body, reason=visit.reason, key=key)
        return visit.to(visit.at("bots", made.of(Bot).id), visit.gettext("The bot is created."))

    return await submitted(visit, BOTS_WRITE, send, lambda form, status: _page(visit, form, status))


def _body(form: Mapping[str, str]) -> Mapping[str, Any]:
    given = {name: form.get(name, "").strip() for name in FIELDS}
    return {name: text for name, text in given.items() if text or name == "email"}


async def _page(visit: ConsoleVisit, form: FormState, status: int = 200) -> Response:
    return visit.page(
        "new_bot.html",
        title=visit.gettext("New bot"),
        crumbs=[Crumb(visit.gettext("Bots"), "/bots")],
        status=status,
        form=form,
        key=form.value("key") or str(new_id()),
    )


SCREENS = (Screen(path="/new/bot", get=show, post=create, below="/bots", needs=BOTS_WRITE),)
