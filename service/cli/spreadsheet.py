"""Events and tokens as rows of a table: CSV (RFC 4180) for spreadsheets, and what other tables are made from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

import asyncpg
import typer
from msgspec import Struct, json, to_builtins

from events.codec import Recorded
from events.ids import client_id_of
from events.issuance import NO_SECRET, decode
from service.audit.cells import json_cell, line
from service.audit.event_fields import fields, subject
from service.cli.event_text import what, who, why
from service.cli.output import moment
from service.values.json_text import shown

Csv = Annotated[bool, typer.Option("--csv", help="Rows for a spreadsheet on stdout, and nothing else.")]

Row = TypeVar("Row")
Cell = str | int | datetime | None
Kind = Literal["text", "number", "time"]


class Table(Struct, Generic[Row], frozen=True, kw_only=True):
    """Columns by name, with the kind of their values, and the values of a row."""

    columns: Sequence[tuple[str, Kind]]
    cells: Callable[[Row], Sequence[Cell]]

    def header(self) -> str:
        return line(name for name, _ in self.columns)

    def row(self, value: Row) -> str:
        return line(map(_text, self.cells(value)))


def _text(cell: Cell) -> str:
    return moment(cell, exact=True) if isinstance(cell, datetime) else "" if cell is None else str(cell)


def _event(past: Recorded) -> Sequence[Cell]:
    meta = past.meta
    return (
        past.position,
        past.recorded_at,
        past.type,
        subject(past),
        past.version,
        str(to_builtins(meta.actor)["by"]),
        who(meta.actor),
        meta.request_id,
        meta.trace_id,
        meta.address,
        why(meta) or None,
        what(past.event),
        json_cell(shown(json.encode(fields(past.event))).decode()),
    )


def _token(row: asyncpg.Record) -> Sequence[Cell]:
    token = decode(row["data"])
    secret = None if row["secret"] == NO_SECRET else str(row["secret"])
    return (
        row["position"],
        row["issued_at"],
        client_id_of(row["client"]),
        secret,
        str(row["jti"]),
        token.sub,
        token.scope,
        token.kid,
        token.exp,
        token.address,
        None if token.authorization is None else str(token.authorization),
    )


EVENTS: Table[Recorded] = Table(
    columns=(
        ("position", "number"),
        ("recorded_at", "time"),
        ("type", "text"),
        ("subject", "text"),
        ("version", "number"),
        ("by", "text"),
        ("actor", "text"),
        ("request_id", "text"),
        ("trace_id", "text"),
        ("address", "text"),
        ("reason", "text"),
        ("told", "text"),
        ("event", "text"),
    ),
    cells=_event,
)
TOKENS: Table[asyncpg.Record] = Table(
    columns=(
        ("position", "number"),
        ("issued_at", "time"),
        ("client_id", "text"),
        ("secret_id", "text"),
        ("jti", "text"),
        ("sub", "text"),
        ("scope", "text"),
        ("kid", "text"),
        ("exp", "number"),
        ("address", "text"),
        ("authorization", "text"),
    ),
    cells=_token,
)


def header() -> str:
    return EVENTS.header()


def row(past: Recorded) -> str:
    return EVENTS.row(past)
