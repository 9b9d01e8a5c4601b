"""Who caused an event, by name, as far as the reader may read it; else by id."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from service.audit.event_json import ActorClient, ActorOperator, ActorService, ActorUser, AnyActor
from service.console.language import N_
from service.console.names import Names, Ref, holder
from service.console.registration import CLIENT_ID
from service.console.screen import ConsoleVisit

WHYS = (
    N_("the session expired"),
    N_("the parameters of password hashing changed"),
    N_("the bot was deleted"),
    N_("the account was changed during the sign-in"),
    N_("more requests were refused than are recorded"),
    N_("first run"),
    N_("an imported secret was proved"),
    N_("a request in the name of a client was refused"),
    N_("the console was opened"),
)
"""Why the service does something, as the log has it."""


class Actor(Struct, frozen=True, kw_only=True):
    """`detail` says by which client and for whom it acted, or why the service did it."""

    name: str
    how: Literal["person", "client", "operator", "service"]
    detail: str = ""
    translated: bool = False


async def named(visit: ConsoleVisit, actors: Iterable[AnyActor], names: Names | None = None) -> list[Actor]:
    """Return the actors, in the same order."""
    given, known = list(actors), names or Names(visit)
    await known.learn(thing for each in given for thing in things(each))
    return [_actor(visit, each, known) for each in given]


def things(actor: AnyActor) -> list[Ref]:
    """Return what the name of the actor is taken from: the first that has one."""
    match actor:
        case ActorUser():
            return [("user", str(actor.user_id))]
        case ActorClient() if actor.client_id == CLIENT_ID:
            return [("user", actor.sub)]
        case ActorClient():
            return [("client", actor.client_id), holder(actor.sub)]
        case ActorOperator() | ActorService():
            return []


def _actor(visit: ConsoleVisit, actor: AnyActor, names: Names) -> Actor:
    match actor:
        case ActorUser():
            return Actor(name=names.of(("user", str(actor.user_id))), how="person")
        case ActorClient() if actor.client_id == CLIENT_ID:
            return Actor(name=names.of(("user", actor.sub)), how="person")
        case ActorClient():
            known = [name for each in things(actor) if (name := names.known(each))]
            name = known[0] if known else actor.sub
            return Actor(name=name, how="client", detail=f"{actor.client_id} · {actor.sub}")
        case ActorOperator():
            return Actor(name=actor.user, how="operator")
        case ActorService():
            known = actor.why in WHYS
            why = visit.gettext(actor.why) if known else actor.why
            return Actor(name="Muniment", how="service", detail=why, translated=known)
