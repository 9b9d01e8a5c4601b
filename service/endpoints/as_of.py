"""Reads of the past: the position that a moment stands for, and what there was then.

A time stands for everything that was recorded up to and including that microsecond. A history is made behind the log, so a read waits
for it a little. What the log does not record, such as when a client was last used, has no answer for the past.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct
from starlette.types import Scope

from events.database import AnyConnection, read
from projections import as_of
from projections.as_of import Behind, Wanted
from projections.catch_up import CatchUp
from projections.engine.hastening import bring_nearer
from projections.history import History, Snapshot
from service.endpoints import paging
from service.endpoints.call import Call
from service.endpoints.moments import AS_OF, Moment
from service.endpoints.paging import PageRequest
from service.endpoints.responses import POSITION
from service.http.last_head import once_a_head
from service.problems import ComeAgain

PATIENCE_SECONDS = 2.0


class InStream(Protocol):
    """A row of a list, which is in the order of streams."""

    @property
    def stream_id(self) -> UUID: ...


Row = TypeVar("Row", bound=InStream)
Answer = TypeVar("Answer")
Now = Callable[[AnyConnection, int], Awaitable[Sequence[Row]]]


async def asked(call: Call) -> int | None:
    """Return the position of the past that a read of one thing asks for. It takes no other parameter. Raises Invalid and Unavailable.

    Other requests with this head have the same query, so the fault of the moment is not added to it: the log may reach that moment.
    """
    query, moment = once_a_head(call.request.scope, _moment_asked)
    position = None if moment is None else await position_or_fault(call, moment)
    if isinstance(position, str):
        raise paging.invalid({**query.errors, AS_OF: [position]}, query.strange)
    paging.refuse(query)
    return position


def _moment_asked(scope: Scope) -> tuple[paging.Query, Moment | None]:
    query = paging.read(scope, (AS_OF,))
    return query, paging.moment(query)


async def page_asked(
    call: Call,
    filters: tuple[str, ...] = (),
    checks: Mapping[str, paging.Check] = paging.NO_CHECKS,
    *,
    valued: bool = False,
) -> PageRequest:
    """Read the query of a list. Raises Invalid, which names every fault at once, and Unavailable."""
    query = paging.read(call.request.scope, ("limit", "cursor", AS_OF, *filters))
    page = paging.page_of(query, filters, checks, valued=valued)
    position = await _position(call, query)
    paging.refuse(query)
    return page.__replace__(position=position)


async def _position(call: Call, query: paging.Query) -> int | None:
    """Return the position of the moment that is asked for. Its fault is added to those of the query."""
    moment = paging.moment(query)
    position = None if moment is None else await position_or_fault(call, moment)
    if isinstance(position, str):
        query.fault(AS_OF, position)
        return None
    return position


async def position_or_fault(call: Call, moment: Moment) -> int | str:
    """Return the position that the moment stands for, or why there is no answer yet. Raises Unavailable."""
    if isinstance(moment, datetime):
        position = await read(call.resources.ledger.pool, lambda connection: as_of.position_of(connection, moment))
        return "is in the future, so there is no answer yet" if position is None else position
    lookup = call.resources.lookup
    if lookup.position < moment:
        await lookup.be_certain()
    if lookup.position < moment:
        return f"is beyond the end of the log, which is position {lookup.position}"
    return moment


async def reached(call: Call, projection: CatchUp[Any, Any], position: int) -> None:
    """Return when the projection includes the position. Raises ComeAgain after PATIENCE_SECONDS."""
    pool = call.resources.ledger.pool

    def check() -> Awaitable[None]:
        return read(pool, lambda connection: as_of.check_reached(connection, projection, position))

    await _once_reached(call, lambda: projection, position, check)


def find(call: Call, history: History[Snapshot], stream: UUID, position: int) -> Awaitable[Snapshot | None]:
    """Return what this was at the position, or None. Raises ComeAgain as `reached` does."""
    pasts = call.resources.pasts
    return _once_reached(call, history.catch_up, position, lambda: pasts.find(history, stream, position))


async def _once_reached(
    call: Call, projection: Callable[[], CatchUp[Any, Any]], position: int, ask: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Return what `ask` reads, once it no longer raises Behind."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except Behind as behind:
            if behind.failed:
                raise ComeAgain(f"{behind} An operator must rebuild it: muniment projections list.") from behind
            if time.monotonic() > until:
                raise ComeAgain(f"{behind} It has not reached position {position} yet. Try again.") from behind
        await bring_nearer(call.resources.ledger.pool, projection())


class Page(Struct, Generic[Row], frozen=True):
    """The rows of a page. `position` is the one that they stand for; None: they are current."""

    rows: Sequence[Row]
    position: int | None
    headers: Mapping[str, str]


async def page_of(
    call: Call,
    path: str,
    asked: PageRequest,
    now: Now[Row],
    *,
    history: History[Any],
    filters: Mapping[str, Any],
    newest_first: bool = False,
) -> Page[Row]:
    """Return the page as `now` reads it, with a limit, or as it was at the position that is asked for."""
    pool, most, position = call.resources.ledger.pool, asked.limit + 1, asked.position
    if position is None:
        rows = await read(pool, lambda connection: now(connection, most))
    else:
        await reached(call, history.catch_up(), position)
        wanted = Wanted(position=position, after=asked.after, limit=most, filters=filters, newest_first=newest_first)
        rows = await read(pool, lambda connection: as_of.listed(connection, history, wanted))
    shown, said = rows[: asked.limit], headers(position)
    if len(rows) > asked.limit:
        said |= asked.link(call.resources.settings.issuer, path, shown[-1].stream_id)
    return Page(shown, position, said)


def headers(position: int | None) -> dict[str, str]:
    return {} if position is None else {POSITION: str(position)}
