"""Retention of the issuance log: deletes the records of old tokens day by day, and says so in the event log."""

import logging
from datetime import UTC, date, datetime, timedelta

import asyncpg

from events import retention
from events.database import connected
from events.envelope import Meta
from events.log import Append, Appended, Log
from events.naming import stream_named
from events.retention import TokensDropped
from projections.engine.retention import NotYet, drop

log = logging.getLogger("muniment.retention")


async def apply(url: str, events: Log, days: int, meta: Meta) -> list[TokensDropped]:
    """Delete the tokens that are older than `days` whole UTC days, at least 30, and return the deletions that were recorded now.

    A day that cannot be deleted yet, and those after it, are left for the next time.
    """
    async with connected(url) as connection:
        for day in await retention.days_before(connection, first_kept(datetime.now(UTC).date(), days)):
            try:
                await drop(connection, day)
            except (NotYet, asyncpg.LockNotAvailableError, asyncpg.ObjectNotInPrerequisiteStateError) as fault:
                log.warning("the tokens of %s are not deleted yet: %s", day, fault)
                break
    return await record(url, events, meta)


async def record(url: str, events: Log, meta: Meta) -> list[TokensDropped]:
    """Append an event for each deletion that has none yet, and return these deletions.

    The process may have been stopped after a deletion, so the last days are tried again. Each has a stream of its own.
    """
    async with connected(url) as connection:
        dropped = await retention.lately_dropped(connection)
    return [each for each in dropped if await _recorded(events, each, meta)]


def first_kept(today: date, days: int) -> date:
    """Return the first day that stays, so that every token stays for at least `days` times 24 hours."""
    return today - timedelta(days=days)


async def _recorded(events: Log, dropped: TokensDropped, meta: Meta) -> bool:
    stream = stream_named(b"retention", dropped.day.isoformat().encode())
    outcome = await events.append(Append(stream=stream, expected=0, events=[dropped], meta=meta))
    return isinstance(outcome, Appended)
