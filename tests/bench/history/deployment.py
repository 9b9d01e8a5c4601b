"""The made-up deployment's logs in a database, all but their ends at first."""

import time
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from events.database import Connection, log_in
from tests.bench.history import generation, issued, samples, writing
from tests.bench.history.figures import Group, single
from tests.bench.history.following import Ends, Say
from tests.bench.history.generation import Extent
from tests.bench.history.samples import Samples
from tests.bench.history.world import World

DESCENDANTS = 10_000
TAIL = 20_000
"""So many entries at the end of each log are written later, or a tenth of it, if that is less."""

A_MINUTE = timedelta(minutes=1)


class Size(Struct, frozen=True, kw_only=True):
    """How many events and tokens there are, and about how long each read is repeated."""

    events: int
    tokens: int
    seconds: float


class Deployment:
    def __init__(self, url: str, size: Size, say: Say) -> None:
        self._url, self._size, self._say = url, size, say
        descendants = min(DESCENDANTS, size.events // 10, size.tokens // 4)
        until = datetime.now(UTC) - A_MINUTE
        self._extent = Extent(events=size.events, descendants=descendants, until=until)
        self._world = World(self._extent.since, generation.OWNERS)
        self._later_events: list[generation.Batch] = []
        self._later_tokens: list[issued.Batch] = []
        self.ends = Ends(0, 0)

    async def write_most(self) -> Group:
        connection = await log_in(self._url)
        try:
            begun = time.perf_counter()
            events = await self._write_events(connection)
            between = time.perf_counter()
            tokens = await self._write_tokens(connection)
            ended = time.perf_counter()
            await connection.execute("vacuum (analyze)")
        finally:
            await connection.close()
        self.ends = Ends(events, tokens)
        rates = [
            single("events", "entries/s", events / (between - begun)),
            single("tokens", "entries/s", tokens / (ended - between)),
        ]
        return Group(title="Made up and copied in", figures=rates)

    async def _write_events(self, connection: Connection) -> int:
        """Returns the end of the log. (Which tokens there are is known once all events are made up.)"""
        most = _most(self._size.events)
        self._say(f"writing {most:,} events")
        batches = generation.batches(self._world, self._extent)
        end = await writing.write_events(connection, batches, most)
        self._later_events = list(batches)
        await writing.write_data_keys(connection, self._world.data_keys)
        return end

    async def _write_tokens(self, connection: Connection) -> int:
        most = _most(self._size.tokens)
        self._say(f"writing {most:,} tokens")
        await writing.make_partitions(connection, self._extent.since.date(), self._extent.until.date())
        batches = issued.batches(self._world, self._extent, self._size.tokens)
        end = await writing.write_tokens(connection, batches, most)
        self._later_tokens = list(batches)
        return end

    async def write_rest(self) -> None:
        connection = await log_in(self._url)
        try:
            events_end = await writing.write_events(connection, self._later_events, writing.ALL)
            tokens_end = await writing.write_tokens(connection, self._later_tokens, writing.ALL)
            self.ends = Ends(events_end, tokens_end)
        finally:
            await connection.close()

    async def samples(self) -> Samples:
        self._say("looking for what to ask")
        connection = await log_in(self._url)
        try:
            await connection.execute("vacuum (analyze)")
            return await samples.gathered(connection, self._world, self._extent, self.ends.events, self.ends.tokens)
        finally:
            await connection.close()


def _most(count: int) -> int:
    """All but what is written later."""
    return count - min(TAIL, count // 10)
