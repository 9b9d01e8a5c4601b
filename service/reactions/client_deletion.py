"""Deletes many clients: those of an owner, or those of a deleted bot. If a process is killed in between, housekeeping does the rest.

It reads, and appends to, many streams at once.
"""

import asyncio
from collections.abc import Iterator, Sequence
from uuid import UUID

from msgspec import Struct

from events.codec import Event
from events.database import AnyConnection, read
from events.envelope import ByService, Meta, SealedReason
from events.log import Append, Appended, Conflict
from events.replay import histories, pages
from projections import causes, client_lists, registry
from projections.client_lists import Standing
from service.commands.authority import EVERYBODY, Holder
from service.commands.client import DeleteClient
from service.commands.handle import CLIENT, Ledger, handle
from service.refusals import DoesNotExist
from service.request_id import envelope

MOST_CLIENTS, MOST_EVENTS = 200, 5_000
"""The limits of a batch. Between two batches, the process serves its other requests."""


class Deleted(Struct, frozen=True):
    """The number of deleted clients, and the log position of the last deletion (None if there was none)."""

    count: int
    position: int | None


async def delete_clients(ledger: Ledger, those: Sequence[Standing], by: Holder, meta: Meta) -> Deleted:
    """Safe to repeat: a client that was deleted meanwhile is skipped. Raises Unavailable."""
    positions: list[int] = []
    for batch in _batches(those):
        positions += await _delete(ledger, [one.stream_id for one in batch], DeleteClient(by=by), meta)
    return Deleted(len(positions), max(positions, default=None))


async def finish(ledger: Ledger) -> None:
    """Delete the clients that a deleted bot still has because a process was killed in between."""
    by_cause: dict[int | None, list[Standing]] = {}
    for client in await read(ledger.pool, client_lists.of_deleted_bots):
        cause = await read(ledger.pool, lambda c, stream=client.stream_id: causes.of_bot(c, stream))
        by_cause.setdefault(cause, []).append(client)
    for cause, those in by_cause.items():
        reason = await read(ledger.pool, lambda c, at=cause: _reason_at(c, at))
        meta = envelope(ByService(why="the bot was deleted"), cause=cause).__replace__(reason=reason)
        await delete_clients(ledger, those, EVERYBODY, meta)


async def _reason_at(connection: AnyConnection, position: int | None) -> str | SealedReason | None:
    """Return the reason of the event, which the request would have recorded with what follows from it, too."""
    async for page in pages(connection, after=(position or 1) - 1, upto=position or 0):
        return page[0].meta.reason
    return None


def _batches(those: Sequence[Standing]) -> Iterator[list[Standing]]:
    batch: list[Standing] = []
    events = 0
    for one in those:
        if batch and (len(batch) == MOST_CLIENTS or events + one.version > MOST_EVENTS):
            yield batch
            batch, events = [], 0
        batch.append(one)
        events += one.version
    if batch:
        yield batch


async def _delete(ledger: Ledger, streams: list[UUID], command: DeleteClient, meta: Meta) -> list[int]:
    """Return the log positions of the deletions."""
    past: dict[UUID, list[Event]] = {stream: [] for stream in streams}
    for recorded in await read(ledger.pool, lambda connection: histories(connection, streams)):
        past[recorded.stream_id].append(recorded.event)
    items = [item for stream, events in past.items() if (item := _item(stream, events, command, meta))]
    outcomes = await asyncio.gather(*map(ledger.log.append, items))
    done = [outcome.position for outcome in outcomes if isinstance(outcome, Appended)]
    for item, outcome in zip(items, outcomes, strict=True):
        if isinstance(outcome, Conflict) and (position := await _again(ledger, item.stream, command, meta)):
            done.append(position)
    return done


def _item(stream: UUID, past: list[Event], command: DeleteClient, meta: Meta) -> Append | None:
    try:
        events = CLIENT.decide(command, CLIENT.state(past))
    except DoesNotExist:
        return None
    changes = registry.changes(stream, past, events)
    return Append(stream=stream, expected=len(past), events=events, meta=meta, changes=changes)


async def _again(ledger: Ledger, stream: UUID, command: DeleteClient, meta: Meta) -> int | None:
    """Delete a client whose stream changed between the read and the append."""
    try:
        return (await handle(ledger, CLIENT, stream, command, meta)).position
    except DoesNotExist:
        return None
