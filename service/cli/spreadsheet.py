"""Events as rows of CSV (RFC 4180), for spreadsheets."""

import csv
import io
from typing import Annotated

import typer
from msgspec import json, to_builtins

from events.codec import Recorded
from service.cli.event_text import fields, subject, what, who
from service.cli.output import moment, shown
from service.values.text import printable

Csv = Annotated[bool, typer.Option("--csv", help="Rows for a spreadsheet on stdout, and nothing else.")]

COLUMNS = (
    "position", "recorded_at", "type", "subject", "version", "by", "actor", "request_id", "address", "told", "event",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@")


def header() -> str:
    return _line(COLUMNS)


def row(past: Recorded) -> str:
    meta = past.meta
    cells = (
        str(past.position),
        moment(past.recorded_at, exact=True),
        past.type,
        subject(past),
        str(past.version),
        str(to_builtins(meta.actor)["by"]),
        who(meta.actor),
        meta.request_id,
        meta.address or "",
        what(past.event),
        shown(json.encode(fields(past.event))).decode(),
    )
    return _line([_harmless(cell) for cell in cells])


def _harmless(cell: str) -> str:
    """Spreadsheets compute a cell that begins like a formula: what a stranger named so is text, by an apostrophe before it."""
    text = printable(cell)
    return f"'{text}" if text.startswith(FORMULA) else text


def _line(cells: tuple[str, ...] | list[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
