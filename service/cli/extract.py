"""Some events of the log, with others left out, or all of them as a table: to be read, not to be proved."""

from typing import BinaryIO

from msgspec import json

from events.codec import Recorded
from events.database import Connection, connect
from events.replay import head, pages
from service.cli import spreadsheet
from service.cli.event_text import as_json
from service.cli.opening import Plainly
from service.cli.output import shown
from service.cli.progress import Progress
from service.cli.selection import Selection, first_position, last_position

FORMAT = "muniment-events-1"


async def bounds(connection: Connection, wanted: Selection) -> tuple[int, int]:
    """The first and the last position that are wanted, of those that there are. Raises Plainly where there are none."""
    end = (await head(connection)).position
    first, last = await first_position(connection, wanted.since), await last_position(connection, wanted.until)
    if first > end:
        raise Plainly(f"The log ends at position {end}; there is no {first}.")
    last = end if last is None else min(last, end)
    if first > last:
        raise Plainly(f"Nothing was recorded between --since {wanted.since} and --until {wanted.until}.")
    return first, last


async def extracted(url: str, wanted: Selection, file: BinaryIO, progress: Progress, *, as_csv: bool) -> int:
    connection, written = await connect(url), 0
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            first, last = await bounds(connection, wanted)
            file.write(spreadsheet.header().encode() if as_csv else _line("start", format=FORMAT, position=first - 1))
            async for page in pages(connection, after=first - 1, upto=last):
                chosen = [past for past in page if wanted.wants(past)]
                file.write(b"".join(map(_row if as_csv else _event, chosen)))
                written += len(chosen)
                progress(page[-1].position - first + 1, last - first + 1)
            if not as_csv:
                file.write(_line("end", position=last))
            file.flush()
    finally:
        connection.terminate()
    return written


def _row(past: Recorded) -> bytes:
    return spreadsheet.row(past).encode()


def _event(past: Recorded) -> bytes:
    return _line("event", **as_json(past))


def _line(what: str, **told: object) -> bytes:
    return shown(json.encode({"line": what, **told})) + b"\n"
