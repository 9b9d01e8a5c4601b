"""/api/v1/audit: the feed of the event log."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg
from msgspec import Struct, json
from starlette.responses import Response

from events.database import AnyConnection, read
from events.extent import Extent
from projections import as_of, audit_events
from projections.engine.hastening import bring_nearer
from service.audit import cells
from service.audit.event_json import AuditEvent, stored_event
from service.endpoints import formats, responses
from service.endpoints.audit_query import EventQuery, Page, events_asked
from service.endpoints.call import Call
from service.endpoints.moments import Moment
from service.endpoints.responses import MIN_POSITION, POSITION
from service.problems import ComeAgain
from service.values.json_text import shown

EVENTS_PATH = "/api/v1/audit/events"
FORMATS = (formats.JSON, formats.NDJSON, formats.CSV)
BEHIND_SECONDS = 2.0
"""How long a request waits for the feed to reach its Muniment-Min-Position."""

END = 2**63 - 1
DAWN = datetime(2000, 1, 1, tzinfo=UTC)
"""The time of the genesis of every log."""

COLUMNS = (
    "position", "recordedAt", "type", "streamId", "subject", "version", "by", "actor", "requestId", "traceId", "cause", "address", "reason", "data",
)  # fmt: skip

Answer = TypeVar("Answer")


class Found(Struct, frozen=True, kw_only=True):
    """The stored rows of events, one more than the page has if there is another page, and the position that the feed has reached."""

    events: Sequence[asyncpg.Record]
    reached: int


async def list_events(call: Call) -> Response:
    query = await events_asked(call)
    media = formats.chosen(call.request.headers.get("accept"), FORMATS)
    found = await once_reached(call, lambda connection, reached: _find(connection, query, reached))
    page, events = query.page, query.page.in_order(found.events)
    onward = found.events[page.limit - 1]["position"] if len(found.events) > page.limit else None
    headers = {POSITION: str(found.reached), "Vary": "Accept"}
    headers |= page.links(f"{call.resources.settings.issuer}{EVENTS_PATH}", onward)
    return responses.Found(_body(media, list(map(stored_event, events))), len(events), headers, media)


async def once_reached(call: Call, ask: Callable[[AnyConnection, int], Awaitable[Answer]]) -> Answer:
    """Return what `ask` reads once the feed has reached the position that the request names; it is told where the feed is.

    Raises ComeAgain if that takes too long.
    """
    reached = await wait(call)
    return await read(call.resources.ledger.pool, lambda connection: ask(connection, reached))


async def wait(call: Call) -> int:
    """Return where the feed is, once it has reached the position that the request names. Raises ComeAgain if that takes too long."""
    wanted = int(call.request.headers.get(MIN_POSITION, "0"))
    until = time.monotonic() + BEHIND_SECONDS
    while True:
        live = await call.resources.pasts.standing(audit_events.PROJECTION)
        if live is not None and live.position >= wanted:
            return live.position
        if time.monotonic() > until or (live is not None and live.state == "failed"):
            reached = 0 if live is None else live.position
            raise ComeAgain(
                f"The audit feed has reached position {reached} of the log, and not yet {wanted}. Try again."
            )
        await bring_nearer(call.resources.ledger.pool, audit_events.PROJECTION)


async def _find(connection: AnyConnection, query: EventQuery, reached: int) -> Found:
    extent = await _extent(connection, query.page, reached)
    return Found(events=await audit_events.stored(connection, query.wanted, extent), reached=reached)


async def _extent(connection: AnyConnection, page: Page, reached: int) -> Extent:
    after, upto = await before(connection, page.since), min(reached, await _until(connection, page.until))
    return page.extent(after, upto)


async def before(connection: AnyConnection, since: Moment | None) -> int:
    """Return the last position before the place. After a time in the future there is nothing yet."""
    if isinstance(since, datetime):
        found = await as_of.position_of(connection, max(since, DAWN) - timedelta(microseconds=1))
        return END if found is None else found
    return 0 if since is None else max(since - 1, 0)


async def _until(connection: AnyConnection, until: Moment | None) -> int:
    if isinstance(until, datetime):
        found = await as_of.position_of(connection, until)
        return END if found is None else found
    return END if until is None else until


def _body(media: str, events: Sequence[AuditEvent]) -> bytes:
    if media == formats.JSON:
        return json.encode(events)
    if media == formats.NDJSON:
        return json.Encoder().encode_lines(events)
    return (cells.line(COLUMNS) + "".join(map(_row, events))).encode()


def _row(event: AuditEvent) -> str:
    actor = json.decode(json.encode(event.actor), type=dict[str, str | None])
    by = actor.pop("by")
    return cells.line(
        (
            str(event.position),
            event.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            event.type,
            str(event.stream_id),
            event.subject,
            str(event.version),
            str(by),
            " ".join(_given(actor.values())),
            event.request_id,
            event.trace_id or "",
            "" if event.cause is None else str(event.cause),
            event.address or "",
            event.reason if isinstance(event.reason, str) else "",
            cells.json_cell(shown(json.encode(event.data)).decode()),
        )
    )


def _given(values: Iterable[str | None]) -> Iterable[str]:
    return (value for value in values if value is not None)
