"""A table made by several processes at once, each from other streams: all events of a stream are in one part.

What a process cannot make of a part, for whatever reason, is made again by the one that asked: so the fault that is named is the one
that a reading of the whole log names.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any
from uuid import UUID

import uvloop
from msgspec import Struct

from events.database import Connection, connect
from events.processes import cores, pool
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import by_stream
from projections.engine.by_stream import ALL, Progress, Streams, Target, folding
from projections.table import Table

EVENTS_A_PART = 20_000
"""The last process is at work alone for as long as a part takes."""

LEAST_EVENTS = 200_000
"""What is made of fewer is made sooner than processes start."""

LOOKS = 16
"""At so many streams for each part, to find out where parts of about one size begin."""

STREAMS_AT = "select distinct stream_id from log.events where position = any($1::bigint[]) order by 1"


class Part(Struct, frozen=True, kw_only=True):
    """Of a table that is made beside a projection's."""

    projection: str
    table: str
    schema: str
    upto: int
    streams: Streams


def at_once(events: int) -> int:
    """Returns how many parts are made at once of so many events."""
    return 1 if events < LEAST_EVENTS else cores()


async def fill(
    url: str, target: Target, reader: Connection, of: Table | CatchUp[Any, Any], *, upto: int, progress: Progress
) -> None:
    """Writes the rows as of a position into an empty table, which others see. Raises what the folding raises.

    `reader` needs a transaction. After a fault, the table has what was written until then.
    """
    expected = await by_stream.expected(reader, of, upto)
    if (processes := at_once(expected)) == 1:
        await _fill(target, reader, of, ALL, upto=upto, progress=progress)
        return
    work = _Work(url, target, of, upto, progress, expected=expected)
    await work.begin(reader)
    with pool(processes - 1) as others:
        tasks = [asyncio.ensure_future(work.here(reader))]
        tasks += [asyncio.ensure_future(work.there(others)) for _ in range(processes - 1)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    await work.end(reader)


class _Work:
    def __init__(
        self, url: str, target: Target, of: Table | CatchUp[Any, Any], upto: int, progress: Progress, *, expected: int
    ) -> None:
        self._url, self._target, self._of, self._upto, self._progress = url, target, of, upto, progress
        self._done, self._total = 0, expected
        self._waiting = deque[Streams]()
        self._refused: list[Streams] = []

    async def begin(self, reader: Connection) -> None:
        self._waiting += await parts(reader, self._upto)

    async def here(self, reader: Connection) -> None:
        """Makes one part after the other in this process."""
        while self._waiting:
            await self._make(reader, self._waiting.popleft())

    async def there(self, others: Executor) -> None:
        """Has one part after the other made by another process."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            streams = self._waiting.popleft()
            try:
                done = await loop.run_in_executor(others, _made, self._url, self._part(streams))
            except BrokenProcessPool:  # the system has killed one
                self._refused.append(streams)
                return
            if done is None:
                self._refused.append(streams)
            else:
                self._tell(done)

    async def end(self, reader: Connection) -> None:
        for streams in self._refused:
            await self._make(reader, streams)
        self._progress(self._done, self._done)

    async def _make(self, reader: Connection, streams: Streams) -> None:
        moved = _moving(self._tell)
        await _fill(self._target, reader, self._of, streams, upto=self._upto, progress=moved)

    def _part(self, streams: Streams) -> Part:
        assert self._target.schema is not None
        return Part(
            projection=self._of.name if isinstance(self._of, Table) else self._of.id,
            table=self._target.name,
            schema=self._target.schema,
            upto=self._upto,
            streams=streams,
        )

    def _tell(self, more: int) -> None:
        self._done += more
        self._progress(self._done, max(self._done, self._total))


def _moving(tell: Callable[[int], None]) -> Progress:
    """Returns the progress of one part, which tells how many events more were read."""
    before = 0

    def moved(done: int, _total: int) -> None:
        nonlocal before
        tell(done - before)
        before = done

    return moved


async def parts(connection: Connection, upto: int) -> list[Streams]:
    """Returns all streams, in parts of about EVENTS_A_PART events."""
    step = max(EVENTS_A_PART // LOOKS, 1)
    seen = await connection.fetch(STREAMS_AT, list(range(1, upto + 1, step)))
    begins = [ALL.first, *(row[0] for row in seen[LOOKS::LOOKS])]
    ends = [*(UUID(int=begin.int - 1) for begin in begins[1:]), ALL.last]
    return [Streams(first, last) for first, last in zip(begins, ends, strict=True)]


async def _fill(
    target: Target,
    reader: Connection,
    of: Table | CatchUp[Any, Any],
    streams: Streams,
    *,
    upto: int,
    progress: Progress,
) -> None:
    rows = folding(of)
    assert rows is not None
    await by_stream.fill(target, reader, of, rows, upto=upto, progress=progress, streams=streams)


def _made(url: str, part: Part) -> int | None:
    """Returns how many events were read; None, and nothing is written, if the part could not be made."""
    return _loop().run(_make(url, part))


@cache
def _loop() -> asyncio.Runner:
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


_connected: dict[str, tuple[Connection, Connection]] = {}
"""The connections of a process that makes parts, one to read and one to write: it keeps them until it ends."""


async def _connections(url: str) -> tuple[Connection, Connection]:
    if url not in _connected:
        reader = await connect(url)
        try:
            _connected[url] = reader, await connect(url)
        except BaseException:
            reader.terminate()
            raise
    return _connected[url]


async def _make(url: str, part: Part) -> int | None:
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more

    try:
        reader, writer = await _connections(url)
        async with reader.transaction(readonly=True):
            target, of = Target(writer, part.table, part.schema), registry.find(part.projection)
            await _fill(target, reader, of, part.streams, upto=part.upto, progress=_moving(count))
    except Exception:  # noqa: BLE001 - whatever it is, the process that asked meets it, too, and can say it
        for connection in _connected.pop(url, ()):  # it may be lost, and then the next part is made by new ones
            connection.terminate()
        return None
    return done
