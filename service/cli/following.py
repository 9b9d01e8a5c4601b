"""muniment log follow: events as they are committed."""

import asyncio
import select
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from events.codec import Recorded
from events.database import LOST, Connection, Unavailable
from events.database_session import DatabaseSession
from events.replay import Checkpoint, chain_at, head, pages
from events.waiting import raise_if_cancelled, set_within
from service.audit.event_fields import subject
from service.cli import spreadsheet
from service.cli.event_text import as_json as event_as_json
from service.cli.event_text import what, who
from service.cli.opening import Plainly, opened_at, run
from service.cli.output import Json, line, moment, note, say, write
from service.cli.selection import (
    Actors,
    Place,
    Selection,
    Since,
    Types,
    Until,
    first_position,
    last_position,
    selection,
)
from service.cli.spreadsheet import Csv
from service.values.text import printable

POLL_SECONDS = 1.0
"""How late an event is seen whose notification was lost."""

LATE_SECONDS = 5.0
EVENTS_A_PAGE = 1000

FromStart = Annotated[bool, typer.Option("--from-start", help="Begin with the first event there is.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="End with the last event that there is now.")]
Tell = Callable[[Recorded], None]


def follow(
    since: Since = None,
    until: Until = None,
    types: Types = None,
    actors: Actors = None,
    *,
    from_start: FromStart = False,
    no_wait: NoWait = False,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Print events as they are committed: in order, each once, without gaps, until Ctrl-C, or until --until, or with --no-wait to the end of the log.

    Without --since or --from-start it begins with what comes next. A database that restarts is waited for. If it comes back with
    another history (a standby that had not everything), that is said, and the command ends with exit status 1. With --json, one
    event a line. It ends when its reader closes the pipe.

    Example: `muniment log follow --from-start --no-wait --actor oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718`
    """
    if from_start and since not in (None, "1"):
        raise Plainly("--since and --from-start contradict each other.")
    wanted = selection("1" if from_start else since, until, types, actors)
    tell = _row if as_csv else _line if as_json else _tell
    with opened_at() as url, suppress(KeyboardInterrupt):
        if as_csv:
            write(spreadsheet.header())
        run(_follow(url, wanted, tell, no_wait=no_wait))


async def _follow(url: str, wanted: Selection, tell: Tell, *, no_wait: bool) -> None:
    follower = _Follower(url, wanted, no_wait=no_wait)
    try:
        async for events in follower.pages():
            for past in events:
                if wanted.wants(past):
                    tell(past)
            sys.stdout.flush()
    finally:
        await follower.close()


def _line(past: Recorded) -> None:
    line(event_as_json(past))


def _row(past: Recorded) -> None:
    write(spreadsheet.row(past))


def _tell(past: Recorded) -> None:
    told = f"{past.type} {subject(past)}: {what(past.event)}; by {who(past.meta.actor)}"
    say(f"{past.position:>8}  {moment(past.recorded_at)}  {printable(told)}")


class _Follower:
    """Reads on from where it is, over a connection that listens, and over the next one when that is lost."""

    def __init__(self, url: str, wanted: Selection, *, no_wait: bool) -> None:
        self._session = DatabaseSession(url)
        self._wanted, self._no_wait = wanted, no_wait
        self._listening: Connection | None = None
        self._woken = asyncio.Event()
        self._seen: Checkpoint | None = None
        self._after: int | None = None
        self._until: Place | None = wanted.until

    async def pages(self) -> AsyncGenerator[list[Recorded]]:
        """Until the selection ends or the reader closes the pipe. Raises Plainly."""
        away = False
        while not _is_unread():
            self._woken.clear()
            asked_at = datetime.now(UTC)
            try:
                events, end = await self._read()
            except (Unavailable, *LOST) as fault:
                raise_if_cancelled()
                if not away:
                    note(f"the database is away ({fault}); waiting for it")
                away = True
                await asyncio.sleep(POLL_SECONDS)
                continue
            away = False
            if events:
                yield events
                self._after = events[-1].position
                if isinstance(self._until, datetime) and events[-1].recorded_at > self._until:
                    return
            if self._is_over(end.position, asked_at):
                return
            if self._reached >= end.position:
                await set_within(self._woken, POLL_SECONDS)

    async def close(self) -> None:
        await self._session.close()

    @property
    def _reached(self) -> int:
        return self._after or 0

    def _is_over(self, end: int, asked_at: datetime) -> bool:
        match self._until:
            case None:
                return False
            case int():
                return self._reached >= self._until
            case datetime():  # what was recorded by then may be seen a moment later
                return self._reached >= end and asked_at > self._until + timedelta(seconds=LATE_SECONDS)

    async def _read(self) -> tuple[list[Recorded], Checkpoint]:
        """The next page, if there is one yet, and the head of the log."""
        async with self._session.using() as connection:
            if connection is not self._listening:
                await connection.add_listener("muniment_log", self._notified)
                await self._recognise(connection)
                self._listening = connection
            end = await head(connection)
            if self._after is None:
                await self._begin(connection, end.position)
            self._seen = end
            async for page in pages(connection, after=self._reached, upto=end.position, size=EVENTS_A_PAGE):
                return page, end
            return [], end

    async def _begin(self, connection: Connection, end: int) -> None:
        since = self._wanted.since
        self._after = end if since is None else await first_position(connection, since) - 1
        if self._no_wait:
            last = await last_position(connection, self._wanted.until)
            self._until = end if last is None else min(last, end)

    async def _recognise(self, connection: Connection) -> None:
        """After the connection was lost, the log must still be the one that was followed."""
        seen = self._seen
        if seen and await chain_at(connection, seen.position) != seen.chain:
            raise Plainly(
                f"The log is not the one that was followed to position {seen.position}: it lost or changed history."
            )

    def _notified(self, *_: Any) -> None:
        self._woken.set()


def _is_unread() -> bool:
    """Whether the other end of the pipe that is stdout was closed: without an event to print, that would never be noticed."""
    try:
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # it is no file
        return False
    return any(said & select.POLLERR for _, said in watched.poll(0))
