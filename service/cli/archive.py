"""muniment log archive: days of issued tokens moved from the database into files that prove themselves."""

import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from msgspec import Struct

from events import retention as days
from events.database import Connection, connected
from events.log import Log
from projections.engine.retention import NotYet, drop
from service import retention
from service.cli import whole_batches
from service.cli.opening import Plainly, by_operator, opened_at, run
from service.cli.output import Json, document, say
from service.cli.progress import Progress, bar
from service.cli.selection import Selection, read_place

LEAST_DAYS = 30

Before = Annotated[
    str,
    typer.Option(
        metavar="WHEN", help="Days before this one (2026-03-01, or 400d: 400 days ago), of UTC; 30 days ago at most."
    ),
]
Into = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIRECTORY", help="Where the files go; made if it is not there.")
]


class Archived(Struct, frozen=True, kw_only=True):
    """A day that is in a file, and no longer in the database. None are the positions of a day without tokens."""

    day: date
    file: Path | None
    first: int | None
    last: int | None


def archive(before: Before, output: Into, as_json: Json = False) -> None:
    """Write the records of old tokens to files, one for each day, and delete them from the database.

    A file has the format of `log export --issuance` and its checkpoints, so muniment-verify proves it with the log's key alone. A day
    is deleted only when its file is on the disk. Tree, chain and *last used* in the database still verify; each deletion is an event.

    Stops at the first day that must stay for now, and says why: run it again later.

    Example: `muniment log archive --before 400d -o /backup/tokens`
    """
    first_kept = _day(before)
    output.mkdir(parents=True, exist_ok=True)
    with opened_at() as url, bar("days") as progress:
        archived, why = run(_archived(url, first_kept, output, progress))
    if as_json:
        document({"archived": archived, "stopped": why})
    else:
        for each in archived:
            say(f"{each.day}  {_what(each)}")
        if not archived and why is None:
            say(f"There is no day before {first_kept} in the database.")
    if why is not None:
        raise Plainly(why)


def _what(each: Archived) -> str:
    if each.file is None or each.first is None or each.last is None:
        return "no tokens"
    return f"{each.last - each.first + 1:,} tokens are in {each.file}"


def _day(before: str) -> date:
    """Raises Plainly."""
    place = read_place("--before", before, time.min)
    latest = datetime.now(UTC).date() - timedelta(days=LEAST_DAYS)
    if isinstance(place, int) or place.astimezone(UTC).date() > latest:
        raise Plainly(
            f"--before takes a day up to {latest}, or 400d for 400 days ago: {LEAST_DAYS} days of tokens always stay."
        )
    return place.astimezone(UTC).date()


async def _archived(url: str, first_kept: date, output: Path, progress: Progress) -> tuple[list[Archived], str | None]:
    """Return the days that were archived, and why the next one was not, if there is one."""
    done: list[Archived] = []
    why: str | None = None
    async with connected(url) as connection:
        wanted = await days.days_before(connection, first_kept)
        for number, day in enumerate(wanted, 1):
            try:
                archived = await _file(url, connection, day, output)
                await drop(connection, day)
            except (NotYet, Plainly, asyncpg.LockNotAvailableError, asyncpg.ObjectNotInPrerequisiteStateError) as fault:
                why = f"{day} is not deleted yet: {fault}"
                break
            done.append(archived)
            progress(number, len(wanted))
    log = Log(url)
    try:
        await retention.record(url, log, by_operator())
    finally:
        await log.close()
    return done, why


async def _file(url: str, connection: Connection, day: date, output: Path) -> Archived:
    """Write the day's tokens, durably. Raises Plainly if no checkpoint covers them yet."""
    bounds = await days.positions(connection, day)
    if bounds is None:
        return Archived(day=day, file=None, first=None, last=None)
    first, last = bounds
    file, part = output / f"tokens-{day}.jsonl", output / f".tokens-{day}.part"
    with part.open("wb") as target:
        written = await whole_batches.write(
            url, whole_batches.TOKENS, Selection(since=first, until=last), target, lambda _done, _total: None
        )
        os.fsync(target.fileno())
    if (written.signed_up_to or 0) < last:
        part.unlink()
        raise Plainly(f"no checkpoint of the tree covers position {last} yet")
    part.replace(file)
    _sync(output)
    return Archived(day=day, file=file, first=first, last=last)


def _sync(directory: Path) -> None:
    """A file's name is durable once its directory is."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
