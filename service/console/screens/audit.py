"""/console/audit: the events of the log, found by their filters, live and as a file; and one of them with all that it says."""

from collections.abc import Mapping

from msgspec import json
from starlette.responses import Response

from events.codec import TYPES
from service.audit.event_json import AuditEvent
from service.console import events, feeds, filters, live, resolved
from service.console.api import EVENTS, Refused
from service.console.feeds import Search
from service.console.filters import Resolve
from service.console.language import N_
from service.console.live import LiveFeed, unread
from service.console.places import page_about
from service.console.screen import ConsoleVisit, Crumb, Link, Screen
from service.endpoints.audit_query import FILTERS, NOUNS
from service.endpoints.moments import as_text
from service.endpoints.responses import POSITION
from service.endpoints.transparency import PATH
from service.problems import NotFound
from service.values.scopes import AUDIT_READ

MOST_DIGITS = 18
NO_EVENT = "There is no event at this position, or the audit feed has not reached it yet."
KNOWN = sorted({*NOUNS, *TYPES})


BY_NAME: Mapping[str, Resolve] = {
    "client": resolved.client,
    "bot": filters.bot,
    "user": filters.user,
    "actor": filters.actor,
}


async def find(visit: ConsoleVisit) -> Response:
    led = await filters.led(visit, filters.typed(visit), (*FILTERS, *feeds.PLACE, live.READS), BY_NAME)
    return led if isinstance(led, Response) else await _page(visit, Search(form=led, chosen=led.values))


async def show(visit: ConsoleVisit) -> Response:
    if filters.has_address(visit, BY_NAME):
        return await find(visit)
    if live.is_asked(visit):
        return LiveFeed(visit)
    if feeds.export_asked(visit):
        return await feeds.exported(visit, EVENTS, FILTERS, unread(visit), "events")
    return await _page(visit, await feeds.searched(visit, EVENTS, FILTERS, unread(visit), own=(live.READS,)))


async def _page(visit: ConsoleVisit, search: Search) -> Response:
    found = [] if search.answer is None else search.answer.of(list[AuditEvent])
    return visit.page(
        "audit.html",
        title=visit.gettext("Audit feed"),
        status=search.status,
        search=search,
        hints=await filters.named(visit, search.chosen),
        rows=await events.with_subjects(visit, found),
        known=KNOWN,
        reads=live.READS in search.chosen,
        live=search.answer is not None and not {"cursor", "until", "order"} & visit.query.keys(),
        exports=feeds.exports(visit, search.chosen),
    )


async def show_one(visit: ConsoleVisit) -> Response:
    digits = visit.param("position")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS):
        raise NotFound("A position is a whole number.")
    if visit.query.get("proof") == "true":
        proof = await visit.api.get(f"{PATH}/proof/inclusion/{int(digits)}", entry="true")
        return feeds.download(proof, f"{int(digits)}.tlog-proof")
    event, newest = await _read(visit, int(digits))
    row = (await events.with_subjects(visit, [event]))[0]
    return visit.page(
        "audit_event.html",
        title=row.what,
        crumbs=[Crumb(visit.gettext("Audit feed"), "/audit")],
        event=event,
        row=row,
        newest=newest,
        ordered="" if row.reason else await _reason_of(visit, event.cause),
        text=json.format(json.encode(event), indent=2).decode(),
        cause=page_about(visit, "change", str(event.cause)) if event.cause is not None else "",
    )


async def _read(visit: ConsoleVisit, position: int) -> tuple[AuditEvent, int]:
    """Return the event, and the position that the feed has reached. Raises NotFound."""
    place = as_text(position)
    try:
        answer = await visit.api.get(EVENTS, since=place, until=place)
    except Refused as fault:
        raise (NotFound(NO_EVENT) if fault.problem.status == 400 else fault) from fault
    found = answer.of(list[AuditEvent])
    if not found:
        raise NotFound(NO_EVENT)
    return found[0], int(answer.headers[POSITION.lower()])


async def _reason_of(visit: ConsoleVisit, cause: int | None) -> str:
    """Return the reason of the event that another follows from: what an order led to has none of its own."""
    if cause is None:
        return ""
    reason = (await _read(visit, cause))[0].reason
    return reason if isinstance(reason, str) else ""


SCREENS = (
    Screen(
        path="/audit",
        get=show,
        post=find,
        needs=AUDIT_READ,
        link=Link(group="evidence", order=10, label=N_("Audit feed"), icon="audit"),
    ),
    Screen(path="/audit/{position}", get=show_one, needs=AUDIT_READ),
)
