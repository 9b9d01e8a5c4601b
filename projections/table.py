"""An inline projection: a table in which the row of a stream is a pure function of that stream's events."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct, json, structs

from events.codec import Event, type_of
from events.log import Change

_encode = json.Encoder().encode


class Table(Struct, frozen=True, kw_only=True):
    """The fields of `row` are the table's columns, in order; the first is stream_id. `project` returns the row after an event, or None.

    If `row` omits defaults, they are those of the columns: a new row is sent without them.
    """

    name: str
    row: type[Struct]
    tags: frozenset[str]
    project: Callable[[Any, UUID, Any], Struct | None]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.row.__struct_fields__

    def fold(self, stream: UUID, events: Iterable[Event]) -> Struct | None:
        """Returns the row after these events, which are all events of one stream up to now."""
        row: Struct | None = None
        for event in events:
            row = self.project(row, stream, event)
        return row

    def change(self, stream: UUID, events: Iterable[Event], *, left_out: int = 0) -> Change:
        """The row after these events of one stream. The table need not follow all of them. So many `left_out` only count in its version."""
        row: Any = self.fold(stream, [event for event in events if type_of(event) in self.tags])
        if row is not None and left_out:
            row = row.__replace__(version=row.version + left_out)
        return Change(self.name, row)


def record(row: Struct) -> list[Any]:
    """Returns the row for COPY, with nested structs as JSON text."""
    values = list(structs.astuple(row))
    for place in _json_columns(type(row)):
        if (value := values[place]) is not None:
            values[place] = _encode(value).decode()
    return values


@cache
def _json_columns(row: type[Struct]) -> tuple[int, ...]:
    """Returns where the JSON columns are: those of a struct or a sequence of structs. A sequence of texts is an array."""
    return tuple(place for place, field in enumerate(structs.fields(row)) if any(map(_is_struct, _parts(field.type))))


def _parts(kind: object) -> Iterator[object]:
    yield kind
    for part in get_args(kind):
        yield from _parts(part)


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)
