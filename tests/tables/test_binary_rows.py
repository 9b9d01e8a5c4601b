"""What is encoded a column at a time is stored as what the driver encodes a row at a time, for each type that a column can have."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct, defstruct, structs

from events.uuids import uuid_of_hex
from projections.columns import SCALARS, sql_type
from projections.engine import binary_rows
from projections.table import record


class Part(Struct, frozen=True):
    said: str
    at: datetime | None = None


NAMES = ("", "a", 'Zoë \N{SNOWMAN}\t"\\\n', "x" * 300)
MOMENTS = (datetime(1969, 7, 20, 20, 17, 40, 1, UTC), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5))))
VALUES: dict[Any, Sequence[Any]] = {
    UUID: (UUID(int=0), UUID(int=2**128 - 1), uuid_of_hex("0123456789abcdef" * 2)),
    str: NAMES,
    int: (0, -1, 2**62, -(2**63)),
    float: (0.0, -0.0, 1.5, float("inf"), float("nan")),
    bool: (True, False),
    datetime: MOMENTS,
    date: (date(1999, 12, 31), date(2026, 2, 28)),
    bytes: (b"", b"\0\xff" * 9),
}
LISTS: dict[Any, Sequence[Any]] = {
    tuple[one, ...]: ((), tuple(values), list(values[:1])) for one, values in VALUES.items() if one is not bytes
}
JSON: dict[Any, Sequence[Any]] = {
    Part: (Part("ü"), Part("", MOMENTS[0])),
    tuple[Part, ...]: ((), (Part("a"), Part("b"))),
}
KINDS = VALUES | LISTS | JSON
FIELDS = [(f"f{number}", kind) for number, kind in enumerate([*KINDS, *(kind | None for kind in KINDS)])]
ROW = defstruct("Row", [*FIELDS, ("small", int), ("label", str)])
CREATION = ", ".join(f"{name} {sql_type(kind)}" for name, kind in FIELDS)


def row(choose: Random, label: str) -> Any:
    values = [choose.choice(found) for found in KINDS.values()]
    perhaps = [choose.choice([None, *found]) for found in KINDS.values()]
    return ROW(*values, *perhaps, choose.randrange(-(2**31), 2**31), label)


@pytest.fixture
async def connection(postgres: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres)
    for table in ("fast", "plain"):
        await connection.execute(f'create temporary table "{table}" ({CREATION}, small integer, label text)')
    yield connection
    await connection.close()


def test_each_type_that_a_column_can_have_is_tried():
    assert set(VALUES) == set(SCALARS)


@pytest.mark.parametrize(("rows", "alike"), list(product((1, 2, binary_rows.ROWS_AT_ONCE + 1), (True, False))))
async def test_both_ways_store_the_same(connection: Any, rows: int, alike: bool):
    choose = Random(rows)
    one = row(choose, "first")
    page = [one.__replace__(label=str(number)) if alike else row(choose, str(number)) for number in range(rows)]

    async def pages() -> AsyncIterator[list[Any]]:
        yield []
        yield page

    await binary_rows.copy(connection, "fast", ROW.__struct_fields__, pages(), schema=None)
    await connection.copy_records_to_table("plain", records=map(record, page), columns=ROW.__struct_fields__)
    as_text = "select t::text from {} t order by label"
    assert await connection.fetch(as_text.format("fast")) == await connection.fetch(as_text.format("plain"))


async def test_a_table_that_was_made_for_a_type_of_rows_need_not_be_asked_for_its_columns(connection: Any):
    kind = defstruct("Kind", FIELDS)
    made = [row(Random(number), "") for number in range(binary_rows.ROWS_AT_ONCE + 1)]
    rows = [kind(*structs.astuple(each)[: len(FIELDS)]) for each in made]
    await binary_rows.copy_made(connection, "fast", kind, rows, schema="pg_temp")
    await connection.copy_records_to_table("plain", records=map(record, rows), columns=kind.__struct_fields__)
    as_text = "select t::text from {} t order by 1"
    assert await connection.fetch(as_text.format("fast")) == await connection.fetch(as_text.format("plain"))


@pytest.mark.parametrize("wrong", [{"f1": "a\0b"}, {"f1": 7}, {"small": 2**31}, {"f0": None}], ids=str)
async def test_a_value_that_its_column_cannot_have_is_refused_and_nothing_is_stored(connection: Any, wrong: Any):
    async def pages() -> AsyncIterator[list[Any]]:
        yield [row(Random(1), "right"), row(Random(2), "wrong").__replace__(**wrong)]

    with pytest.raises(Exception, match=r"."):
        await binary_rows.copy(connection, "fast", ROW.__struct_fields__, pages(), schema=None)
    assert await connection.fetchval("select count(*) from fast") == 0
