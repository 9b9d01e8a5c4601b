"""Folding entries into rows, without a database: which rows are needed first, and which are different afterwards."""

from collections.abc import Iterable
from typing import Any, Generic

from msgspec import Struct

from projections.catch_up import CatchUp, Entry, Removed, Row
from projections.engine.entries import Poison

Key = tuple[Any, ...]


class Changes(Struct, Generic[Row], frozen=True):
    """What has to be written: rows that the table does not have yet, rows that replace others, and keys of rows to delete."""

    new: list[Row]
    replaced: list[Row]
    removed: list[Key]


class Fold(Generic[Entry, Row]):
    """Rows of a projection's table in memory. With `complete`, a row that is not here does not exist.

    With `upserts`, the rows are written so that it need not be known whether they exist: only what `project` reads is learned.
    """

    def __init__(self, projection: CatchUp[Entry, Row], *, complete: bool = False, upserts: bool = False) -> None:
        self._projection = projection
        self._complete, self._upserts = complete, upserts
        self._key_of = projection.key_of
        self._stored: dict[Key, Row | None] = {}
        self._made: dict[Key, Row | None] = {}

    def __len__(self) -> int:
        return len(self._stored) + len(self._made)

    def learn(self, asked: Iterable[Key], rows: Iterable[Row]) -> None:
        """What the table has under these keys."""
        self._stored |= dict.fromkeys(asked)
        self._stored |= {self._key_of(row): row for row in rows}

    def take_in(self, entries: Iterable[Any]) -> set[Key]:
        """Folds the entries in, and returns nothing; or changes nothing, and returns keys to learn before it is called again.

        A row that is not known yet counts as absent for the time being, so that one call finds the keys of all entries.
        """
        made: dict[Key, Row | None] = {}
        unknown: set[Key] = set()

        def find(*key: Any) -> Row | None:
            for rows in (made, self._made, self._stored):
                if key in rows:
                    return rows[key]
            if not self._complete:
                unknown.add(key)
            return None

        for entry in entries:
            try:
                for row in self._projection.project(entry, find):
                    if isinstance(row, Removed):
                        made[row.key] = None
                    else:
                        made[self._key_of(row)] = row
            except (Exception, SystemExit) as fault:  # a package's exit() must not end the service
                if unknown:  # it was given less than there is
                    return unknown
                raise Poison(entry.position, f"{type(fault).__name__}: {fault}") from fault
        if not (self._complete or self._upserts):
            unknown |= made.keys() - self._made.keys() - self._stored.keys()
        if not unknown:
            self._made |= made
        return unknown

    def changes(self) -> Changes[Row]:
        """All that has to be written; afterwards nothing is known any more."""
        made, stored = self._made, self._stored
        self._made, self._stored, self._complete = {}, {}, False
        rows = [(stored.get(key) is not None, row) for key, row in made.items() if row is not None]
        return Changes(
            new=[row for known, row in rows if not known],
            replaced=[row for known, row in rows if known],
            removed=[k for k, row in made.items() if row is None and (self._upserts or stored.get(k) is not None)],
        )
