"""The table that a row's type describes: its columns, their SQL types, and the statement that creates it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from msgspec import Struct, structs

from projections.catch_up import CatchUp

SCALARS: dict[object, str] = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    float: "double precision",
    bool: "boolean",
    datetime: "timestamptz",
    date: "date",
    bytes: "bytea",
}


NOT_NULL = " not null"


class NoColumn(Exception):
    """A field has a type that no column stands for."""


def creation(projection: CatchUp[Any, Any], name: str) -> str:
    """The statements that create the projection's table, and its indexes, under this name."""
    return "; ".join([table(projection, name), *indexes(projection, name)])


def table(projection: CatchUp[Any, Any], name: str) -> str:
    """The statement that creates the table with its primary key alone: so it is filled several times as fast."""
    columns = ", ".join(f'"{column}" {kind}' for column, kind in _types(projection).items())
    return f'create table "{projection.schema}"."{name}" ({columns}, primary key ({quoted(projection.key)}))'


def like(live: str, name: str, key: Sequence[str]) -> str:
    """The statement that creates a table like another, with its constraints, and of its indexes that of the primary key alone."""
    return f"create table {name} (like {live} including all excluding indexes, primary key ({quoted(key)}))"


def indexes(projection: CatchUp[Any, Any], name: str) -> list[str]:
    types, relation = _types(projection), f'"{projection.schema}"."{name}"'
    return [
        f"create index on {relation} ({quoted(index)}){_carrying(projection.carried, index)}{_where(index[0], types)}"
        for index in projection.indexes
    ]


def _types(projection: CatchUp[Any, Any]) -> dict[str, str]:
    return {field.name: sql_type(field.type) for field in structs.fields(projection.row)}


def _where(first: str, types: Mapping[str, str]) -> str:
    return "" if types[first].endswith(NOT_NULL) else f' where "{first}" is not null'


def _carrying(carried: Sequence[str], index: Sequence[str]) -> str:
    others = [name for name in carried if name not in index]
    return f" include ({quoted(others)})" if others else ""


def quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def sql_type(kind: object) -> str:
    """The type of a column, with `not null` unless None is one of its values. Raises NoColumn."""
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not NoneType]
        if len(members) == 1 and len(members) < len(get_args(kind)):
            return _plain_type(members[0])
    return _plain_type(kind) + NOT_NULL


def _plain_type(kind: object) -> str:
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return "jsonb"
    match get_origin(kind), get_args(kind):
        case origin, arguments if origin is Literal and all(isinstance(value, str) for value in arguments):
            return "text"
        case origin, (one, *_) if origin in (tuple, Sequence) and one in SCALARS and one is not bytes:
            return f"{SCALARS[one]}[]"
        case origin, (one, *_) if origin in (tuple, Sequence) and isinstance(one, type) and issubclass(one, Struct):
            return "jsonb"
        case _:
            raise NoColumn(f"no column can hold {kind}")
