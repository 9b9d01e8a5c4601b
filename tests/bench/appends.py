"""Appends a second: events.log.Log, durable, against single-row inserts by pgbench into a table like the log's own."""

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import uvloop
from msgspec import Struct
from rich.table import Table

from events.client import ClientCredentials, ClientRegistered
from events.client_secret import StoredSecret
from events.log import Append, Appended, Log
from projections import clients
from service.crypto.credentials import new_id
from tests.bench.figures import Figures, Goal, at_least, colored, table
from tests.bench.machine import SERVER, Failed, pinned
from tests.bench.pace import Pace
from tests.bench.peers import META

LEVELS = (1, 16, 64)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = StoredSecret(secret_id=new_id(), name="first", hash="0" * 64, hint="…abcd", created_at=NOW, expires_at=None)
EVENT = ClientRegistered(
    owner="bench",
    grant=ClientCredentials(bot_user_id="bot-abc123"),
    display_name="Salesforce Production Integration",
    redirect_uris=(),
    scopes=("api:public",),
    secret=SECRET,
    at=NOW,
)
TABLE = """
create table single (position bigint generated always as identity primary key, recorded_at timestamptz not null default clock_timestamp(),
  stream_id uuid not null, version int not null, type text not null, meta bytea not null, data bytea not null, unique (stream_id, version))
"""
INSERT = "insert into single (stream_id, version, type, meta, data) values ({id}(), 1, 'client.registered', '{meta}', '{data}')"


class Figure(Struct, frozen=True, kw_only=True):
    """Latencies in seconds; `microseconds` is what one append costs this process, the part that is steady on a busy machine."""

    rate: float
    p50: float
    p99: float | None = None
    microseconds: float | None = None


class Level(Struct, frozen=True, kw_only=True):
    """At one number of concurrent appends: the log, the log with the client lookup written too, and single-row inserts."""

    concurrent: int
    log: list[Figure]
    projected: list[Figure]
    single: list[Figure]

    def ratio(self, ours: list[Figure]) -> float:
        return statistics.median(our.rate / single.rate for our, single in zip(ours, self.single, strict=True))


class Appends(Figures, frozen=True, kw_only=True):
    rival: str
    levels: list[Level]

    def tables(self) -> Iterable[Table]:
        title = f"Durable appends a second; single-row inserts by {self.rival}"
        columns = (
            "log",
            "and lookup row",
            "single rows",
            "log ratio",
            "and lookup",
            "p50 / p99 ms",
            "single p50",
            "CPU µs",
        )
        made = table(title, "at a time", *columns)
        for level in self.levels:
            ratios = (level.ratio(level.log), 1.8), (level.ratio(level.projected), 1.4)
            made.add_row(
                str(level.concurrent),
                *(
                    f"{_median(figures, lambda f: f.rate):,.0f}"
                    for figures in (level.log, level.projected, level.single)
                ),
                *(
                    f"{r:.2f} x {colored(f'≥ {goal}', is_met=r >= goal) if level.concurrent == 64 else ''}"
                    for r, goal in ratios
                ),
                _percentiles(level.log),
                f"{_median(level.single, lambda f: f.p50) * 1e3:.2f}",
                " / ".join(
                    f"{_median(figures, lambda f: f.microseconds):.0f}" for figures in (level.log, level.projected)
                ),
            )
        yield made

    def goals(self) -> Iterable[Goal]:
        most = self.levels[-1]
        for what, ours, wanted in (
            ("with order and chain", most.log, 1.8),
            ("with the lookup row", most.projected, 1.4),
        ):
            named = f"appends at {most.concurrent} {what}, to pgbench's single rows"
            yield at_least(named, wanted, most.ratio(ours), "{:.1f} times")


def measure(url: str, pace: Pace, say: Callable[[str], None], at: Sequence[int] = LEVELS) -> Appends:
    """The client side of each runs where the server under test otherwise does."""
    insert = _run(_prepared(url))
    pgbench = _pgbench()
    rival = f"{_said([pgbench, '--version'])} -M prepared" if pgbench else "asyncpg, a connection for each"
    levels: list[Level] = []
    for concurrent in at:
        say(f"appends, {concurrent} at a time")
        level = Level(concurrent=concurrent, log=[], projected=[], single=[])
        for _ in range(pace.append_rounds):
            level.log.append(_run(_log(url, concurrent, pace.append_seconds, projected=False)))
            level.projected.append(_run(_log(url, concurrent, pace.append_seconds, projected=True)))
            if pgbench:
                level.single.append(_by_pgbench(pgbench, url, insert, concurrent, pace.append_seconds))
            else:
                level.single.append(_run(_by_asyncpg(url, insert, concurrent, pace.append_seconds)))
        levels.append(level)
    return Appends(rival=rival, levels=levels)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    with pinned(SERVER), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _prepared(url: str) -> str:
    """The statement of the single-row insert: a row of the same size, with ids that are as kind to the index where Postgres has them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLE)
        name = "uuidv7" if connection.get_server_version().major >= 18 else "gen_random_uuid"
        return INSERT.format(id=name, meta="m" * 110, data="d" * 330)
    finally:
        await connection.close()


async def _log(url: str, concurrent: int, seconds: float, *, projected: bool) -> Figure:
    log = Log(url)

    async def append() -> None:
        stream = new_id()
        changes = (clients.TABLE.change(stream, (EVENT,)),) if projected else ()
        outcome = await log.append(
            Append(stream=stream, expected=0, events=(EVENT,), meta=META, changes=changes, is_fresh=True)
        )
        if not isinstance(outcome, Appended):
            raise Failed(f"an append came to {outcome}")

    try:
        await append()
        return await _timed(append, concurrent, seconds)
    finally:
        await log.close()


async def _by_asyncpg(url: str, insert: str, concurrent: int, seconds: float) -> Figure:
    async with asyncpg.create_pool(url, min_size=concurrent, max_size=concurrent) as pool:
        return await _timed(lambda: pool.execute(insert), concurrent, seconds)


async def _timed(act: Callable[[], Coroutine[Any, Any, Any]], concurrent: int, seconds: float) -> Figure:
    taken: list[float] = []
    begun, cpu = time.perf_counter(), time.process_time()

    async def repeat() -> None:
        while (at := time.perf_counter()) < begun + seconds:
            await act()
            taken.append(time.perf_counter() - at)

    await asyncio.gather(*(repeat() for _ in range(concurrent)))
    rate = len(taken) / (time.perf_counter() - begun)
    microseconds = (time.process_time() - cpu) / len(taken) * 1e6
    taken.sort()
    return Figure(rate=rate, p50=taken[len(taken) // 2], p99=taken[len(taken) * 99 // 100], microseconds=microseconds)


def _pgbench() -> str | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), key=lambda path: int(path.parts[4]))
    return str(packaged[-1]) if packaged else shutil.which("pgbench")


def _said(command: list[str], **more: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)
    if done.returncode:
        raise Failed(f"{command}: {done.stderr}")
    return done.stdout.strip()


def _by_pgbench(pgbench: str, url: str, insert: str, concurrent: int, seconds: int) -> Figure:
    parts = urlsplit(url)
    where = {
        "PGHOST": parse_qs(parts.query)["host"][0],
        "PGPORT": parse_qs(parts.query)["port"][0],
        "PGUSER": parts.username or "",
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }
    command = [
        pgbench,
        "-n",
        "-M",
        "prepared",
        "-c",
        str(concurrent),
        "-j",
        "1",
        "-T",
        str(seconds + 1),  # the first second may go by with connecting; it counts for nothing
        "-f",
        "/dev/stdin",
    ]
    with pinned(SERVER):
        said = _said(command, input=insert + ";\n", env={**os.environ, **where})
    found = re.search(r"tps = ([\d.]+) \(without", said)
    if found is None:
        raise Failed(f"pgbench said: {said}")
    return Figure(rate=float(found[1]), p50=concurrent / float(found[1]))


def _median(figures: list[Figure], of: Callable[[Figure], float | None]) -> float:
    return statistics.median(value for value in map(of, figures) if value is not None)


def _percentiles(figures: list[Figure]) -> str:
    return " / ".join(f"{_median(figures, of) * 1e3:.2f}" for of in (lambda f: f.p50, lambda f: f.p99))
