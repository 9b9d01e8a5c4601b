"""The history of an inline table: a row for each version of each of its rows, with the positions and times between which it was current.

The row of position p has from_position <= p < to_position, and likewise for a time. The current row ends FOREVER. What was deleted has
no current row. A version that differs from the one before in nothing that the history keeps has no row of its own.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from events.codec import Recorded
from projections.catch_up import CatchUp, Removed, events
from projections.intervals import FOREVER, node_of
from projections.table import Table

Snapshot = TypeVar("Snapshot", bound=Struct)


class Row(Struct, Generic[Snapshot], frozen=True, kw_only=True, gc=False):
    """`snapshot` is what the history keeps of the table's row, and `node` is where the row is in the index (projections/intervals.py).

    The row of each history adds columns that lists are filtered by.
    """

    stream_id: UUID
    to_position: int
    version: int
    from_position: int
    from_time: datetime
    to_time: datetime | None
    node: int
    snapshot: Snapshot


class History(Struct, Generic[Snapshot], frozen=True, kw_only=True):
    """What the history of one table is.

    `keep` returns what is kept of the table's row: never a secret or its hash. It may also drop what changes often and means little later;
    `project` of the table must not need it. `filters` gives the further columns of `row`. If `swept`, a list as of a position reads only
    the rows of that position, in indexes that carry `row`'s further columns. Otherwise it walks through the table in the order of streams, or
    through one of `indexes`; that is for tables whose rows are rarely deleted. `gone` are columns of the last version of what was deleted.
    """

    name: str
    version: int
    table: Table
    follows: object
    row: type[Row[Snapshot]]
    keep: Callable[[Snapshot], Snapshot]
    filters: Callable[[Snapshot], Mapping[str, object]]
    swept: bool = True
    indexes: tuple[tuple[str, ...], ...] = ()
    gone: Mapping[str, Any] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that lists are filtered by."""
        further = self.row.__struct_fields__[len(Row.__struct_fields__) :]
        return tuple(name for name in further if name not in self.gone)

    def catch_up(self) -> "CatchUp[Recorded, Row[Snapshot]]":
        swept = (("node", "from_position"), ("node", "to_position")) if self.swept else ()
        return CatchUp(
            name=self.name,
            version=self.version,
            follows=events(self.follows),
            row=self.row,
            key=("stream_id", "to_position"),
            project=self.project,
            looks_first=True,
            indexes=(*swept, *self.indexes),
            carried=("stream_id", "from_position", "to_position", *self.columns) if self.swept else (),
        )

    def project(self, entry: Recorded, find: Callable[..., Row[Snapshot] | None]) -> Iterable[Row[Snapshot] | Removed]:
        """Yields the earlier version, which ends at the event, and the new version, if there is one, which begins there."""
        before = find(entry.stream_id, FOREVER) if entry.version > 1 else None
        then: Any = self.table.project(before and before.snapshot, entry.stream_id, entry.event)
        kept = None if then is None else self.keep(then)
        if before is not None:
            # A stored snapshot has lists where a new one has tuples, so both are compared as `keep` makes them.
            if kept == self.keep(before.snapshot):
                return
            ended = _ended(before, entry)
            yield ended if kept is not None else ended.__replace__(**self.gone)
        if kept is not None:
            yield self._begun(kept, entry)
        elif before is not None:
            yield Removed((entry.stream_id, FOREVER))

    def _begun(self, kept: Snapshot, entry: Recorded) -> Row[Snapshot]:
        return self.row(
            stream_id=entry.stream_id,
            to_position=FOREVER,
            version=entry.version,
            from_position=entry.position,
            from_time=entry.recorded_at,
            to_time=None,
            node=node_of(entry.position, FOREVER),
            snapshot=kept,
            **self.filters(kept),
        )


def _ended(row: Row[Snapshot], entry: Recorded) -> Row[Snapshot]:
    node = node_of(row.from_position, entry.position)
    return row.__replace__(to_position=entry.position, to_time=entry.recorded_at, node=node)


@lru_cache(maxsize=1024)
def named(text: str | None) -> UUID | None:
    """Returns what stands for a text of any length in a filter: an index cannot carry a text of 450 characters."""
    return None if text is None else UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])
