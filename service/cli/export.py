"""muniment log export: the log as JSON lines, with everything that an independent verifier needs."""

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import asyncpg
import typer
from msgspec import json

from events.database import Connection, connect
from events.replay import Checkpoint
from events.verify import EVENTS
from service.cli import extract
from service.cli.opening import Plainly, opened_at, run
from service.cli.output import note, shown
from service.cli.progress import Progress, bar
from service.cli.selection import Actors, Selection, Since, Types, Until, selection
from service.cli.spreadsheet import Csv

FORMAT = "muniment-log-1"
BEFORE = "select last_position, chain from log.batches where last_position < $1 order by last_position desc limit 1"
UPTO = "select last_position from log.batches where last_position >= $1 order by last_position limit 1"
FLUSH_BYTES = 1 << 20

Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to this file; - is stdout.", show_default=False),
]
Always = Annotated[bool, typer.Option("--json", help="The export is JSON lines in any case.")]


def export(
    since: Since = None,
    until: Until = None,
    types: Types = None,
    actors: Actors = None,
    output: Output = None,
    *,
    as_csv: Csv = False,
    _as_json: Always = False,
) -> None:
    """Write the event log as JSON lines: all that it takes to verify it without Muniment and without its database.

    Whole batches are written, so the range may begin a little earlier and end a little later than asked. Each line is an
    object; its "line" says what it is:

    - start: "format", and the checkpoint ("position", "chain") before the first batch; position 0 is the beginning of the log.

    - event: "position", "recorded_at", "stream_id", "version", "schema_ver", "type", "leaf" (hex), and "meta" and "data" as strings that hold the stored bytes verbatim (UTF-8). Bytes that are not UTF-8, which Muniment never writes, are "meta_base64" or "data_base64".

    - batch, after its events: "first_position", "last_position", "recorded_at", "root", "chain" (hex).

    - end: "position" and "chain" again. Without this line an export is not whole.

    How leaf, root and chain are made is written at the top of events/chain.py; the recorded_at of an event is its batch's.

    With --type or --actor events are left out, so that nothing can be proved from what is left: the format is then muniment-events-1, an event line has what `log follow --json` prints, and there are no batch lines. --csv writes the same events as a table.

    Example: `muniment log export --since 2026-03-01 --until 2026-03-31 -o march.jsonl`
    """
    wanted = selection(since, until, types, actors)
    is_file = output is not None and str(output) != "-"
    with opened_at() as url, _target(output if is_file else None) as file, bar("events") as progress:
        if as_csv or wanted.has_holes:
            written = run(extract.extracted(url, wanted, file, progress, as_csv=as_csv))
        else:
            written = run(_exported(url, wanted, file, progress))
    if is_file:
        note(f"{written} events are in {output}")


def _target(output: Path | None) -> Any:
    return nullcontext(sys.stdout.buffer) if output is None else output.open("wb")


async def _exported(url: str, wanted: Selection, file: BinaryIO, progress: Progress) -> int:
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            first, end = await extract.bounds(connection, wanted)
            end = await connection.fetchval(UPTO, end)
            row = await connection.fetchrow(BEFORE, first)
            if row is None:
                raise Plainly("The log's first batch, at position 0, is gone: muniment log verify.")
            start = Checkpoint(row[0], row[1])
            await _write(connection, start, end, file, progress)
            return end - start.position
    finally:
        connection.terminate()


async def _write(connection: Connection, start: Checkpoint, end: int, file: BinaryIO, progress: Progress) -> None:
    rows = await connection.cursor(EVENTS.rows, start.position)
    reached, pending = start, bytearray(_line("start", {"format": FORMAT, **_checkpoint(start)}))
    while reached.position < end:
        for batch in await connection.fetch(EVENTS.page, reached.position):
            if batch["last_position"] > end:
                break
            events = await rows.fetch(batch["last_position"] - reached.position)
            pending += b"".join(_batch(batch, events))
            reached = Checkpoint(batch["last_position"], batch["chain"])
            if len(pending) > FLUSH_BYTES:
                file.write(pending)
                pending.clear()
        progress(reached.position - start.position, end - start.position)
    file.write(pending + _line("end", _checkpoint(reached)))
    file.flush()


def _batch(batch: asyncpg.Record, events: Iterable[asyncpg.Record]) -> Iterable[bytes]:
    for event in events:
        yield _line("event", _event(event))
    yield _line("batch", {**batch, "root": batch["root"].hex(), "chain": batch["chain"].hex()})


def _event(row: asyncpg.Record) -> dict[str, Any]:
    told = {**row, "leaf": row["leaf"].hex()}
    for name in ("meta", "data"):
        stored: bytes = told.pop(name)
        try:
            told[name] = stored.decode()
        except UnicodeDecodeError:
            told[f"{name}_base64"] = stored
    return told


def _checkpoint(at: Checkpoint) -> dict[str, Any]:
    return {"position": at.position, "chain": at.chain.hex()}


def _line(what: str, told: dict[str, Any]) -> bytes:
    return shown(json.encode({"line": what, **told})) + b"\n"
