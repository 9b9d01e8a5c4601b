"""The table that a row's type describes: its columns, their SQL types, and the statement that creates it."""

from collections.abc import Sequence
from datetime import datetime
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
}


class NoColumn(Exception):
    """A field has a type that no column stands for."""


def creation(projection: CatchUp[Any, Any], name: str) -> str:
    """The statements that create the projection's table, and its indexes, under this name."""
    table = f'"{projection.schema}"."{name}"'
    columns = [f'"{field.name}" {sql_type(field.type)}' for field in structs.fields(projection.row)]
    indexes = [f"create index on {table} ({quoted(index)})" for index in projection.indexes]
    create = f"create table {table} ({', '.join(columns)}, primary key ({quoted(projection.key)}))"
    return "; ".join([create, *indexes])


def quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def sql_type(kind: object) -> str:
    """The type of a column, with `not null` unless None is one of its values. Raises NoColumn."""
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not NoneType]
        if len(members) == 1 and len(members) < len(get_args(kind)):
            return _plain_type(members[0])
    return f"{_plain_type(kind)} not null"


def _plain_type(kind: object) -> str:
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return "jsonb"
    match get_origin(kind), get_args(kind):
        case origin, arguments if origin is Literal and all(isinstance(value, str) for value in arguments):
            return "text"
        case origin, (one, *_) if origin in (tuple, Sequence) and one in SCALARS:
            return f"{SCALARS[one]}[]"
        case origin, (one, *_) if origin in (tuple, Sequence) and isinstance(one, type) and issubclass(one, Struct):
            return "jsonb"
        case _:
            raise NoColumn(f"no column can hold {kind}")
