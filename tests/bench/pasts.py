"""Reads of the past: a page of clients and one client, as of moments of a long history, by the filters that cost most."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rich.table import Table

from events.client import ClientRegistered
from events.database import Connection, connect
from projections import as_of, client_lists, clients
from projections.as_of import Wanted
from projections.client_history import HISTORY, PROJECTION, filters, keep
from projections.engine import checkpoints
from projections.history import FOREVER, Row
from projections.intervals import node_of
from projections.table import record
from service.crypto.credentials import new_id
from tests.bench.appends import EVENT
from tests.bench.figures import Figures, colored, table
from tests.bench.machine import Failed
from tests.bench.pace import Pace

CLIENTS = 100_000
OWNERS = 100
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
READS = 5
PAGE = 100


class Pasts(Figures, frozen=True, kw_only=True):
    """Milliseconds of each kind of page, as of the moment at which it takes longest (median of READS), and of one client."""

    clients: int
    rows: int
    pages: dict[str, float]
    one: float

    def tables(self) -> Iterable[Table]:
        title = f"The past: {self.clients:,} clients in {self.rows:,} versions, as of the moment that takes longest"
        made = table(title, "", "ms", "goal")
        for name, taken in self.pages.items():
            made.add_row(f"a page of 100: {name}", f"{taken:.1f}", colored("≤ 200", is_met=taken <= 200))
        made.add_row("one client", f"{self.one:.2f}", colored("≤ 10", is_met=self.one <= 10))
        yield made


def measure(url: str, pace: Pace, say: Callable[[str], None]) -> Pasts:
    return asyncio.run(_measure(url, pace.versions, say))


async def _measure(url: str, versions: int, say: Callable[[str], None]) -> Pasts:
    say(f"writing the history of {CLIENTS:,} clients")
    connection = await connect(url)
    try:
        await checkpoints.install(connection, PROJECTION)
        streams = [new_id() for _ in range(CLIENTS)]
        await connection.copy_records_to_table(
            HISTORY.name, records=map(record, _rows(streams, versions)), columns=PROJECTION.columns, schema_name="read"
        )
        await connection.execute(f"vacuum (analyze) read.{HISTORY.name}")
        say("reading the past")
        end = CLIENTS * versions
        moments = [CLIENTS // 100, CLIENTS, end // 3, end // 2 + 1, end - 1, end]
        pages = {
            name: max([await _page(connection, position, wanted) for position in moments])
            for name, wanted in _asked(streams).items()
        }
        one = max([await _one(connection, streams[number], end // 2) for number in (0, CLIENTS // 2, CLIENTS - 1)])
    finally:
        await connection.close()
    return Pasts(clients=CLIENTS, rows=CLIENTS * versions, pages=pages, one=one)


def _rows(streams: list[UUID], versions: int) -> Iterable[Row[Any]]:
    """Every client is registered, and then they change in turns: as of any moment, all are of about the same age."""
    assert isinstance(EVENT, ClientRegistered)
    first = clients.project(None, streams[0], EVENT)
    assert first is not None
    for version in range(1, versions + 1):
        for number, stream in enumerate(streams):
            begun = (version - 1) * CLIENTS + number + 1
            end = FOREVER if version == versions else begun + CLIENTS
            client = keep(
                first.__replace__(
                    stream_id=stream,
                    owner=f"owner-{number % OWNERS}",
                    display_name=f"Client number {number}",
                    version=version,
                )
            )
            yield HISTORY.row(
                stream_id=stream,
                to_position=end,
                version=version,
                from_position=begun,
                from_time=_time(begun),
                to_time=None if end == FOREVER else _time(end),
                node=node_of(begun, end),
                snapshot=client,
                **HISTORY.filters(client),
            )


def _time(position: int) -> datetime:
    return BEGUN + timedelta(milliseconds=position)


def _asked(streams: list[UUID]) -> dict[str, client_lists.Wanted]:
    return {
        "the first page": client_lists.Wanted(),
        "the last page": client_lists.Wanted(after=streams[-PAGE // 2]),
        "of one owner": client_lists.Wanted(owner="owner-7"),
        "of nobody": client_lists.Wanted(owner="nobody"),
        "in a state that none has": client_lists.Wanted(state="disabled"),
        "with a name that none has": client_lists.Wanted(name="no such name"),
        "with a name that one has": client_lists.Wanted(name="NUMBER 99999"),
    }


async def _page(connection: Connection, position: int, asked: client_lists.Wanted) -> float:
    wanted = Wanted(position=position, after=asked.after, limit=PAGE + 1, filters=filters(asked))
    taken: list[float] = []
    for _ in range(READS):
        begun = time.perf_counter()
        await as_of.listed(connection, HISTORY, wanted)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e3


async def _one(connection: Connection, stream: UUID, position: int) -> float:
    taken: list[float] = []
    for _ in range(READS):
        begun = time.perf_counter()
        if await as_of.find(connection, HISTORY, stream, position) is None:
            raise Failed(f"there is no client {stream} at position {position}")
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e3
