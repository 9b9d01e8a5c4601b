"""What an inline projection is: a table whose row for a stream is a pure function of that stream's events."""

from collections.abc import Callable, Iterable
from typing import Any, cast
from uuid import UUID

from msgspec import Struct, json

from events.codec import Event
from events.log import Change

_encode = json.Encoder().encode


class Table(Struct, frozen=True, kw_only=True):
    """`row`'s fields are the table's columns, in order, and the first is stream_id; `project` gives the row after an event, or None."""

    name: str
    row: type[Struct]
    tags: frozenset[str]
    project: Callable[[Any, UUID, Any], Struct | None]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.row.__struct_fields__

    def fold(self, stream: UUID, events: Iterable[Event]) -> Struct | None:
        """The row that these events of one stream, from its first on, make."""
        row: Struct | None = None
        for event in events:
            row = self.project(row, stream, event)
        return row

    def change(self, stream: UUID, events: Iterable[Event]) -> Change:
        row = self.fold(stream, events)
        return Change(self.name, None if row is None else _encode(row))


def record(row: Struct) -> tuple[Any, ...]:
    """The row as COPY takes it: nested structs as JSON text."""
    return tuple(_column(getattr(row, name)) for name in row.__struct_fields__)


def _column(value: Any) -> Any:
    """(A tuple of structs is one JSON column; a tuple of texts is an array.)"""
    nested = isinstance(value, Struct) or (
        isinstance(value, tuple) and any(isinstance(v, Struct) for v in cast("tuple[Any]", value))
    )
    return _encode(value).decode() if nested else value
