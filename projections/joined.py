"""Rows of several tables in one record: how a statement names their columns, and the record taken apart again."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any


def named(table: str, columns: str) -> str:
    """Returns the columns as a statement asks this table for them."""
    return ", ".join(f"{table}.{column}" for column in columns.split(", "))


def parts(values: Iterable[Any], tables: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Yields the row of each table, by the names of its columns."""
    given = iter(values)
    return (dict(zip(names, islice(given, len(names)), strict=True)) for names in tables)
