"""Reading the log back: decoded page by page, proved, and rebuilt into the client lookup."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import uvloop
from msgspec import Struct
from rich.table import Table

from events.client import ClientDisabled, ClientEvent
from events.database import connect
from events.log import Append, Appended, Log
from events.replay import head, pages
from events.verify import EVENTS, verify
from projections.engine.rebuild import rebuild
from projections.engine.verdict import Verdict
from projections.engine.verify import verify as verify_projection
from service.crypto.credentials import new_id
from tests.bench.appends import EVENT
from tests.bench.figures import Figures, Goal, at_least, colored, table
from tests.bench.machine import SERVER, Failed, pinned
from tests.bench.pace import Pace
from tests.bench.peers import META

WRITERS = 256
LIVES: tuple[tuple[ClientEvent, ...], ...] = ((EVENT,), (EVENT,), (EVENT, ClientDisabled()))
"""The log is of clients that live one of these lives: three streams have four events."""


class Run(Struct, frozen=True):
    """`cpu_seconds` are this process's alone; Postgres has the rest."""

    seconds: float
    cpu_seconds: float


class Replays(Figures, frozen=True, kw_only=True):
    """The rebuilt table was compared with a fold of the log."""

    events: int
    clients: int
    batches: int
    decoded: list[Run]
    verified: list[Run]
    rebuilt: list[Run]
    folded: list[Run]

    def tables(self) -> Iterable[Table]:
        title = f"Reading {self.events:,} events of {self.clients:,} clients in {self.batches:,} batches"
        made = table(title, "", "seconds", "events a second", "best run", "CPU µs each", "goal")
        for name, (runs, goal) in self._reads().items():
            best, cpu = min(run.seconds for run in runs), statistics.median(run.cpu_seconds for run in runs)
            made.add_row(
                name,
                f"{self.events / self._rate(runs):.2f}",
                f"{self._rate(runs):,.0f}",
                f"{self.events / best:,.0f}",
                f"{cpu / self.events * 1e6:.1f}",
                "" if goal is None else colored(f"≥ {goal:,}", is_met=self._rate(runs) >= goal),
            )
        yield made

    def goals(self) -> Iterable[Goal]:
        for name, (runs, goal) in self._reads().items():
            if goal is not None:
                yield at_least(f"events a second, {name}", goal, self._rate(runs), "{:,.0f}")

    def _reads(self) -> Mapping[str, tuple[Sequence[Run], int | None]]:
        """With the least events a second that the budget wants; a lookup table of a million in 8 s."""
        return {
            "decoded, page by page": (self.decoded, 500_000),
            "proved (leaves, roots, chain)": (self.verified, 150_000),
            "rebuilt into the client lookup, swapped": (self.rebuilt, 125_000),
            "folded beside the client lookup, compared (projections verify)": (self.folded, None),
        }

    def _rate(self, runs: Sequence[Run]) -> float:
        return self.events / statistics.median(run.seconds for run in runs)


def measure(url: str, pace: Pace, say: Callable[[str], None]) -> Replays:
    with pinned(SERVER), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(url, pace, say))


async def _measure(url: str, pace: Pace, say: Callable[[str], None]) -> Replays:
    say(f"writing {pace.events:,} events")
    await _write(url, pace.events)
    connection = await connect(url)
    try:
        await connection.execute("set role none; analyze log.events")
        reached = (await head(connection)).position
        decoded: list[Run] = []
        verified: list[Run] = []
        rebuilt: list[Run] = []
        for _ in range(pace.reads):
            say("decoding")
            decoded.append(await _timed(lambda: _decode(connection, reached)))
            say("proving")
            verified.append(await _timed(lambda: _prove(connection, reached)))
            say("rebuilding")
            rebuilt.append(await _timed(lambda: rebuild(url, "clients", _quietly)))
        say("comparing what was rebuilt")
        verdict, folded = await _compared(url)
        batches = await connection.fetchval("select count(*) from log.batches where last_position > 0")
        return Replays(
            events=reached,
            clients=verdict.rows,
            batches=batches,
            decoded=decoded,
            verified=verified,
            rebuilt=rebuilt,
            folded=[folded],
        )
    finally:
        await connection.close()


async def _write(url: str, events: int) -> None:
    log, lives = Log(url), itertools.cycle(LIVES)
    left = events

    async def live() -> None:
        nonlocal left
        while left > 0:
            life = next(lives)
            left -= len(life)
            outcome = await log.append(Append(stream=new_id(), expected=0, events=life, meta=META))
            if not isinstance(outcome, Appended):
                raise Failed(f"an append came to {outcome}")

    try:
        await asyncio.gather(*(live() for _ in range(WRITERS)))
    finally:
        await log.close()


async def _decode(connection: Any, reached: int) -> None:
    seen = 0
    async for page in pages(connection, after=0, upto=reached):
        seen += len(page)
    if seen != reached:
        raise Failed(f"{seen} events were read of {reached}")


async def _prove(connection: Any, reached: int) -> None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        last = [checkpoint async for checkpoint in verify(connection, EVENTS)][-1]
    if last.position != reached:
        raise Failed(f"the log was proved up to {last.position}, and it ends at {reached}")


async def _compared(url: str) -> tuple[Verdict, Run]:
    begun, cpu = time.perf_counter(), time.process_time()
    verdict = await verify_projection(url, "clients", _quietly)
    if not verdict.agrees:
        raise Failed(f"the rebuilt table is not what the log makes of it: {verdict}")
    return verdict, Run(time.perf_counter() - begun, time.process_time() - cpu)


async def _timed(act: Callable[[], Awaitable[None]]) -> Run:
    begun, cpu = time.perf_counter(), time.process_time()
    await act()
    return Run(time.perf_counter() - begun, time.process_time() - cpu)


def _quietly(_done: int, _total: int) -> None:
    pass
