"""What an event happened to, by name and with the page about it, if the console has one."""

from collections.abc import Sequence

from msgspec import Struct

from service.audit.event_json import AuditEvent
from service.console.names import Names, Ref
from service.console.places import page_about, page_of_client
from service.console.registration import CLIENT_ID, STREAM
from service.console.screen import ConsoleVisit


class Subject(Struct, frozen=True, kw_only=True):
    """`url` is "" if there is no page about it."""

    id: str
    name: str
    url: str


def thing_of(event: AuditEvent) -> Ref:
    """Return what the event happened to; for a refused request, the client that sent it."""
    if event.type.startswith("refusal."):
        return "client", event.data.get("client_id") or ""
    return event.type.partition(".")[0], CLIENT_ID if event.stream_id == STREAM else event.subject


async def subjects(visit: ConsoleVisit, events: Sequence[AuditEvent], names: Names) -> list[Subject]:
    """Return the subject of each event, in the same order."""
    given = [thing_of(each) for each in events]
    await names.learn(given)
    return [Subject(id=each[1], name=names.of(each), url=_url(visit, *each)) for each in given]


def _url(visit: ConsoleVisit, noun: str, id_: str) -> str:
    return page_of_client(visit, id_) if noun == "client" else page_about(visit, noun, id_)
