"""The reads of a minute in this process: the first of each query is recorded at once, and the others are added up by query.

Nothing is left out, and a reader cannot fill the log: beyond MOST_QUERIES of a caller, its reads are added up by path alone.
"""

from collections import Counter
from datetime import datetime, timedelta

from msgspec import Struct

from events.audit_read import AuditRead
from events.envelope import Actor, Meta

MINUTE = timedelta(minutes=1)
MOST_QUERIES = 60
"""Of one caller in a minute."""

MOST_OF_ALL = 2000
"""Of all callers in a minute."""

CURSOR = "cursor="
"""The pages of a list are one query."""


class Query(Struct, frozen=True, kw_only=True):
    """What is counted together. `filters` is None for those beyond the limits."""

    actor: Actor
    address: str | None
    path: str
    filters: tuple[str, ...] | None


class Read(Struct, frozen=True, kw_only=True):
    """`template` is the path without the ids in it; it stands for each tile, of which a log has many."""

    path: str
    template: str
    filters: tuple[str, ...]
    found: int | None
    meta: Meta
    at: datetime

    @property
    def event(self) -> AuditRead:
        return AuditRead(path=self.path, filters=self.filters, found=self.found, at=self.at)

    @property
    def query(self) -> Query:
        path = self.template if ":path}" in self.template else self.path
        filters = tuple([each for each in self.filters if not each.startswith(CURSOR)])
        return Query(actor=self.meta.actor, address=self.meta.address, path=path, filters=filters)

    @property
    def rest(self) -> Query:
        return Query(actor=self.meta.actor, address=None, path=self.template, filters=None)


class Sum(Struct, kw_only=True):
    """The reads of a query after the first one."""

    last: Read
    since: datetime
    reads: int = 0
    found: int | None = None

    def add(self, reads: int, read: Read) -> None:
        self.last, self.reads = read, self.reads + reads
        if read.found is not None:
            self.found = (self.found or 0) + read.found

    def event(self, query: Query) -> AuditRead:
        return AuditRead(
            path=query.path,
            filters=query.filters or (),
            found=self.found,
            at=self.last.at,
            reads=self.reads,
            since=self.since,
            various=query.filters is None,
        )


Sums = dict[Query, Sum]


class ReadCounts:
    """One per process."""

    def __init__(self) -> None:
        self._sums: Sums = {}
        self._queries: Counter[Actor] = Counter()
        self._began: datetime | None = None

    def count(self, read: Read) -> bool:
        """Return whether the read is the first of its query and so is to be recorded at once; otherwise it is added to a sum."""
        query = read.query
        known = self._sums.get(query)
        if known is None and self._has_room(read):
            self._began = self._began or read.at
            self._sums[query] = Sum(last=read, since=read.at)
            self._queries[read.meta.actor] += 1
            return True
        self._add(1, read, known)
        return False

    def forget(self, read: Read) -> None:
        """The first read of its query was not recorded, so it was refused, and the next one is the first."""
        kept = self._sums.get(read.query)
        if kept is not None and kept.reads == 0 and kept.found is None:
            del self._sums[read.query]
            self._queries[read.meta.actor] -= 1

    def end(self, read: Read) -> None:
        """Add the rows of a stream that has ended, which was counted when it began."""
        self._add(0, read, self._sums.get(read.query))

    def take(self, before: datetime) -> Sums:
        """Return what is to be recorded now, and begin a new minute, if the present one began before that time."""
        if self._began is None or self._began > before:
            return {}
        taken = {query: each for query, each in self._sums.items() if each.reads or each.found is not None}
        self._sums, self._queries, self._began = {}, Counter(), None
        return taken

    def put_back(self, sums: Sums) -> None:
        """These could not be recorded, and are recorded after the next minute."""
        for query, each in sums.items():
            self._began = self._began or each.last.at
            kept = self._sums.setdefault(query, each)
            if kept is not each:
                kept.since = each.since
                kept.reads += each.reads
                kept.found = kept.found if each.found is None else (kept.found or 0) + each.found

    def _has_room(self, read: Read) -> bool:
        return self._queries[read.meta.actor] < MOST_QUERIES and self._queries.total() < MOST_OF_ALL

    def _add(self, reads: int, read: Read, known: Sum | None) -> None:
        """Without a sum of its own, it belongs to the rest."""
        self._began = self._began or read.at
        if known is None:
            known = self._sums.setdefault(read.rest, Sum(last=read, since=read.at))
        known.add(reads, read)
