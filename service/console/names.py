"""The names of clients, bots and users that a page mentions. All of a kind are read at once, as far as the reader may see them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from events.ids import bot_stream, client_id_of, client_stream
from service.console.api import APIS, BOTS, CLIENTS, USERS, Answer
from service.console.screen import ConsoleVisit
from service.endpoints import paging
from service.endpoints.api_schemas import Api
from service.endpoints.bot_schemas import Bot
from service.endpoints.client_schemas import ListedClient
from service.endpoints.several import IDS, MOST_IDS
from service.endpoints.user_schemas import User
from service.values.scopes import BOTS_READ, CLIENTS_READ, USERS_READ
from service.values.uuids import uuid_of

Ref = tuple[str, str]
"""The noun of a thing, as in the types of events, and its id there."""

NONE: Mapping[Ref, str] = {}


class Names:
    """The names of today; of a deleted client, its last one. What the reader may not see stays an id."""

    def __init__(self, visit: ConsoleVisit, given: Mapping[Ref, str] = NONE) -> None:
        """`given` are names that the page knows already."""
        self._visit = visit
        self._known: dict[Ref, str] = {**given}
        if visit.access.person.name:
            self._known[("user", str(visit.access.user))] = visit.access.person.name

    async def learn(self, things: Iterable[Ref]) -> None:
        """Read the names of these things; of other nouns there are none."""
        wanted = [thing for thing in dict.fromkeys(things) if thing not in self._known and thing[1]]
        for noun, (scope, read) in READS.items():
            ids = [id_ for of, id_ in wanted if of == noun]
            if self._visit.may(scope):
                for first in range(0, len(ids), MOST_IDS):
                    found = await read(self._visit, ids[first : first + MOST_IDS])
                    self._known |= {(noun, id_): name for id_, name in found.items() if name}

    def give(self, names: Mapping[Ref, str]) -> None:
        self._known |= names

    def of(self, thing: Ref) -> str:
        return self._known.get(thing, thing[1])

    def known(self, thing: Ref) -> str:
        """Return the name, or "" for what stays an id."""
        return self._known.get(thing, "")


def holder(sub: str) -> Ref:
    """Return what a `sub` stands for, such as that of an owner: a bot or a user."""
    return ("user" if bot_stream(sub) is None else "bot", sub)


async def _clients(visit: ConsoleVisit, ids: Sequence[str]) -> Mapping[str, str]:
    """Events name an imported client by its stream; the list, by its client_id."""
    found = (await _listed(visit, CLIENTS, ids)).of(list[ListedClient])
    if len(found) < len(ids):
        found += (await _listed(visit, CLIENTS, ids, state="deleted")).of(list[ListedClient])
    names = {each.client_id: each.display_name or "" for each in found}
    recorded = {client_id_of(stream): name for id_, name in names.items() if (stream := client_stream(id_)) is not None}
    return {**recorded, **names}


async def _bots(visit: ConsoleVisit, ids: Sequence[str]) -> Mapping[str, str]:
    found = (await _listed(visit, BOTS, ids)).of(list[Bot])
    return {each.id: each.full_name or each.email or "" for each in found}


async def _users(visit: ConsoleVisit, ids: Sequence[str]) -> Mapping[str, str]:
    """A `sub` may be neither of a bot nor of a user."""
    users = [id_ for id_ in ids if uuid_of(id_) is not None]
    found = (await _listed(visit, USERS, users)).of(list[User]) if users else []
    return {str(each.id): each.name or each.email or "" for each in found}


async def _apis(visit: ConsoleVisit, ids: Sequence[str]) -> Mapping[str, str]:
    """There are few, so the first page has them; another one stays an id."""
    found = (await visit.api.get(APIS, limit=str(paging.MOST))).of(list[Api])
    return {each.id: each.name for each in found if each.id in ids}


async def _listed(visit: ConsoleVisit, path: str, ids: Sequence[str], **filters: str) -> Answer:
    return await visit.api.get(path, limit=str(MOST_IDS), **{IDS: " ".join(ids)}, **filters)


Read = Callable[[ConsoleVisit, Sequence[str]], Awaitable[Mapping[str, str]]]
READS: Mapping[str, tuple[str, Read]] = {
    "client": (CLIENTS_READ, _clients),
    "bot": (BOTS_READ, _bots),
    "user": (USERS_READ, _users),
    "api": (CLIENTS_READ, _apis),
}
"""By noun: the scope that reads it, and how."""
