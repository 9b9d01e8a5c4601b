"""What a catch-up projection is: a table that follows a log from its own checkpoint, behind the appends.

A projection says what it is; `projections/engine` does everything else: installation, following, rebuild, verification, status.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import Struct, structs

from events.codec import Recorded, tags
from events.issuance import TokenIssued

Entry = TypeVar("Entry")
Row = TypeVar("Row", bound=Struct)

OURS = "read"
"""The schema of Muniment's own projections."""


BATCHES = {"log": "log.batches", "issuance": "log.issuance_batches"}
"""The table of the batches of each log that a projection can follow."""

LOGS = {"log": "events", "issuance": "issuance"}
"""What operators call each log: in metrics, in the status, and where it says which log a projection follows."""


class Source(Struct, Generic[Entry], frozen=True):
    """The log that a projection follows. Of the event log, only events with these tags. With `leaves`, the entries are runs of leaf hashes."""

    log: Literal["log", "issuance"]
    tags: frozenset[str] = frozenset()
    leaves: bool = False


def events(union: object) -> Source[Recorded]:
    """The event log, narrowed to a union of events (or to a single event class)."""
    return Source("log", tags(union))


UNKNOWN = UUID(int=0)


class Issuance(Struct, frozen=True, kw_only=True, gc=False):
    """An entry of the issuance log: one token that was issued.

    Of tokens that retention deleted, an entry is the sum of a day, a secret, a subject, an audience and a scope: `tokens` is their
    number, `issued_at` the time of the last one, and `since` of the first. The jti is UNKNOWN; so is the authorization, if there was
    one. The kid is empty. Of days that were deleted before scopes were kept, the scope is empty, too, and `has_scope` is false.
    """

    position: int
    issued_at: datetime
    client: UUID
    secret: UUID
    jti: UUID
    token: TokenIssued
    tokens: int = 1
    since: datetime | None = None
    has_scope: bool = True


ISSUANCE: Source[Issuance] = Source("issuance")


class LeafRun(Struct, frozen=True, kw_only=True, gc=False):
    """Consecutive leaf hashes (32 bytes each) of the tree over a log, which Postgres computed. A run ends at each multiple of 256 leaves.

    `first` is the index of the first leaf, which is its position minus 1.
    """

    first: int
    hashes: bytes

    @property
    def position(self) -> int:
        return self.first + 1


LOG_LEAVES: Source[LeafRun] = Source("log", leaves=True)
ISSUANCE_LEAVES: Source[LeafRun] = Source("issuance", leaves=True)


class Removed(Struct, frozen=True):
    """The row with this key does not exist after the entry."""

    key: tuple[Any, ...]


class Totals(Struct, frozen=True, kw_only=True):
    """The same rows as `project` makes, added up by Postgres (projections/engine/totals.py), of a projection of the issuance log
    whose rows do not depend on the order of the tokens.

    `query` selects one row for each key from `uses`, which has client, secret, bot (null if users authorized), audience, scope
    (null if it was not kept), day, first_at, last_at and tokens. `combined` says how two rows of a key become one, for each column
    that can differ between them.
    """

    query: str
    combined: Mapping[str, Literal["sum", "max", "min"]]


class CatchUp(Struct, Generic[Entry, Row], frozen=True, kw_only=True):
    """A table made by `project`, entry by entry, in the order of the log.

    `project(entry, find)` returns the rows that are different after the entry. It is pure: it reads rows of its own table through
    `find(*key)` (None where there is none), and nothing else. It may be called more than once for an entry; only the last call counts.
    `row`'s fields are the table's columns; `key` names those of the primary key. A key need not be a stream, so a row may depend on
    many streams. `indexes` are columns, too: each index leaves out the rows where its first column is null, and carries the columns
    `carried`, so that a search in it need not read rows. A package's projection names the schema of its tables
    (projections/packages.py). With `looks_first`, a row that `project` did not find is new: no two entries make rows of one key, unless
    the second one looked for it. Such rows are inserted at half the cost. `totals` are a faster way to the same rows; `project` is what they have to be equal to. A changed `project` or `row` needs the next `version`: projections/engine/follow.py says why.
    """

    name: str
    version: int
    follows: Source[Entry]
    row: type[Row]
    key: tuple[str, ...]
    project: Callable[[Entry, Callable[..., Row | None]], Iterable[Row | Removed]]
    indexes: tuple[tuple[str, ...], ...] = ()
    carried: tuple[str, ...] = ()
    schema: str = OURS
    totals: Totals | None = None
    looks_first: bool = False

    @property
    def id(self) -> str:
        """What commands and checkpoints call it; those of others with their schema."""
        return self.name if self.schema == OURS else f"{self.schema}.{self.name}"

    @property
    def beside(self) -> str:
        """The table of this version while another version's table is the live one."""
        return f"{self.name}_v{self.version}"

    @property
    def is_wide(self) -> bool:
        """Whether its rows may have kilobytes: then few of them are kept in memory."""
        return any(field.type is bytes for field in structs.fields(self.row))

    @property
    def columns(self) -> tuple[str, ...]:
        return self.row.__struct_fields__

    @property
    def key_of(self) -> Callable[[Row], tuple[Any, ...]]:
        """Gives the primary key of a row. It is called several times for each entry, so the fold makes it once."""
        values = attrgetter(*self.key)
        return values if len(self.key) > 1 else lambda row: (values(row),)
