"""Events or tokens to be read, not to be proved: with others left out, as a table, or in the words of a SIEM."""

from collections.abc import AsyncIterator, Callable
from typing import Any, BinaryIO, Generic, Protocol

import asyncpg
from msgspec import Struct, json

from events.codec import Recorded
from events.database import Connection, connect
from events.replay import reading
from events.transparency.trees import EVENTS, ISSUANCE
from service.cli import spreadsheet
from service.cli.event_text import as_json
from service.cli.progress import Progress
from service.cli.selection import Selection, bounds
from service.cli.spreadsheet import Row, Table
from service.values.json_text import shown

FORMAT = "muniment-events-1"
TOKENS_A_PAGE = 1000


class Writer(Protocol[Row]):
    """Writes the rows between two positions."""

    def begin(self, first: int, /) -> None: ...
    def write(self, rows: list[Row], /) -> None: ...
    def end(self, last: int, /) -> None: ...


class Readable(Struct, Generic[Row], frozen=True, kw_only=True):
    """What is read of one of the logs: in pages, some rows of each, and as a table."""

    batches: str
    pages: Callable[[Connection, int, int], AsyncIterator[list[Row]]]
    wants: Callable[[Selection, Row], bool]
    position: Callable[[Row], int]
    table: Table[Row]


async def _event_pages(connection: Connection, after: int, upto: int) -> AsyncIterator[list[Recorded]]:
    async with reading(connection, after=after, upto=upto) as pages:
        async for page in pages:
            yield page


async def _token_pages(connection: Connection, after: int, upto: int) -> AsyncIterator[list[asyncpg.Record]]:
    while after < upto:
        end = min(after + TOKENS_A_PAGE, upto)
        if rows := await connection.fetch(ISSUANCE.rows, after, end):
            yield rows
        after = end


EVENT_LOG: Readable[Recorded] = Readable(
    batches=EVENTS.batches,
    pages=_event_pages,
    wants=Selection.wants,
    position=lambda past: past.position,
    table=spreadsheet.EVENTS,
)
ISSUANCE_LOG: Readable[asyncpg.Record] = Readable(
    batches=ISSUANCE.batches,
    pages=_token_pages,
    wants=lambda wanted, row: wanted.spans(row["position"], row["issued_at"]),
    position=lambda row: row["position"],
    table=spreadsheet.TOKENS,
)


class Rows(Generic[Row]):
    """CSV."""

    def __init__(self, table: Table[Row], file: BinaryIO) -> None:
        self._table, self._file = table, file

    def begin(self, _first: int) -> None:
        self._file.write(self._table.header().encode())

    def write(self, rows: list[Row]) -> None:
        self._file.write("".join(map(self._table.row, rows)).encode())

    def end(self, _last: int) -> None:
        self._file.flush()


class Lines(Generic[Row]):
    """One JSON object for each row, and nothing else."""

    def __init__(self, told: Callable[[Row], dict[str, Any]], file: BinaryIO) -> None:
        self._told, self._file = told, file

    def begin(self, _first: int) -> None:
        """The lines say it themselves."""

    def write(self, rows: list[Row]) -> None:
        self._file.write(b"".join(shown(json.encode(self._told(row))) + b"\n" for row in rows))

    def end(self, _last: int) -> None:
        self._file.flush()


class Framed(Lines[Recorded]):
    """Events between a start line and an end line."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(lambda past: {"line": "event", **as_json(past)}, file)

    def begin(self, _first: int) -> None:
        self._line("start", format=FORMAT, position=_first - 1)

    def end(self, _last: int) -> None:
        self._line("end", position=_last)
        self._file.flush()

    def _line(self, what: str, **told: object) -> None:
        self._file.write(shown(json.encode({"line": what, **told})) + b"\n")


async def written(url: str, of: Readable[Row], wanted: Selection, writer: Writer[Row], progress: Progress) -> int:
    """Returns the number of rows. Raises Plainly."""
    connection, count = await connect(url), 0
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            first, last = await bounds(connection, wanted, of.batches)
            writer.begin(first)
            async for page in of.pages(connection, first - 1, last):
                chosen = [row for row in page if of.wants(wanted, row)]
                writer.write(chosen)
                count += len(chosen)
                progress(of.position(page[-1]) - first + 1, last - first + 1)
            writer.end(last)
    finally:
        connection.terminate()
    return count
