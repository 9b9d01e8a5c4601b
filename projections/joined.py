"""Rows of several tables in one record: how a statement names their columns, and the record taken apart again."""

from collections.abc import Iterator, Sequence
from typing import Any


def named(table: str, columns: str) -> str:
    """Returns the columns as a statement asks this table for them."""
    return ", ".join(f"{table}.{column}" for column in columns.split(", "))


def sizes(*columns: str) -> tuple[int, ...]:
    """Returns how many columns each table has."""
    return tuple(len(each.split(", ")) for each in columns)


def parts(values: Sequence[Any], tables: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Yields the columns of each table, of which there are so many."""
    begin = 0
    for size in tables:
        yield values[begin : begin + size]
        begin += size
