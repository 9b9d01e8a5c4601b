"""Who caused an event, by name, as far as the reader may read it; else by id."""

import re
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from service.audit.event_json import ActorClient, ActorOperator, ActorService, ActorUser, AnyActor
from service.console.language import N_
from service.console.names import Names, Ref, holder
from service.console.registration import CLIENT_ID
from service.console.screen import ConsoleVisit

WHYS = (
    N_("the session expired"),
    N_("the tokens of the assertion have expired"),
    N_("a client's metadata document was read"),
    N_("the parameters of password hashing changed"),
    N_("the bot was deleted"),
    N_("the account was changed during the sign-in"),
    N_("more requests were refused than are recorded"),
    N_("first run"),
    N_("a client registered itself"),
    N_("an imported secret was proved"),
    N_("a code of a device was refused"),
    N_("a request in the name of a client was refused"),
    N_("the console was opened"),
    N_("sign-in through the upstream provider"),
    N_("first sign-in through the upstream provider"),
    N_("first identity assertion of a trusted issuer"),
    N_("a client is told that the session ended"),
    N_("a session cookie was used after the session ended"),
    N_("the user was disabled or erased"),
    N_("the password was changed"),
    N_("the consent was withdrawn"),
    N_("the session was ended"),
    N_("the client was deleted, and restored since"),
)
"""Why the service does something, as the log has it."""

IN_OTHER_WORDS = {"back-channel logout": "a client is told that the session ended"}
"""What the log writes in words that are not of the pages."""

RETENTION = N_("retention of %(days)s days")
UNUSED = N_("not used for %(days)s days")
_unused = re.compile(r"not used for (?P<days>\d+) days").fullmatch
_retention = re.compile(r"retention of (?P<days>\d+) days").fullmatch


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
            why = of_service(visit.gettext, actor.why)
            return Actor(name="Muniment", how="service", detail=why or actor.why, translated=why is not None)


def of_service(gettext: Callable[[str], str], why: str) -> str | None:
    """Return why the service does something, in the reader's language; None for what an older version wrote."""
    if found := _retention(why):
        return gettext(RETENTION) % found.groupdict()
    if found := _unused(why):
        return gettext(UNUSED) % found.groupdict()
    text = IN_OTHER_WORDS.get(why, why)
    return gettext(text) if text in WHYS else None
