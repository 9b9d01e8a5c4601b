"""Appends to the event log. Concurrent appends are committed together; each one succeeds or fails on its own."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

import asyncpg
from msgspec import Struct

from events import locks
from events.append_arguments import first_leaf, statement
from events.append_with_tokens import DecidedFrom
from events.codec import Event
from events.database import LOST, WRITER, Connection, Unavailable, unavailable
from events.database_session import DatabaseSession
from events.envelope import Meta
from events.group_commit import Batcher, Watch

FIND_APPENDED = """
select first.leaf, last.position
  from log.events first join log.events last on last.stream_id = first.stream_id and last.version = $3
 where first.stream_id = $1 and first.version = $2
"""


class Change(Struct, frozen=True):
    """The stream's new row in an inline projection, or None if the events remove the row. With `was`, the row before, only the columns that
    are not as before are written.
    """

    table: str
    row: Struct | None
    was: Struct | None = None


class Receipt(Struct, frozen=True, kw_only=True):
    """Stored with an append, so that a retry of the same command gets the same response. `response` is sealed."""

    command_id: UUID
    fingerprint: bytes
    response: bytes

    @property
    def digest(self) -> str:
        """The digest that the events contain, so that a replaced response is detected."""
        return sha256(self.command_id.bytes + sha256(self.fingerprint).digest() + self.response).hexdigest()


class Append(Struct, frozen=True, kw_only=True):
    """Events for one stream. All of them are appended if the stream is still at version `expected`, otherwise none.

    `is_fresh` says that the stream's id was made for this append, so that nobody can have appended to it: it is not looked for.
    If the append was decided from other streams, these must have stayed as they were. If that is a Token, its record is in the same commit.
    """

    stream: UUID
    expected: int
    events: Sequence[Event]
    meta: Meta
    changes: Sequence[Change] = ()
    receipt: Receipt | None = None
    decided_from: DecidedFrom | None = None
    is_fresh: bool = False


class Appended(Struct, frozen=True):
    position: int
    version: int


class Conflict(Struct, frozen=True):
    """Another append came first; the stream is at `version`, or it is another one that the append was decided from."""

    version: int


class Duplicate(Struct, frozen=True):
    """The same command was appended before, at `position`."""

    position: int


Outcome = Appended | Conflict | Duplicate


class Log:
    """Writes the event log, over one connection per process, with any number of concurrent appends."""

    def __init__(self, url: str, watch: Watch | None = None) -> None:
        self._session = DatabaseSession(url, **WRITER)
        self._batches: Batcher[Append, Outcome] = Batcher(self._flush, watch=watch, of="commits")

    @property
    def waiting(self) -> int:
        """The number of appends that wait for the next commit."""
        return self._batches.waiting

    async def append(self, item: Append) -> Outcome:
        """Returns when the item is durable or refused.

        Raises Unavailable if durability cannot be confirmed, and asyncpg's IntegrityConstraintViolationError if the item's row
        breaks a constraint of its projection. Other items of the batch are not affected.
        """
        return await self._batches.put(item)

    async def close(self) -> None:
        await self._batches.idle()
        await self._session.close()

    async def _flush(self, items: list[Append]) -> list[Outcome | Exception]:
        outcomes: dict[int, Outcome | Exception] = {}
        waiting = list(enumerate(items))
        while waiting:
            now, waiting = _one_per_stream(waiting)
            committed = await self._commit([item for _, item in now])
            if not outcomes and isinstance(committed[0], Unavailable):
                raise committed[0]  # Nothing was committed, and the next batch would fail too.
            outcomes.update(zip((place for place, _ in now), committed, strict=True))
        return [outcomes[place] for place in range(len(items))]

    async def _commit(self, items: list[Append], *, again: bool = True) -> list[Outcome | Exception]:
        try:
            return list(await self._call(items))
        except Unavailable as fault:
            return [fault] * len(items)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            return [Unavailable("the log is busy")] * len(items)
        except Exception as fault:  # noqa: BLE001 - one bad item must not fail the other items
            if isinstance(fault, LOST) and not isinstance(fault, ValueError):
                return await self._resolve(items, fault, again=again)
            if len(items) == 1:
                return [fault]
            return [outcome for item in items for outcome in await self._commit([item])]

    async def _call(self, items: list[Append]) -> list[Outcome]:
        async with self._session.using() as connection:
            self._session.warnings.clear()
            row = await connection.fetchrow(*statement(items))
        if any(warning.startswith("01000") for warning in self._session.warnings):
            raise Unavailable("the commit was not confirmed by the synchronous replica")
        assert row is not None
        if overtaken := row.get("overtaken"):
            return await self._call_without(items, set(overtaken))
        return _accepted(items, row["base"]) if row["st"] is None else _judged(items, row)

    async def _call_without(self, items: list[Append], overtaken: set[int]) -> list[Outcome]:
        """Nothing was appended, because of these items (the first is number 1): appends the others."""
        others = [item for number, item in enumerate(items, 1) if number not in overtaken]
        rest = iter(await self._call(others) if others else ())
        return [
            Conflict(version=item.expected) if number in overtaken else next(rest)
            for number, item in enumerate(items, 1)
        ]

    async def _resolve(self, items: list[Append], lost: Exception, *, again: bool) -> list[Outcome | Exception]:
        """The connection was lost during the commit: finds out which items were committed, and appends the others once more."""
        try:
            found = await self._look_up(items)
        except (Unavailable, *LOST) as fault:
            return [unavailable("the database was lost in the middle of a commit", fault)] * len(items)
        missing = [item for item, outcome in zip(items, found, strict=True) if outcome is None]
        if not again:
            twice = unavailable("the database was lost twice in the middle of a commit", lost)
            retried: list[Outcome | Exception] = [twice] * len(missing)
        else:
            retried = await self._commit(missing, again=False) if missing else []
        rest = iter(retried)
        return [next(rest) if outcome is None else outcome for outcome in found]

    async def _look_up(self, items: list[Append]) -> list[Appended | None]:
        async with self._session.using() as connection, connection.transaction():
            # The backend of the lost connection may still commit. It holds the lock until the commit has ended.
            await connection.execute("set local lock_timeout = 0")
            await connection.execute(locks.in_transaction(locks.EVENTS))
            return [await _appended(connection, item) for item in items]


def _one_per_stream(items: list[tuple[int, Append]]) -> tuple[list[tuple[int, Append]], list[tuple[int, Append]]]:
    """Returns the items for this batch and those for the next: a batch has at most one item per stream and command, and none that was decided
    from a stream of an item before it, which may have overtaken it.
    """
    now: list[tuple[int, Append]] = []
    later: list[tuple[int, Append]] = []
    taken: set[UUID] = set()
    for place, item in items:
        names = {item.stream} if item.receipt is None else {item.stream, item.receipt.command_id}
        relied_on = () if item.decided_from is None else item.decided_from.streams
        (later if names & taken or not taken.isdisjoint(relied_on) else now).append((place, item))
        taken |= names
    return now, later


def _accepted(items: list[Append], base: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for item in items:
        base += len(item.events)
        outcomes.append(Appended(position=base, version=item.expected + len(item.events)))
    return outcomes


def _judged(items: list[Append], row: asyncpg.Record) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for item, state, version, position in zip(items, row["st"], row["sv"], row["sp"], strict=True):
        match state:
            case 0:
                outcomes.append(Appended(position=position, version=item.expected + len(item.events)))
            case 1:
                outcomes.append(Conflict(version=version))
            case _:
                outcomes.append(Duplicate(position=position))
    return outcomes


async def _appended(connection: Connection, item: Append) -> Appended | None:
    last = item.expected + len(item.events)
    row = await connection.fetchrow(FIND_APPENDED, item.stream, item.expected + 1, last)
    if row is None or row["leaf"] != first_leaf(item):
        return None
    return Appended(position=row["position"], version=last)
