"""muniment log export: a log with everything that an independent verifier needs, or its events for other programs."""

import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import asyncpg
import typer
from msgspec import Struct

from events.codec import Recorded
from service.cli import extract, ocsf, parquet, whole_batches
from service.cli.extract import EVENT_LOG, ISSUANCE_LOG, Framed, Lines, Rows, Writer
from service.cli.opening import Plainly, opened_at, run
from service.cli.output import note
from service.cli.parquet import Parquet
from service.cli.progress import Progress, bar
from service.cli.selection import Actors, Selection, Since, Types, Until, selection
from service.cli.spreadsheet import Csv
from service.cli.whole_batches import Written


class Schema(StrEnum):
    """In whose words an event is written."""

    MUNIMENT = "muniment"
    OCSF = "ocsf"


class Form(StrEnum):
    """How an export is written."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class What(Struct, frozen=True, kw_only=True):
    """What is written of which log."""

    form: Form
    ocsf: bool
    issuance: bool

    @property
    def noun(self) -> str:
        return "tokens" if self.issuance else "events"


Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to this file; - is stdout.", show_default=False),
]
Always = Annotated[bool, typer.Option("--json", help="JSON lines, as without --format.")]
Issuance = Annotated[bool, typer.Option("--issuance", help="The issuance log: every access token that was issued.")]
Format = Annotated[
    Form | None,
    typer.Option(
        "--format", help="JSON lines that can be verified (ndjson), or a table (csv, parquet).", show_default=False
    ),
]

Words = Annotated[
    Schema, typer.Option("--schema", help="In Muniment's own words, or in those of OCSF 1.5, for a SIEM.")
]


def export(
    since: Since = None,
    until: Until = None,
    types: Types = None,
    actors: Actors = None,
    output: Output = None,
    *,
    issuance: Issuance = False,
    form: Format = None,
    schema: Words = Schema.MUNIMENT,
    as_csv: Csv = False,
    as_json: Always = False,
) -> None:
    """Write the event log as JSON lines: all that it takes to verify it without Muniment and without its database.

    Whole batches are written, from a checkpoint to a checkpoint where there are some around the range, so it may begin a little earlier and end a little later than asked. muniment-verify proves such an export with nothing but the log's key (muniment log key). Each line is an object; its "line" says what it is:

    - start: "format" (muniment-log-1), "position" and "chain" (the chain value) before the first batch, and "origin" (the log's name), if there is a checkpoint; position 0 is the beginning of the log.

    - event: "position", "recorded_at", "stream_id", "version", "schema_ver", "type", "leaf" (hex), and "meta" and "data" as strings that hold the stored bytes verbatim (UTF-8). Bytes that are not UTF-8, which Muniment never writes, are "meta_base64" or "data_base64".

    - batch, after its events: "first_position", "last_position", "recorded_at", "root", "chain" (hex).

    - checkpoint, after the position that it is for: "note", a signed C2SP checkpoint. The first one is that of the start.

    - end: "position" and "chain" again. Without this line an export is not whole.

    How leaf, root and chain are made: muniment-verify --formats. The recorded_at of an event is its batch's.

    With --issuance, the same of the issuance log: the format is muniment-issuance-1, and instead of events there are lines token: "position", "issued_at", "client", "secret", "jti", "data", "leaf".

    With --type or --actor events are left out, so that nothing can be proved from what is left: the format is then muniment-events-1, an event line has what `log follow --json` prints, and there are no batch lines. --format csv (or --csv) and --format parquet write the same events, or tokens, as a table; parquet needs pyarrow. --schema ocsf writes an object of OCSF a line (Account Change, Authentication, Entity Management, API Activity), and nothing else. What is sealed stays sealed in every format: an export names no user, erased or not.

    Example: `muniment log export --since 2026-03-01 --until 2026-03-31 -o march.jsonl`
    """
    wanted = selection(since, until, types, actors)
    what = What(form=_form(form, as_csv=as_csv, as_json=as_json), ocsf=schema is Schema.OCSF, issuance=issuance)
    is_file = output is not None and str(output) != "-"
    _refuse(what, wanted, is_file=is_file)
    with opened_at() as url, _target(output if is_file else None) as file, bar(what.noun) as progress:
        written = run(_written(url, wanted, file, progress, what))
    if is_file:
        note(f"{written.count} {what.noun} are in {output}{_unsigned(written)}")


def _refuse(what: What, wanted: Selection, *, is_file: bool) -> None:
    """Raises Plainly."""
    if what.issuance and wanted.has_holes:
        raise Plainly("--type and --actor choose events; the issuance log has tokens alone: omit them, or --issuance.")
    if what.ocsf and what.form is not Form.NDJSON:
        raise Plainly("--schema ocsf is written as JSON lines: omit --format and --csv, or --schema.")
    if what.form is Form.PARQUET:
        parquet.library()
        if not is_file:
            raise Plainly("--format parquet is not text: name a file with -o FILE.")


def _form(form: Form | None, *, as_csv: bool, as_json: bool) -> Form:
    """Raises Plainly."""
    said = {each for each in (form, Form.CSV if as_csv else None, Form.NDJSON if as_json else None) if each}
    if len(said) > 1:
        raise Plainly("--format, --csv and --json contradict each other: give one of them.")
    return said.pop() if said else Form.NDJSON


def _target(output: Path | None) -> Any:
    return nullcontext(sys.stdout.buffer) if output is None else output.open("wb")


async def _written(url: str, wanted: Selection, file: BinaryIO, progress: Progress, what: What) -> Written:
    if what.form is Form.NDJSON and not what.ocsf and not wanted.has_holes:
        source = whole_batches.TOKENS if what.issuance else whole_batches.EVENTS
        return await whole_batches.write(url, source, wanted, file, progress)
    if what.issuance:
        writer = _tokens(file, what)
        return Written(count=await extract.written(url, ISSUANCE_LOG, wanted, writer, progress))
    return Written(count=await extract.written(url, EVENT_LOG, wanted, _events(file, what), progress))


def _events(file: BinaryIO, what: What) -> Writer[Recorded]:
    if what.ocsf:
        return Lines(ocsf.event, file)
    match what.form:
        case Form.NDJSON:
            return Framed(file)
        case Form.CSV:
            return Rows(EVENT_LOG.table, file)
        case Form.PARQUET:
            return Parquet(EVENT_LOG.table, file)


def _tokens(file: BinaryIO, what: What) -> Writer[asyncpg.Record]:
    match what.form:
        case Form.NDJSON:
            return Lines(ocsf.token, file)
        case Form.CSV:
            return Rows(ISSUANCE_LOG.table, file)
        case Form.PARQUET:
            return Parquet(ISSUANCE_LOG.table, file)


def _unsigned(written: Written) -> str:
    """What a checkpoint does not cover of an export that can be verified."""
    after = written.signed_up_to
    return "" if after is None or after >= written.last else f"; no checkpoint covers those after position {after} yet"
