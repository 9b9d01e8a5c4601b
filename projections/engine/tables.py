"""The SQL of a projection's table: rows by their keys, and rows written. Values travel as JSON, for it has a form for every column.

msgspec writes and reads bytes in JSON as base64, and Postgres has them in another form, so the queries convert them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, get_args

from msgspec import Struct, json, structs

from events.database import Connection
from projections.catch_up import CatchUp
from projections.columns import quoted
from projections.engine import binary_rows
from projections.engine.fold import Changes, Fold, Key
from projections.table import record

_encode = json.Encoder().encode
ROWS_A_STATEMENT = 5000


class Relation:
    """A projection's table, or one of the same shape that is built beside it or to be compared with it."""

    def __init__(self, projection: CatchUp[Any, Any], name: str, *, schema: str | None = None) -> None:
        self._projection, self._name, self._schema = projection, name, schema or projection.schema
        self.sql = f'"{self._schema}"."{name}"'
        keys, columns = quoted(projection.key), quoted(projection.columns)
        given = f"(select {from_json(projection)} from jsonb_populate_recordset(null::{self.sql}, $1::jsonb)) as k"
        others = [name for name in projection.columns if name not in projection.key]
        replace = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
        self._load = f"select to_json(t) from (select {_for_json(projection)} from {self.sql} t join (select {keys} from {given}) as k using ({keys})) as t"
        self._delete = (
            f"delete from {self.sql} t using {given} where ({_of('t', projection)}) = ({_of('k', projection)})"
        )
        self._write = f"insert into {self.sql} ({columns}) select {columns} from {given}"
        self._write += f" on conflict ({keys}) do {f'update set {replace}' if replace else 'nothing'}"

    async def take_in(self, connection: Connection, fold: Fold[Any, Any], entries: list[Any]) -> None:
        """Folds the entries in, with the rows that they need. Raises Poison."""
        while keys := fold.take_in(entries):
            fold.learn(keys, await self.load(connection, keys))

    async def load(self, connection: Connection, keys: Iterable[Key]) -> list[Any]:
        decode = _decoder(self._projection.row).decode
        return [decode(row[0]) for row in await connection.fetch(self._load, self._json(keys))]

    async def write(self, connection: Connection, changes: Changes[Any]) -> None:
        for rows in _parts([*changes.new, *changes.replaced]):
            await connection.execute(self._write, encoded(rows))
        await self._remove(connection, changes)

    async def copy(self, connection: Connection, changes: Changes[Any]) -> None:
        """The same where the new rows are known to be new: in bulk."""
        if changes.new:
            columns, records = self._projection.columns, map(record, changes.new)
            await connection.copy_records_to_table(
                self._name, records=records, columns=columns, schema_name=self._schema
            )
        await self._replace(connection, changes)

    async def copy_made(self, connection: Connection, changes: Changes[Any]) -> None:
        """The same, at half the cost here, for a table that was made for the projection's rows, as those of migrations were not."""
        if changes.new:
            kind = self._projection.row
            await binary_rows.copy_made(connection, self._name, kind, changes.new, schema=self._schema)
        await self._replace(connection, changes)

    async def _replace(self, connection: Connection, changes: Changes[Any]) -> None:
        for rows in _parts(changes.replaced):
            await connection.execute(self._write, encoded(rows))
        await self._remove(connection, changes)

    async def _remove(self, connection: Connection, changes: Changes[Any]) -> None:
        for keys in _parts(changes.removed):
            await connection.execute(self._delete, self._json(keys))

    def _json(self, keys: Iterable[Key]) -> str:
        return encoded([dict(zip(self._projection.key, key, strict=True)) for key in keys])


def encoded(rows: Sequence[object]) -> str:
    """Rows as queries take them."""
    return _encode(rows).decode()


@cache
def _is_bytes(row: type[Struct]) -> Mapping[str, bool]:
    """Looks at the types of the fields once: that takes longer than writing a few rows does."""
    return {field.name: bytes in (field.type, *get_args(field.type)) for field in structs.fields(row)}


def from_json(projection: CatchUp[Any, Any]) -> str:
    """The columns of rows that came as JSON. Of bytes, a column has the characters of their base64 at first."""
    columns = _is_bytes(projection.row).items()
    return ", ".join(f"decode(encode(\"{n}\", 'escape'), 'base64') as \"{n}\"" if b else f'"{n}"' for n, b in columns)


def _for_json(projection: CatchUp[Any, Any]) -> str:
    """The columns of rows that go as JSON. (Postgres breaks base64 into lines.)"""
    columns = _is_bytes(projection.row).items()
    return ", ".join(
        f"translate(encode(\"{n}\", 'base64'), E'\\n', '') as \"{n}\"" if b else f'"{n}"' for n, b in columns
    )


def _of(alias: str, projection: CatchUp[Any, Any]) -> str:
    return ", ".join(f'{alias}."{name}"' for name in projection.key)


def _parts(rows: list[Any]) -> Iterable[list[Any]]:
    return (rows[start : start + ROWS_A_STATEMENT] for start in range(0, len(rows), ROWS_A_STATEMENT))


@cache
def _decoder(row: type[Struct]) -> json.Decoder[Any]:
    return json.Decoder(row)
