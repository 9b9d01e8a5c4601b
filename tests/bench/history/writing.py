"""Writes made-up logs in bulk, as the owner of the tables: the rows, leaves, roots and chain values that appends would have made."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from events.chain import event_leaf, issuance_leaf, next_chain, root_of
from events.codec import encode, schema_version, type_of
from events.database import Connection
from events.replay import head
from tests.bench.history import generation, issued

EVENTS_A_COPY = 20_000
EVENT_COLUMNS = ("position", "recorded_at", "stream_id", "version", "schema_ver", "type", "leaf", "meta", "data")
TOKEN_COLUMNS = ("position", "issued_at", "client", "secret", "jti", "data")
BATCH_COLUMNS = ("last_position", "first_position", "recorded_at", "root", "chain")
PARTITION = """
create table if not exists log.issuance_{name} partition of log.issuance for values from ('{day} 00:00+00') to ('{next} 00:00+00');
create or replace trigger append_only before update or delete or truncate on log.issuance_{name}
  for each statement execute function log.refuse_change();
"""
ALL = 2**62
Rows = list[tuple[Any, ...]]


class _Chain:
    """The batches of a log, each chained to the one before."""

    def __init__(self, position: int, chain: bytes) -> None:
        self.position, self._chain = position, chain

    def batch(self, at: datetime, leaves: list[bytes]) -> tuple[Any, ...]:
        first, last, root = self.position + 1, self.position + len(leaves), root_of(leaves)
        self.position = last
        self._chain = next_chain(self._chain, first=first, last=last, recorded_at=at, root=root)
        return last, first, at, root, self._chain


async def write_events(connection: Connection, batches: Iterable[generation.Batch], upto: int) -> int:
    """Writes until the log has so many events, or the batches end. Returns the end of the log."""
    end = await head(connection)
    chain = _Chain(end.position, end.chain)
    rows: Rows = []
    ends: Rows = []
    for batch in batches:
        made = list(_events(chain.position, batch))
        rows += made
        ends.append(chain.batch(batch.at, [row[6] for row in made]))
        if len(rows) >= EVENTS_A_COPY or chain.position >= upto:
            await _copy(connection, "events", EVENT_COLUMNS, rows, ends)
            rows, ends = [], []
        if chain.position >= upto:
            return chain.position
    await _copy(connection, "events", EVENT_COLUMNS, rows, ends)
    return chain.position


def _events(position: int, batch: generation.Batch) -> Iterator[tuple[Any, ...]]:
    for done in batch.done:
        meta = encode(done.meta)
        for version, event in enumerate(done.events, done.version):
            position += 1
            kind, data = type_of(event), encode(event)
            schema = schema_version(kind)
            leaf = event_leaf(
                stream=done.stream, version=version, schema_version=schema, kind=kind, meta=meta, data=data
            )
            yield position, batch.at, done.stream, version, schema, kind, leaf, meta, data


async def write_tokens(connection: Connection, batches: Iterable[issued.Batch], upto: int) -> int:
    """The same of the issuance log."""
    end = await head(connection, "log.issuance_batches")
    chain = _Chain(end.position, end.chain)
    rows: Rows = []
    ends: Rows = []
    for batch in batches:
        leaves: list[bytes] = []
        for place, (jti, token) in enumerate(batch.tokens, chain.position + 1):
            data = encode(token.record)
            leaves.append(issuance_leaf(client=token.client, secret=token.secret, jti=jti, data=data))
            rows.append((place, batch.at, token.client, token.secret, jti, data))
        ends.append(chain.batch(batch.at, leaves))
        if len(rows) >= EVENTS_A_COPY or chain.position >= upto:
            await _copy(connection, "issuance", TOKEN_COLUMNS, rows, ends)
            rows, ends = [], []
        if chain.position >= upto:
            return chain.position
    await _copy(connection, "issuance", TOKEN_COLUMNS, rows, ends)
    return chain.position


async def _copy(connection: Connection, table: str, columns: Iterable[str], rows: Rows, ends: Rows) -> None:
    batches = "batches" if table == "events" else "issuance_batches"
    async with connection.transaction():
        await connection.copy_records_to_table(table, records=rows, columns=columns, schema_name="log")
        await connection.copy_records_to_table(batches, records=ends, columns=BATCH_COLUMNS, schema_name="log")


async def write_data_keys(connection: Connection, keys: Mapping[UUID, bytes]) -> None:
    """Writes the wrapped data keys of users into the vault."""
    await connection.copy_records_to_table(
        "people", records=keys.items(), columns=("user_id", "wrapped"), schema_name="vault"
    )


async def make_partitions(connection: Connection, first: date, last: date) -> None:
    """Makes the partitions of these days, as the service did when they came."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        await connection.execute(
            PARTITION.format(name=f"{day:%Y%m%d}", day=day.isoformat(), next=(day + timedelta(days=1)).isoformat())
        )
