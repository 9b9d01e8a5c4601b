"""Who caused an event, by name: a person's name where the reader may read users, else the id."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from service.audit.event_json import ActorClient, ActorOperator, ActorService, ActorUser, AnyActor
from service.console.api import USERS, Refused
from service.console.registration import CLIENT_ID
from service.console.screen import ConsoleVisit
from service.endpoints.user_schemas import User
from service.values.scopes import USERS_READ
from service.values.uuids import is_uuid

MOST_NAMES = 10
"""How many people a page asks the API for; further ones are shown by their ids."""


class Actor(Struct, frozen=True, kw_only=True):
    """`detail` says by which client, or why the service did it."""

    name: str
    how: Literal["person", "client", "operator", "service"]
    detail: str = ""


class Names:
    """The names of the people on a page; each is read once."""

    def __init__(self, visit: ConsoleVisit) -> None:
        self._visit = visit
        self._known: dict[str, str] = {str(visit.access.user): visit.access.person.name}

    async def learn(self, ids: Iterable[str]) -> None:
        """Read these users. An erased one, and a `sub` that is no user, stay ids."""
        if not self._visit.may(USERS_READ):
            return
        for user in list(dict.fromkeys(ids))[:MOST_NAMES]:
            if user not in self._known and is_uuid(user):
                self._known[user] = await self._name(user)

    def of(self, user: str) -> str:
        return self._known.get(user, user)

    async def _name(self, user: str) -> str:
        try:
            found = (await self._visit.api.get(f"{USERS}/{user}")).of(User)
        except Refused:
            return user
        return found.name or found.email or user


async def named(visit: ConsoleVisit, actors: Iterable[AnyActor], names: Names | None = None) -> list[Actor]:
    """Return the actors, in the same order."""
    given, known = list(actors), names or Names(visit)
    await known.learn(user for user in map(_person, given) if user is not None)
    return [_actor(each, known) for each in given]


def _person(actor: AnyActor) -> str | None:
    match actor:
        case ActorUser():
            return str(actor.user_id)
        case ActorClient():
            return actor.sub if actor.client_id == CLIENT_ID else None
        case ActorOperator() | ActorService():
            return None


def _actor(actor: AnyActor, names: Names) -> Actor:
    match actor:
        case ActorUser():
            return Actor(name=names.of(str(actor.user_id)), how="person")
        case ActorClient() if actor.client_id == CLIENT_ID:
            return Actor(name=names.of(actor.sub), how="person")
        case ActorClient():
            return Actor(name=actor.sub, how="client", detail=actor.client_id)
        case ActorOperator():
            return Actor(name=actor.user, how="operator")
        case ActorService():
            return Actor(name="Muniment", how="service", detail=actor.why)
