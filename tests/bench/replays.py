"""Reading the log back: decoded page by page, proved, and made into tables again."""

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psutil
import uvloop
from msgspec import Struct
from rich.table import Table

from events.client import ClientDisabled, ClientEvent
from events.database import connect, log_in
from events.replay import Checkpoint, head, reading
from events.verify import EVENTS
from events.verify_parts import LEAST_POSITIONS, proofs
from projections import registry
from projections.engine.rebuild import rebuild
from projections.engine.verify import verify
from service.crypto.credentials import new_id
from tests.bench.appends import EVENT
from tests.bench.around import Cluster
from tests.bench.figures import Figures, Goal, at_least, at_most, table
from tests.bench.history.generation import Batch
from tests.bench.history.world import Done
from tests.bench.history.writing import write_events
from tests.bench.machine import ALL, SERVER, Failed, pinned
from tests.bench.pace import Pace
from tests.bench.peers import META

BATCH = 50
A_MILLISECOND = timedelta(milliseconds=1)
MB = 1e6
LIVES: tuple[tuple[ClientEvent, ...], ...] = ((EVENT,), (EVENT,), (EVENT, ClientDisabled()))
"""The log is of clients that live one of these lives: three streams have four events."""


class Run(Struct, frozen=True):
    """`cpu_seconds` are those of this process and of those that it started."""

    seconds: float
    cpu_seconds: float
    postgres_cpu_seconds: float


class Memory:
    """What this process has in memory, looked at whenever something says how far it is."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._begun = self.most = self._process.memory_info().rss

    def look(self, _done: int, _total: int) -> None:
        self.most = max(self.most, self._process.memory_info().rss)

    @property
    def grown(self) -> int:
        return self.most - self._begun


class Replays(Figures, frozen=True, kw_only=True):
    """Every table was compared with a fold of the log.

    What is made on one core, is made there with Postgres; `proved_by_all` has no run where the log is short, or the machine has one core.
    """

    events: int
    clients: int
    cores: int
    decoded: list[Run]
    proved: list[Run]
    proved_by_all: list[Run]
    lookup: list[Run]
    tables_made: list[Run]
    tables_verified: list[Run]
    grown: int
    """Bytes, while tables were made and verified."""

    def tables(self) -> Iterable[Table]:
        title = f"Reading {self.events:,} events of {self.clients:,} clients"
        made = table(title, "", "seconds", "events a second", "best run", "CPU µs each", "of Postgres")
        for name, runs in (
            ("decoded, page by page", self.decoded),
            ("log verify, with Postgres on one core", self.proved),
            (f"log verify, with Postgres on {self.cores} cores", self.proved_by_all),
            (f"the lookup table rebuilt on {self.cores} cores, swapped in", self.lookup),
            ("all tables rebuilt, one after the other", self.tables_made),
            ("projections verify, all tables", self.tables_verified),
        ):
            if runs:
                made.add_row(
                    name,
                    f"{_seconds(runs):.2f}",
                    f"{self._rate(runs):,.0f}",
                    f"{self.events / min(run.seconds for run in runs):,.0f}",
                    *(f"{median / self.events * 1e6:.1f}" for median in _cpu(runs)),
                )
        yield made

    def goals(self) -> Iterable[Goal]:
        yield at_least("events decoded a second", 500_000, self._rate(self.decoded), "{:,.0f}")
        yield at_least("log verify on one core, rows a second", 150_000, self._rate(self.proved), "{:,.0f}")
        if self.proved_by_all:
            ratio = _seconds(self.proved) / _seconds(self.proved_by_all)
            yield at_least(f"log verify on {self.cores} cores, of its rate on one", 1.2, ratio, "{:.1f} times")
        million = _seconds(self.lookup) / self.events * 1e6
        yield at_most("the lookup table of a million events, seconds", 8, million)
        yield at_most("memory that grew while tables were made, MB", 50, self.grown / MB, "{:.0f}")

    def _rate(self, runs: list[Run]) -> float:
        return self.events / _seconds(runs)


def measure(url: str, pace: Pace, say: Callable[[str], None]) -> Replays:
    with pinned(SERVER), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(url, pace, say))


async def _measure(url: str, pace: Pace, say: Callable[[str], None]) -> Replays:
    say(f"writing {pace.events:,} events")
    await _write(url, pace.events)
    connection = await connect(url)
    cluster = Cluster(connection.get_server_pid())
    timed = partial(_timed, cluster)
    decoded: list[Run] = []
    proved: list[Run] = []
    proved_by_all: list[Run] = []
    lookup: list[Run] = []
    memory = Memory()
    try:
        reached = await head(connection)
        for _ in range(pace.reads):
            say("decoding")
            decoded.append(await timed(lambda: _decode(connection, reached.position)))
            say("verifying the log")
            with cluster.sharing(SERVER):
                proved.append(await timed(lambda: _prove(url, connection, reached)))
            with cluster.sharing(ALL):
                if reached.position >= LEAST_POSITIONS and len(ALL) > 1:
                    proved_by_all.append(await timed(lambda: _prove(url, connection, reached)))
                say("rebuilding the lookup table")
                lookup.append(await timed(lambda: rebuild(url, "clients", memory.look)))
        with cluster.sharing(ALL):
            say("rebuilding all tables")
            made = await timed(lambda: _each(lambda name: rebuild(url, name, memory.look)))
            say("comparing what was rebuilt")
            compared = await timed(lambda: _each(lambda name: _compare(url, name, memory)))
        clients = await connection.fetchval("select count(*) from read.clients")
    finally:
        await connection.close()
    return Replays(
        events=reached.position,
        clients=clients,
        cores=len(ALL),
        decoded=decoded,
        proved=proved,
        proved_by_all=proved_by_all,
        lookup=lookup,
        tables_made=[made],
        tables_verified=[compared],
        grown=memory.grown,
    )


async def _write(url: str, events: int) -> None:
    """As many small appends would have left the log; but they would take minutes."""
    connection = await log_in(url)
    try:
        await write_events(connection, _batches(), events)
        await connection.execute("vacuum (analyze)")
    finally:
        await connection.close()


def _batches() -> Iterator[Batch]:
    lives, at = itertools.cycle(LIVES), datetime.now(UTC) - timedelta(days=1)
    while True:
        at += A_MILLISECOND
        yield Batch(at, [Done(new_id(), 1, next(lives), META) for _ in range(BATCH)])


async def _decode(connection: Any, reached: int) -> None:
    seen = 0
    async with reading(connection, after=0, upto=reached) as pages:
        async for page in pages:
            seen += len(page)
    if seen != reached:
        raise Failed(f"{seen} events were read of {reached}")


async def _prove(url: str, connection: Any, reached: Checkpoint) -> None:
    async with (
        connection.transaction(isolation="repeatable_read", readonly=True),
        proofs(url, connection, reached.position) as prove,
    ):
        last = await _last(prove(EVENTS, reached))
    if last != reached:
        raise Failed(f"the log was proved up to {last}, and it ends at {reached}")


async def _last(checkpoints: AsyncIterator[Checkpoint]) -> Checkpoint:
    return [checkpoint async for checkpoint in checkpoints][-1]


async def _each(act: Callable[[str], Awaitable[None]]) -> None:
    for name in registry.PROJECTIONS:
        await act(name)


async def _compare(url: str, name: str, memory: Memory) -> None:
    verdict = await verify(url, name, memory.look)
    if not verdict.agrees:
        raise Failed(f"the rebuilt table is not what the log makes of it: {verdict}")


async def _timed(cluster: Cluster, act: Callable[[], Awaitable[None]]) -> Run:
    begun, cpu, postgres = time.perf_counter(), _cpu_seconds(), cluster.cpu_seconds()
    await act()
    return Run(time.perf_counter() - begun, _cpu_seconds() - cpu, cluster.cpu_seconds() - postgres)


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _cpu(runs: list[Run]) -> tuple[float, float]:
    return (
        statistics.median(run.cpu_seconds for run in runs),
        statistics.median(run.postgres_cpu_seconds for run in runs),
    )


def _seconds(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)
