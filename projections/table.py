"""An inline projection: a table in which the row of a stream is a pure function of that stream's events."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct, json, structs

from events.codec import Event, type_of
from events.log import Change

_encode = json.Encoder().encode


class Table(Struct, frozen=True, kw_only=True):
    """The fields of `row` are the table's columns, in order; the first is stream_id. `project` returns the row after an event, or None.

    If `row` omits defaults, they are those of the columns: a new row is sent without them. `by_column`: of a changed row only the columns
    that change are written, which is good for a table that every such stream has its row in.
    """

    name: str
    row: type[Struct]
    tags: frozenset[str]
    project: Callable[[Any, UUID, Any], Struct | None]
    by_column: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return self.row.__struct_fields__

    def fold(self, stream: UUID, events: Iterable[Event], row: Struct | None = None) -> Struct | None:
        """Returns the row after these events, which are all events of one stream up to now, or those since this row. The table need not
        follow all of them.
        """
        for event in events:
            if type_of(event) in self.tags:
                row = self.project(row, stream, event)
        return row

    def change(
        self,
        stream: UUID,
        events: Sequence[Event],
        past: Sequence[Event] = (),
        *,
        left_out: int = 0,
        before: Sequence[Change] = (),
    ) -> Change:
        """The row after these events of one stream, and its past. `left_out` events of the past are not given, and only count in its version.
        `before` are the changes of the last append, if they are known: if they have the row, the past is not folded.
        """
        was: Any = next((each.row for each in before if each.table == self.name), None)
        if was is None:
            was = self.fold(stream, past)
            if was is not None and left_out:
                was = was.__replace__(version=was.version + left_out)
        return Change(self.name, self.fold(stream, events, was), was if self.by_column else None)


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
