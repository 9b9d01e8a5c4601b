"""/api/v1/audit/stream: events as they are committed, as Server-Sent Events (HTML standard, section 9.2).

Each event is sent once, in order, without gaps: it is read from the log itself, a page at a time, and only when the reader has taken the
page before. So a slow reader costs one page of memory, and a reader that is gone costs nothing.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from itertools import chain

from msgspec import json
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from events.codec import Recorded
from events.database import AnyConnection, Unavailable, read
from events.extent import Extent
from events.replay import pages
from events.waiting import in_turns
from projections import audit_events
from projections.audit_events import Wanted
from projections.engine import checkpoints
from service import streams
from service.endpoints import formats, paging
from service.endpoints.audit import END, before
from service.endpoints.audit_query import A_PLACE, FILTERS, filters, first_of, value
from service.endpoints.audited_reads import read_of
from service.endpoints.authentication import authenticate
from service.endpoints.call import Call
from service.endpoints.moments import position_of
from service.endpoints.responses import POSITION
from service.http.exchange import ABORT, LAST
from service.problems import ComeAgain, Invalid, TooMany, Unauthenticated
from service.streams import Full, FullForClient
from service.values.scopes import AUDIT_READ

STREAM_PATH = "/api/v1/audit/stream"
EVENTS_A_PAGE, AT_ONCE = 200, 20
HEARTBEAT_SECONDS = 15.0
CHECK_SECONDS = 0.5
"""How often the caller is checked besides: also while its reader takes nothing. It is checked before each page, and when the log moves."""

SEND_SECONDS = 60.0
"""A reader that takes nothing for so long has its stream closed."""

LAST_WORD_SECONDS = 1.0
AGAIN_SECONDS = 10
HEADERS = {"X-Accel-Buffering": "no"}
"""nginx would otherwise keep events back until its buffer is full."""

ALL_ENDS = "The server is shutting down. Connect again."
LOST_HISTORY = "The log lost or changed history that was sent. Connect again without Last-Event-ID."

log = logging.getLogger("muniment.audit")


async def stream_events(call: Call) -> Response:
    query = paging.read(call.request.scope, (*FILTERS, "since"))
    wanted, lookup = await filters(call, query), call.resources.lookup
    await lookup.be_certain()
    epoch = lookup.epoch
    since = await _since(call, query)
    paging.refuse(query)
    formats.chosen(call.request.headers.get("accept"), (formats.EVENT_STREAM,))
    _check_room(call)
    start = _start(call, since)
    headers = {POSITION: str(min(start, lookup.position)), **HEADERS}
    if call.request.method == "HEAD":
        return Response(None, 200, headers, media_type=formats.EVENT_STREAM)
    return EventStream(Reader(call, wanted, start, epoch), headers)


def _check_room(call: Call) -> None:
    retry = {"Retry-After": str(AGAIN_SECONDS)}
    try:
        call.resources.streams.check(call.caller.counted_as)
    except FullForClient as fault:
        whose = "You have" if call.caller.is_user else "This client has"
        detail = f"{whose} {streams.MOST_OF_A_CLIENT} streams open here, which is the most. Close one."
        raise TooMany(detail, headers=retry) from fault
    except Full as fault:
        refused = ComeAgain(f"This process has {streams.MOST} streams open, which is the most. Try again later.")
        refused.headers.update(retry)
        raise refused from fault


async def _since(call: Call, query: paging.Query) -> int | None:
    """Return the last position before `since`. Its fault is added to those of the query."""
    since = value(query, "since", first_of, A_PLACE)
    if since is None:
        return None
    found = await read(call.resources.ledger.pool, lambda connection: before(connection, since))
    if found == END:
        query.fault("since", "is in the future")
    return found


def _start(call: Call, since: int | None) -> int:
    """Return the position after which a reader goes on: a reader that comes back names both. Raises Invalid."""
    last = _last_event_id(call)
    if since is None:
        return call.resources.lookup.position if last is None else last
    return max(since, last or 0)


def _last_event_id(call: Call) -> int | None:
    """Return the position after which a reader goes on. Raises Invalid."""
    given = call.request.headers.get("last-event-id")
    if not given:
        return None
    last, end = position_of(given), call.resources.lookup.position
    if last is None:
        raise Invalid("Last-Event-ID must be the id of an event of this stream: a position of the log.")
    if last > end:
        raise Invalid(f"Last-Event-ID is beyond the end of the log, which is at position {end}.")
    return last


class Reader:
    """Reads the log on from `at`, at the pace of its reader."""

    def __init__(self, call: Call, wanted: Wanted, at: int, epoch: int) -> None:
        self.call = call
        self._wanted, self._at, self._epoch = wanted, at, epoch
        self.found = 0
        self._beat = time.monotonic() + HEARTBEAT_SECONDS

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> str:
        """Send events and heart-beats until the stream must end, and return why. Raises TimeoutError if the reader takes nothing."""
        text = b"retry: 1000\n\n"
        # The check comes after a page was read, so that nothing is sent that happened after a stop.
        while (why := await self._why_not()) is None:
            if text:
                await send(text)
            text = await self._next()
        return why

    async def stopped(self) -> str:
        """Return why the stream must end, as soon as it must, even if the reader takes nothing."""
        while True:
            if (why := await self._why_not()) is not None:
                return why
            await asyncio.sleep(CHECK_SECONDS)

    async def _next(self) -> bytes:
        """Return what is to be sent next. It may be nothing."""
        lookup = self.call.resources.lookup
        if time.monotonic() >= self._beat:
            self._beat = time.monotonic() + HEARTBEAT_SECONDS
            return b": heart-beat\nid: %d\n\n" % min(self._at, lookup.position)
        if lookup.position > self._at:
            return await self._text(lookup.position)
        await lookup.beyond(self._at, self._beat - time.monotonic())
        return b""

    async def _text(self, end: int) -> bytes:
        """Return the next page as it is sent. Between its parts, and those of other streams, other requests have their turns."""
        ledger, streams = self.call.resources.ledger, self.call.resources.streams
        async with streams.behind if end - self._at > EVENTS_A_PAGE else nullcontext():
            page = await read(ledger.pool, lambda connection: self._page(connection, end))
            self.found += len(page)
            parts = [[streams.frames.of(self._epoch, past) for past in part] async for part in in_turns(page, AT_ONCE)]
        return b"".join(chain.from_iterable(parts))

    async def _page(self, connection: AnyConnection, end: int) -> list[Recorded]:
        """Return the wanted events of the next page, and go on behind it."""
        if end - self._at > EVENTS_A_PAGE:
            live = await checkpoints.live(connection, audit_events.PROJECTION)
            indexed = 0 if live is None else min(live.position, end)
            if indexed > self._at:
                return await self._indexed(connection, indexed)
        entries = await anext(pages(connection, after=self._at, upto=end, size=EVENTS_A_PAGE), list[Recorded]())
        rows = await audit_events.rows_of(connection, entries)
        self._at = entries[-1].position if entries else end
        return [past for past, row in zip(entries, rows, strict=True) if self._wanted.wants(row)]

    async def _indexed(self, connection: AnyConnection, upto: int) -> list[Recorded]:
        """The same from the audit feed, for a reader that is far behind: what it does not want is not read."""
        extent = Extent(after=self._at, upto=upto, limit=EVENTS_A_PAGE, newest_first=False)
        entries = await audit_events.find(connection, self._wanted, extent)
        self._at = entries[-1].position if len(entries) == EVENTS_A_PAGE else upto
        return entries

    async def _why_not(self) -> str | None:
        """Return why the stream must end, or None. It costs no query unless the caller's client changed."""
        if self.call.resources.lookup.epoch != self._epoch:
            return LOST_HISTORY
        try:
            caller = await authenticate(self.call.request, self.call.resources)
        except Unauthenticated as refused:
            return refused.detail
        return None if AUDIT_READ in caller.scopes else f"The client no longer has the scope {AUDIT_READ}."


class EventStream(Response):
    """The response, from its head to the event `end`, which says why there are no more."""

    def __init__(self, reader: Reader, headers: dict[str, str]) -> None:
        super().__init__(None, 200, headers, media_type=formats.EVENT_STREAM)
        del self.headers["content-length"]
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        opened, whose = self._reader.call.resources.streams, self._reader.call.caller.counted_as
        scope["extensions"][LAST]["now"]()
        with opened.counted(whose):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            gone = asyncio.ensure_future(_gone(receive))
            closing = asyncio.ensure_future(opened.closing.wait())
            work = asyncio.ensure_future(self._reader.run(lambda text: _sent(send, _body(text), SEND_SECONDS)))
            stopped = asyncio.ensure_future(self._reader.stopped())
            tasks = (gone, closing, work, stopped)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not gone.done():
                    why = next((self._why(task) for task in (work, stopped) if task.done()), ALL_ENDS)
                    work.cancel()
                    await self._end(scope, send, gone, why)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                call = self._reader.call
                call.resources.reads.end(read_of(call, self._reader.found))

    async def _end(self, scope: Scope, send: Send, gone: "asyncio.Future[None]", why: str) -> None:
        try:
            last = b"event: end\ndata: %s\n\n" % json.encode({"detail": why})
            await _sent(send, _body(last), LAST_WORD_SECONDS)
            await _sent(send, {"type": "http.response.body", "body": b""}, LAST_WORD_SECONDS)
        except TimeoutError:
            scope["extensions"][ABORT]["now"]()
            await gone

    def _why(self, done: "asyncio.Future[str]") -> str:
        match done.exception():
            case None:
                return done.result()
            case TimeoutError():
                return f"Nothing was read for {SEND_SECONDS:.0f} s."
            case Unavailable() as fault:
                self._reader.call.resources.outages.notice(fault)
                return "The database is unavailable. Connect again."
            case fault:
                request_id = self._reader.call.request_id
                log.error("request %s failed", request_id, exc_info=fault)
                return f"Something went wrong. The operator finds the details in the log under request id {request_id}."


def _body(text: bytes) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _sent(send: Send, message: Message, seconds: float) -> None:
    """Return when the server has room for the message. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        await send(message)


async def _gone(receive: Receive) -> None:
    """Return when the reader has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
