"""How many access tokens were issued: to one client, day by day, and to all, by the day and by the minute."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, cast

from msgspec import Meta, Struct
from starlette.responses import Response

from events import issued_counts
from events.database import read
from projections import usage_daily
from projections.usage_daily import By, Usage
from service.clock import utc_now
from service.endpoints import paging
from service.endpoints.call import Call
from service.endpoints.clients import row_asked, stream_asked
from service.endpoints.paging import Query
from service.endpoints.responses import answered

PATH = "/api/v1/usage"
DIMENSIONS: tuple[By, ...] = ("secret", "bot", "audience", "scope")
USUAL_DAYS, MOST_DAYS = 30, 366
MOST_ROWS = 5000
MINUTES = 60
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
A_DAY, A_MINUTE = timedelta(days=1), timedelta(minutes=1)


class ClientUsage(Struct, frozen=True, kw_only=True, rename="camel"):
    """The tokens of one day (UTC)."""

    day: date
    value: Annotated[str, Meta(description="Of what `by` names: null for the default audience, or for none.")] | None
    tokens: int
    first_utc: Annotated[datetime, Meta(tz=True, description="When the first one was issued.")] | None
    last_utc: Annotated[datetime, Meta(tz=True, description="When the last one was issued.")] | None


class Issued(Struct, frozen=True, kw_only=True, rename="camel"):
    """The tokens of the day, or of the minute, that begins at this time."""

    since_utc: Annotated[datetime, Meta(tz=True)]
    tokens: int


class IssuedTokens(Struct, frozen=True, kw_only=True, rename="camel"):
    """The current day and the current minute are the last ones, and have not ended."""

    days: list[Issued]
    minutes: list[Issued]


async def client_usage(call: Call) -> Response:
    query = paging.read(call.request.scope, ("since", "until", "by"))
    since, until = _days(query)
    by = query.given.get("by")
    if by is not None and by not in DIMENSIONS:
        query.fault("by", f"must be one of: {', '.join(DIMENSIONS)}")
    paging.refuse(query)
    client = (await row_asked(call, stream_asked(call))).stream_id
    divided = cast("By | None", by)
    found = await read(
        call.resources.ledger.pool,
        lambda c: usage_daily.of_client(c, client, since, until, by=divided, limit=MOST_ROWS + 1),
    )
    if len(found) > MOST_ROWS:
        query.fault("since", f"leads to more than {MOST_ROWS} rows; ask for fewer days")
        paging.refuse(query)
    return answered([_shown(each) for each in (found if by else _with_gaps(found, since, until))])


async def issued_tokens(call: Call) -> Response:
    now = utc_now()
    days = _beginnings(_midnight(now.date()), A_DAY, USUAL_DAYS)
    minutes = _beginnings(now.replace(second=0, microsecond=0), A_MINUTE, MINUTES)
    pool = call.resources.ledger.pool
    by_day = await read(pool, lambda c: issued_counts.between(c, [*days, days[-1] + A_DAY]))
    by_minute = await read(pool, lambda c: issued_counts.between(c, [*minutes, minutes[-1] + A_MINUTE]))
    return answered(IssuedTokens(days=_issued(days, by_day), minutes=_issued(minutes, by_minute)))


def _days(query: Query) -> tuple[date, date]:
    """Return the first and the last day that are asked for. Faults are added to those of the query."""
    until = _day(query, "until") or utc_now().date()
    since = _day(query, "since") or date.fromordinal(max(until.toordinal() - USUAL_DAYS + 1, 1))
    if since > until:
        query.fault("since", "must not be after until")
    if (until - since).days >= MOST_DAYS:
        query.fault("since", f"must be less than {MOST_DAYS} days before until")
    return since, until


def _day(query: Query, name: str) -> date | None:
    text = query.given.get(name)
    if text is None or name in query.errors:
        return None
    with suppress(ValueError):
        if DAY.fullmatch(text):  # fromisoformat also takes weeks, such as 2026-W01-1
            return date.fromisoformat(text)
    query.fault(name, "must be a day such as 2026-03-03")
    return None


def _with_gaps(found: Sequence[Usage], since: date, until: date) -> list[Usage | date]:
    """Return the usage of each day, and the day itself where there is none."""
    by_day = {each.day: each for each in found}
    days = [since + A_DAY * number for number in range((until - since).days + 1)]
    return [by_day.get(day, day) for day in days]


def _shown(usage: Usage | date) -> ClientUsage:
    if isinstance(usage, date):
        return ClientUsage(day=usage, value=None, tokens=0, first_utc=None, last_utc=None)
    return ClientUsage(
        day=usage.day, value=usage.of, tokens=usage.tokens, first_utc=usage.first_at, last_utc=usage.last_at
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _beginnings(last: datetime, length: timedelta, count: int) -> list[datetime]:
    return [last - length * number for number in reversed(range(count))]


def _issued(beginnings: Sequence[datetime], counts: Sequence[int]) -> list[Issued]:
    return [Issued(since_utc=since, tokens=count) for since, count in zip(beginnings, counts, strict=True)]
