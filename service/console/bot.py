"""What the pages of one bot have in common: the bot, and its name."""

from typing import Any

from msgspec import Struct
from starlette.responses import Response

from service.console.api import BOTS
from service.console.screen import ConsoleVisit, Crumb
from service.endpoints.bot_schemas import Bot

PATH = "/bots/{bot_id}"
"""`Tab.of` of the pages of a bot."""


class Subject(Struct, frozen=True, kw_only=True):
    """The bot of this page."""

    bot: Bot

    @property
    def name(self) -> str:
        return self.bot.full_name or self.bot.email or self.bot.id


def path(visit: ConsoleVisit, *rest: str) -> str:
    """Return a path of the API below the bot of this page."""
    return "/".join((BOTS, visit.param("bot_id"), *rest))


async def read(visit: ConsoleVisit) -> Subject:
    """Raises Refused, with status 404 for a bot that does not exist or is another owner's."""
    return Subject(bot=(await visit.api.get(path(visit))).of(Bot))


def page(visit: ConsoleVisit, subject: Subject, template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a page about the bot. Its template extends bot_base.html."""
    crumbs = [Crumb(visit.gettext("Bots"), "/bots")]
    return visit.page(template, title=subject.name, crumbs=crumbs, status=status, bot=subject.bot, **context)
