"""Whole batches of one of the logs as JSON lines, between checkpoints: all that it takes to verify them without Muniment."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO

import asyncpg
from msgspec import Struct, json

from events import verify
from events.database import Connection, connect
from events.replay import Checkpoint, chain_at
from events.transparency import kept, trees
from events.transparency.kept import Kept
from events.transparency.trees import Tree
from events.verify import Chained
from service.cli.opening import Plainly
from service.cli.progress import Progress
from service.cli.selection import Selection, bounds
from service.values.json_text import shown

FLUSH_BYTES = 1 << 20


class Source(Struct, frozen=True, kw_only=True):
    """One of the two logs: what proves it, and how a row of it is written."""

    format: str
    chained: Chained
    tree: Tree
    line: Callable[[asyncpg.Record], bytes]


class Written(Struct, frozen=True, kw_only=True):
    """How many rows were written; of whole batches, the last position, too, and the last one that a checkpoint covers (or 0)."""

    count: int
    last: int = 0
    signed_up_to: int | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """From where to where a log is written, and the checkpoints that it meets: at its start, and the last one."""

    start: Checkpoint
    end: int
    checkpoints: dict[int, Kept]


def _event(row: asyncpg.Record) -> bytes:
    told = {**row, "leaf": row["leaf"].hex()}
    for name in ("meta", "data"):
        _stored(told, name)
    return _line("event", told)


def _token(row: asyncpg.Record) -> bytes:
    told = dict(row)
    _stored(told, "data")
    leaf = verify.ISSUANCE.leaf(row)
    assert leaf is not None
    return _line("token", {**told, "leaf": leaf.hex()})


def _stored(told: dict[str, Any], name: str) -> None:
    stored: bytes = told.pop(name)
    try:
        told[name] = stored.decode()
    except UnicodeDecodeError:
        told[f"{name}_base64"] = stored


EVENTS = Source(format="muniment-log-1", chained=verify.EVENTS, tree=trees.EVENTS, line=_event)
TOKENS = Source(format="muniment-issuance-1", chained=verify.ISSUANCE, tree=trees.ISSUANCE, line=_token)


async def write(url: str, source: Source, wanted: Selection, file: BinaryIO, progress: Progress) -> Written:
    """Raises Plainly."""
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            plan = await _plan(connection, source, wanted)
            await _write(connection, source, plan, file, progress)
            signed = max((0, *plan.checkpoints))
            return Written(count=plan.end - plan.start.position, last=plan.end, signed_up_to=signed)
    finally:
        connection.terminate()


async def _plan(connection: Connection, source: Source, wanted: Selection) -> Plan:
    """The range that was asked for begins and ends at a checkpoint, if there are some around it; else where a batch does."""
    batches = source.tree.batches
    first, last = await bounds(connection, wanted, batches)
    if first > last:
        return await _nothing(connection, source, last)
    oldest = await connection.fetchval(f"select min(position) from {source.chained.table}")
    if oldest is None or oldest > last:
        raise Plainly(
            f"Position {last} of the {source.tree.of} and all before it were deleted after their time of retention."
        )
    first = max(first, oldest)
    before = await kept.upto_size(connection, source.tree, first - 1)
    reach = first - 1 if before is None or before.size < oldest - 1 else before.size
    start = await connection.fetchrow(
        f"select last_position, chain from {batches} where last_position <= $1 order by last_position desc limit 1",
        reach,
    )
    if start is None:
        raise Plainly(f"The first batch of the {source.tree.of}, at position 0, is gone: muniment log verify.")
    after = await kept.from_size(connection, source.tree, last)
    end = (
        after.size
        if after
        else await connection.fetchval(
            f"select last_position from {batches} where last_position >= $1 order by last_position limit 1", last
        )
    )
    newest = after or await kept.upto_size(connection, source.tree, end)
    met = {each.size: each for each in (before, newest) if each and start[0] <= each.size <= end and each.size}
    return Plan(start=Checkpoint(start[0], start[1]), end=end, checkpoints=met)


async def _nothing(connection: Connection, source: Source, at: int) -> Plan:
    """An export without rows ends where it starts."""
    chain = await chain_at(connection, at, source.tree.batches)
    if chain is None:
        raise Plainly(f"No batch of the {source.tree.of} ends at position {at}, so an export cannot begin after it.")
    newest = await kept.upto_size(connection, source.tree, at)
    met = {at: newest} if newest is not None and newest.size == at and at else {}
    return Plan(start=Checkpoint(at, chain), end=at, checkpoints=met)


async def _write(connection: Connection, source: Source, plan: Plan, file: BinaryIO, progress: Progress) -> None:
    rows = await connection.cursor(source.chained.rows, plan.start.position, plan.end)
    reached, pending = plan.start, bytearray(_start(source, plan))
    while reached.position < plan.end:
        for batch in await connection.fetch(source.chained.page, reached.position, plan.end):
            pending += b"".join(_batch(source, batch, await rows.fetch(batch["last_position"] - reached.position)))
            reached = Checkpoint(batch["last_position"], batch["chain"])
            pending += _checkpoint(plan, reached.position)
            if len(pending) > FLUSH_BYTES:
                file.write(pending)
                pending.clear()
        progress(reached.position - plan.start.position, plan.end - plan.start.position)
    file.write(pending + _line("end", _place(reached)))
    file.flush()


def _start(source: Source, plan: Plan) -> bytes:
    told = {"format": source.format, **_place(plan.start)}
    for found in plan.checkpoints.values():
        told["origin"] = found.note.decode().partition("\n")[0]
    return _line("start", told) + _checkpoint(plan, plan.start.position)


def _batch(source: Source, batch: asyncpg.Record, rows: Sequence[asyncpg.Record]) -> Iterable[bytes]:
    if [row["position"] for row in rows] != list(range(batch["first_position"], batch["last_position"] + 1)):
        what = f"{batch['first_position']} to {batch['last_position']}"
        raise Plainly(f"The batch {what} of the {source.tree.of} is not whole any more: muniment log verify.")
    yield from map(source.line, rows)
    yield _line("batch", {**batch, "root": batch["root"].hex(), "chain": batch["chain"].hex()})


def _checkpoint(plan: Plan, position: int) -> bytes:
    found = plan.checkpoints.get(position)
    return _line("checkpoint", {"note": found.note.decode()}) if found else b""


def _place(at: Checkpoint) -> dict[str, Any]:
    return {"position": at.position, "chain": at.chain.hex()}


def _line(what: str, told: dict[str, Any]) -> bytes:
    return shown(json.encode({"line": what, **told})) + b"\n"
