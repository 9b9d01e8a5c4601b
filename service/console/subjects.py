"""What an event happened to, by name and with the page about it, if the console has one."""

from collections.abc import Iterable

from msgspec import Struct

from service.audit.event_json import AuditEvent
from service.console.api import BOTS, CLIENTS, USERS, Refused
from service.console.places import page_about, page_of_client
from service.console.registration import CLIENT_ID, STREAM
from service.console.screen import ConsoleVisit
from service.endpoints.bot_schemas import Bot
from service.endpoints.client_settings import OAuthClient
from service.endpoints.user_schemas import User
from service.values.scopes import BOTS_READ, CLIENTS_READ, USERS_READ

MOST_NAMES = 15
"""How many names a page asks the API for; what is left is shown by its id."""


class Subject(Struct, frozen=True, kw_only=True):
    """`url` is "" if there is no page about it."""

    id: str
    name: str
    url: str


async def subjects(visit: ConsoleVisit, events: Iterable[AuditEvent]) -> list[Subject]:
    """Return the subject of each event, in the same order."""
    given = [(each.type.partition(".")[0], _id(each)) for each in events]
    names = {key: await _name(visit, *key) for key in list(dict.fromkeys(given))[:MOST_NAMES]}
    return [Subject(id=id_, name=names.get((noun, id_), id_), url=_url(visit, noun, id_)) for noun, id_ in given]


def _url(visit: ConsoleVisit, noun: str, id_: str) -> str:
    return page_of_client(visit, id_) if noun == "client" else page_about(visit, noun, id_)


def _id(event: AuditEvent) -> str:
    return CLIENT_ID if event.stream_id == STREAM else event.subject


async def _name(visit: ConsoleVisit, noun: str, id_: str) -> str:
    """Return the name of today; the id for what is deleted, and for what the person may not read."""
    try:
        if noun == "client" and visit.may(CLIENTS_READ):
            return (await visit.api.get(f"{CLIENTS}/{id_}")).of(OAuthClient).display_name or id_
        if noun == "bot" and visit.may(BOTS_READ):
            return (await visit.api.get(f"{BOTS}/{id_}")).of(Bot).full_name or id_
        if noun == "user" and visit.may(USERS_READ):
            user = (await visit.api.get(f"{USERS}/{id_}")).of(User)
            return user.name or user.email or id_
    except Refused:
        return id_
    return id_
