"""What a person types to name something, as the rows show it: an e-mail address, a name, an id. It is resolved to the id before it is in a URL."""

from collections.abc import Mapping

from events.ids import is_ours
from service.console.api import BOTS, CLIENTS, USERS, Refused
from service.console.language import N_
from service.console.screen import ConsoleVisit
from service.endpoints.bot_schemas import Bot
from service.endpoints.client_schemas import ListedClient
from service.endpoints.user_schemas import User

NO_USER = N_("No user has this email address. It must be complete: addresses are encrypted.")
NO_BOT = N_("No bot has this ID or name.")
NO_CLIENT = N_("No client has this ID or name.")
MANY_CLIENTS = N_("Several clients have this name. Give the ID of one of them.")
SOME, MANY = "100", "1000"


class NoneNamed(Exception):
    """Nothing has this name. The sentence is in English, marked by N_."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


async def user(visit: ConsoleVisit, address: str) -> str:
    """Return the id of the user with this e-mail address. Raises NoneNamed."""
    try:
        found = (await visit.api.get(USERS, email=address)).of(list[User])
    except Refused as fault:
        if fault.problem.status != 400:
            raise
        raise NoneNamed(NO_USER) from fault
    if not found:
        raise NoneNamed(NO_USER)
    return str(found[0].id)


async def client(visit: ConsoleVisit, text: str) -> str:
    """Return the id of the client with this id or name; if no client has it, of the deleted one. Raises NoneNamed."""
    if is_ours(text):
        return text
    for filters in ({}, {"state": "deleted"}):
        if same := await _clients(visit, text, filters):
            if len(same) > 1:
                raise NoneNamed(MANY_CLIENTS)
            return same[0]
    raise NoneNamed(NO_CLIENT)


async def _clients(visit: ConsoleVisit, text: str, filters: Mapping[str, str]) -> list[str]:
    """Return the ids of the clients in this list that have the id, else of those that have the name."""
    found = (await visit.api.get(CLIENTS, q=text, limit=SOME, **filters)).of(list[ListedClient])
    if any(each.client_id == text for each in found):
        return [text]
    return [each.client_id for each in found if (each.display_name or "").casefold() == text.casefold()]


async def bot(visit: ConsoleVisit, text: str) -> str:
    """Return the id of the bot with this id, name or e-mail address, among the first thousand. Raises NoneNamed."""
    found = (await visit.api.get(BOTS, limit=MANY)).of(list[Bot])
    wanted = text.casefold()
    for each in found:
        if wanted in (each.id, (each.full_name or "").casefold(), (each.email or "").casefold()):
            return each.id
    raise NoneNamed(NO_BOT)


async def has_any(visit: ConsoleVisit, path: str, name: str, text: str) -> bool:
    """Return whether a list has something with this value of a filter. Raises Refused, except for a value that cannot be one."""
    try:
        return (await visit.api.get(path, limit="1", **{name: text})).of(list[object]) != []
    except Refused as fault:
        if fault.problem.status != 400:
            raise
        return False
