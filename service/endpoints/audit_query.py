"""The query of the audit feed: filters, a beginning and an end, and a page."""

from collections.abc import Callable, Sequence
from datetime import datetime, time
from ipaddress import ip_address
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from events.codec import TYPES
from events.database import AnyConnection, read
from events.extent import Extent
from events.ids import client_stream, is_ours
from events.replay import head
from events.transparency.trees import EVENTS, Tree
from projections import as_of
from projections.audit_events import Wanted
from service.endpoints import cursors, paging
from service.endpoints.call import Call
from service.endpoints.cursors import Cursor
from service.endpoints.fields import MOST_STRANGE, shown
from service.endpoints.moments import MOST_DIGITS, Moment, NoMoment, moment_of
from service.http.asgi import UNKNOWN
from service.values.uuids import is_uuid, uuid_of

FILTERS = ("type", "without", "stream", "client", "bot", "user", "actor", "request", "address")
PAGE = ("since", "until", "order", "limit", "cursor")
NOUNS = frozenset(kind.partition(".")[0] for kind in TYPES)
A_PLACE = "must be position:N, a time such as 2026-03-03T14:02:00Z (write + as %2B), or a day such as 2026-03-03"

NOT_BLANK = "must not be blank"
CLIENT = "select stream_id from log.events where stream_id = any($1::uuid[]) and version = 1 and type = 'client.registered' limit 1"

Value = TypeVar("Value")
Row = TypeVar("Row")


class Page(Struct, frozen=True, kw_only=True):
    """`since` and `until` are included. `given` is what a link to another page repeats."""

    since: Moment | None
    until: Moment | None
    newest_first: bool
    limit: int
    cursor: Cursor | None
    given: dict[str, str]

    def extent(self, after: int, upto: int) -> Extent:
        """Return what to read of the positions after `after`, up to `upto`: from the cursor away from where it came from.

        It is one more than the page, which shows whether there is another page there.
        """
        newest_first = self.newest_first if self.cursor is None else self.cursor.before
        if self.cursor is not None and newest_first:
            upto = min(upto, self.cursor.number - 1)
        elif self.cursor is not None:
            after = max(after, self.cursor.number)
        return Extent(after=after, upto=upto, limit=self.limit + 1, newest_first=newest_first)

    def in_order(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows of the page in its order, of those that were read in the order of its extent."""
        shown = list(rows[: self.limit])
        return shown if self.cursor is None or self.cursor.before == self.newest_first else shown[::-1]

    def links(self, url: str, onward: int | None) -> dict[str, str]:
        """Return the header for the next and the previous page. `onward` is the last position that was read, if more is to be read."""
        back = self.cursor and self.cursor.number
        if self.newest_first if self.cursor is None else self.cursor.before:
            older, newer = onward, None if back is None else max(back - 1, 0)
        else:
            older, newer = None if back is None else back + 1, onward
        query = {**self.given, "limit": self.limit}
        return cursors.links(url, query, newest_first=self.newest_first, older=older, newer=newer)


class EventQuery(Struct, frozen=True, kw_only=True):
    wanted: Wanted
    page: Page


async def events_asked(call: Call) -> EventQuery:
    """Raises Invalid, which names every fault at once, and Unavailable."""
    query = paging.read(call.request.scope, (*FILTERS, *PAGE))
    wanted, page = await filters(call, query), await page_of(call, query, EVENTS)
    paging.refuse(query)
    return EventQuery(wanted=wanted, page=page)


async def filters(call: Call, query: paging.Query) -> Wanted:
    """Return the filters. Their faults are added to those of the query. Raises Unavailable."""
    request = value(query, "request", uuid, "must be the id of a request (a UUID)")
    return Wanted(
        types=_types(query, "type"),
        without=_without(query),
        stream_id=value(query, "stream", uuid, "must be the id of a stream (a UUID)"),
        client=await client_of(call, query),
        bot=value(query, "bot", named, NOT_BLANK),
        user_id=value(query, "user", uuid, "must be the id of a user (a UUID)"),
        request_id=request and str(request),
        address=value(query, "address", _address, "must be an IP address, such as 192.0.2.1 or 2001:db8::1"),
        actor=value(query, "actor", named, NOT_BLANK),
    )


async def client_of(call: Call, query: paging.Query) -> UUID | None:
    """Return the stream of the client, of which exports have the bare UUID. Its fault is added to those of the query. Raises Unavailable.

    An imported client_id can be almost any text, so that of a client that never was is refused: it is more likely a mistake.
    """
    text = query.given.get("client")
    if text is None or "client" in query.errors:
        return None
    stream = client_stream(text)
    if stream is not None and is_ours(text):
        return stream
    possible = [each for each in (stream, uuid(text)) if each is not None]
    found = await read(call.resources.ledger.pool, lambda connection: connection.fetchval(CLIENT, possible))
    if found is None:
        query.fault("client", "is not the client_id of a client that is or was registered")
    return found


async def page_of(call: Call, query: paging.Query, tree: Tree) -> Page:
    """Return the page. Its faults are added to those of the query. Raises Unavailable."""
    since = value(query, "since", first_of, A_PLACE)
    if since is not None:
        fault = await read(call.resources.ledger.pool, lambda connection: _to_come(connection, since, tree))
        if fault is not None:
            query.fault("since", fault)
    return Page(
        since=since,
        until=value(query, "until", last_of, A_PLACE),
        newest_first=cursors.newest_first(query),
        limit=paging.limit(query.given.get("limit"), query.errors),
        cursor=cursors.cursor(query, MOST_DIGITS),
        given={name: text for name, text in query.given.items() if name not in ("limit", "cursor")},
    )


async def _to_come(connection: AnyConnection, since: Moment, tree: Tree) -> str | None:
    """Return why there cannot be anything yet, or None. The position after the last one is what a reader that has all asks for."""
    match since:
        case datetime():
            is_future = await as_of.position_of(connection, since) is None
            return "is in the future, so there is no answer yet" if is_future else None
        case int():
            end = (await head(connection, tree.batches)).position
            return f"is beyond the end of the log, which is position {end}" if since > end + 1 else None


def value(query: paging.Query, name: str, parse: Callable[[str], Value | None], must: str) -> Value | None:
    """Return what the parameter says, or None with its fault added to those of the query."""
    text = query.given.get(name)
    if text is None or name in query.errors:
        return None
    found = parse(text)
    if found is None:
        query.fault(name, must)
    return found


def uuid(text: str) -> UUID | None:
    return uuid_of(text) if is_uuid(text) else None


def named(text: str) -> str | None:
    return text if text.strip() else None


def _address(text: str) -> str | None:
    """Return the address as it is recorded, which is UNKNOWN if the proxy said none."""
    try:
        return text if text == UNKNOWN else str(ip_address(text))
    except ValueError:
        return None


def first_of(text: str) -> Moment | None:
    """Return a position or a time; of a day its first moment."""
    return _place(text, time.min)


def last_of(text: str) -> Moment | None:
    """Return a position or a time; of a day its last moment."""
    return _place(text, time.max)


def _place(text: str, of_a_day: time) -> Moment | None:
    try:
        return moment_of(text, of_a_day)
    except NoMoment:
        return None


def _without(query: paging.Query) -> tuple[str, ...]:
    """Return the types that are left out. To leave out all that is asked for is refused: it is more likely a mistake."""
    asked, without = _types(query, "type"), _types(query, "without")
    if without and set(asked or TYPES) <= set(without) and not query.errors:
        query.fault("without", "leaves nothing of what is asked for")
    return without


def _types(query: paging.Query, name: str) -> tuple[str, ...]:
    if name not in query.given:
        return ()
    kinds = list(dict.fromkeys(query.given[name].split(",")))
    unknown = [kind for kind in kinds if kind not in TYPES | NOUNS]
    if unknown:
        named = ", ".join(map(shown, unknown[:MOST_STRANGE]))
        query.fault(
            name,
            f"{named} is not a type. The families are {', '.join(sorted(NOUNS))}; a type is one such as client.disabled",
        )
    return tuple(sorted(kind for kind in TYPES if kind in kinds or kind.partition(".")[0] in kinds))
