"""muniment log follow: events as they are committed."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Annotated, Any

import typer

from events.codec import Recorded
from events.database import LOST, Connection, Session, Unavailable
from events.replay import Checkpoint, head, pages
from service.cli.opening import Plainly, opened_at, run
from service.cli.output import Json, line, moment, note, say
from service.cli.telling import as_json as event_as_json
from service.cli.telling import subject, what, who
from service.text import printable

POLL_SECONDS = 1.0
"""How late an event is seen whose notification was lost."""

EVENTS_A_PAGE = 1000
CHAIN_AT = "select chain from log.batches where last_position = $1"

From = Annotated[
    int | None,
    typer.Option("--from", metavar="POSITION", min=1, help="Begin with this position, not with what comes next."),
]
FromStart = Annotated[bool, typer.Option("--from-start", help="Begin with the first event there is.")]


def follow(position: From = None, from_start: FromStart = False, as_json: Json = False) -> None:
    """Print events as they are committed: in order, each once, without gaps, until Ctrl-C.

    A database that restarts is waited for. If it comes back with another history (a standby that had not everything), that is
    said, and the command ends with exit status 1. With --json, one event a line.

    Example: `muniment log follow --from-start --json | jq -r .type`
    """
    if from_start and position not in (None, 1):
        raise Plainly("--from and --from-start contradict each other.")
    after = 0 if from_start else None if position is None else position - 1
    with opened_at() as url, suppress(KeyboardInterrupt):
        run(_follow(url, after, as_json=as_json))


async def _follow(url: str, after: int | None, *, as_json: bool) -> None:
    async for events in _Follower(url).pages(after):
        for past in events:
            if as_json:
                line(event_as_json(past))
            else:
                _tell(past)
        sys.stdout.flush()


def _tell(past: Recorded) -> None:
    told = f"{past.type} {subject(past)}: {what(past.event)}; by {who(past.meta.actor)}"
    say(f"{past.position:>8}  {moment(past.recorded_at)}  {printable(told)}")


class _Follower:
    """Reads on from where it is, over a connection that listens, and over the next one when that is lost."""

    def __init__(self, url: str) -> None:
        self._session = Session(url)
        self._listening: Connection | None = None
        self._woken = asyncio.Event()
        self._seen: Checkpoint | None = None

    async def pages(self, after: int | None) -> AsyncGenerator[list[Recorded]]:
        """What comes after the position (None: after what there is now), for ever. Raises Plainly."""
        away = False
        while True:
            self._woken.clear()
            try:
                events, end = await self._read(after)
            except (Unavailable, *LOST) as fault:
                if not away:
                    note(f"the database is away ({fault}); waiting for it")
                away = True
                await asyncio.sleep(POLL_SECONDS)
                continue
            away = False
            after = end.position if after is None else after
            if events:
                yield events
                after = events[-1].position
            if after >= end.position:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)

    async def _read(self, after: int | None) -> tuple[list[Recorded], Checkpoint]:
        """The next page, if there is one yet, and the head of the log."""
        async with self._session.using() as connection:
            if connection is not self._listening:
                await connection.add_listener("muniment_log", self._notified)
                await self._recognise(connection)
                self._listening = connection
            end = await head(connection)
            self._seen = end
            async for page in pages(
                connection, after=end.position if after is None else after, upto=end.position, size=EVENTS_A_PAGE
            ):
                return page, end
            return [], end

    async def _recognise(self, connection: Connection) -> None:
        """After the connection was lost, the log must still be the one that was followed."""
        seen = self._seen
        if seen and await connection.fetchval(CHAIN_AT, seen.position) != seen.chain:
            raise Plainly(
                f"The log is not the one that was followed to position {seen.position}: it lost or changed history."
            )

    def _notified(self, *_: Any) -> None:
        self._woken.set()
