"""The live feed of a page: the API's own stream of events, for as long as the person is signed in and may read it."""

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from events.database import Unavailable
from service.console.access import access_of
from service.console.screen import ConsoleVisit
from service.endpoints import formats
from service.endpoints.audit_query import FILTERS
from service.endpoints.authentication import CALLER
from service.endpoints.event_stream import STREAM_PATH
from service.values.scopes import AUDIT_READ

READS = "reads"
"""The parameter of the page that shows reads of the log, too."""

LOOK_SECONDS = 1.0
"""How often the access is looked at again while the log moves, for everything that ends it but time is an event."""

LONGEST_SECONDS = 30.0

AGAIN_SECONDS = 0.5
VERDICT_SECONDS = 5.0
"""For how long the stream goes on while the database cannot say whether the person may still read it."""


def is_asked(visit: ConsoleVisit) -> bool:
    """Return whether a script asks for the stream rather than for the page."""
    return visit.browser.request.headers.get("accept") == formats.EVENT_STREAM


def unread(visit: ConsoleVisit) -> Mapping[str, str]:
    """Return the filter that leaves out reads of the log, unless the page's query asks for them: a reader would see little but readers."""
    asks = {READS, "type", "without", "request"} & visit.query.keys()
    return {} if asks else {"without": "audit"}


class LiveFeed(Response):
    """Passes on the events as the API sends them, at the reader's pace. A slow reader is closed by the API, as anyone else's."""

    def __init__(self, visit: ConsoleVisit) -> None:
        super().__init__()
        self._visit = visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = self._visit
        query = {**{name: visit.query[name] for name in FILTERS if name in visit.query}, **unread(visit)}
        last = visit.browser.request.headers.get("last-event-id", "")
        given = {"accept": formats.EVENT_STREAM, **({"last-event-id": last} if last.isascii() and last else {})}
        inner = visit.api.opened(STREAM_PATH, query, given)
        watch = asyncio.create_task(self._watch(inner))
        try:
            await scope["app"].router(inner, receive, send)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _watch(self, inner: Scope) -> None:
        """Take the scopes from the caller when the watch ends, however it ends: then the stream ends by itself."""
        try:
            await self._until_refused()
        finally:
            inner[CALLER] = inner[CALLER].__replace__(scopes=frozenset())

    async def _until_refused(self) -> None:
        """Return when the person may no longer read, or when nobody can say so."""
        lookup, seen, waited = self._visit.browser.resources.lookup, -1, 0.0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
            if lookup.position == seen and waited < LONGEST_SECONDS:
                continue
            seen, waited = lookup.position, 0.0
            try:
                async with asyncio.timeout(VERDICT_SECONDS):
                    allowed = await self._is_allowed()
            except TimeoutError:
                return
            if not allowed:
                return

    async def _is_allowed(self) -> bool:
        """Ask until there is an answer."""
        visit = self._visit.browser
        while True:
            try:
                access = await access_of(visit)
            except Unavailable as fault:
                visit.resources.outages.notice(fault)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return access is not None and access.may(AUDIT_READ)
