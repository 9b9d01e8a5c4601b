"""Following a log, one small step at a time: what a step reads, what it makes of it, and its checkpoint are one transaction.

So every entry counts exactly once, however many processes follow, whichever of them dies, and at whatever moment.

Versions side by side. A checkpoint and its table are of one version, and a process claims only checkpoints of its own version. While
the live table is of an earlier version, a process of the next builds NAME_vN beside it and, when that has caught up, swaps it in:
tables and checkpoints change names in one transaction, for which both checkpoints are held. What holds, therefore:

* Processes of both versions may run at the same time. None writes a row into a table of another version.
* Until the swap, everybody reads the table of the earlier version, and a process of that version keeps it up to date.
* From the swap on everybody reads the new table, and the earlier version follows no more. Its processes may go on reading: a version
  must keep the columns that the version before it reads. That is for its author to see to.
* A process of an earlier version does nothing to a table that is already of a later one. To go back to an earlier version, release it
  under a higher number.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from events.database import Connection
from events.replay import Checkpoint
from projections.catch_up import CatchUp, Source, Totals
from projections.engine import checkpoints, entries, swap, totals
from projections.engine.checkpoints import Followed, Standing
from projections.engine.entries import PASSING, Bounds, Page, Poison
from projections.engine.fold import Fold
from projections.engine.tables import Relation
from projections.engine.totals import Target

POSITIONS_A_STEP = 100
"""So few that a serving process is not held up: they hold its event loop for two milliseconds. With 200, each would cost 8 % less."""

TOKENS_A_STEP = 10_000
"""More where Postgres adds them up, which holds up no event loop. The larger the step, the less a token costs: a client that got many in it has its rows written once."""

LEAVES_A_STEP = 1024
"""Postgres hashes them, and their four tiles hold the event loop for less than a millisecond each."""

log = logging.getLogger("muniment.projections")


async def step(connection: Connection, *projections: CatchUp[Any, Any]) -> Checkpoint | None:
    """Follows the log one step further; returns how far, when there may be more. Does nothing for those that another process is at.

    Several projections take the step together: a page is read once for all that stand at the same position. They follow
    the same log, and all of them its entries or all its leaves. If one of them cannot take the page in, none has, and Poison says so: they are then to be tried one by one.

    A single one that cannot take an entry in, or whose log is not the one followed so far, stops: state 'failed', with position and
    reason, until an operator rebuilds it.
    """
    try:
        async with connection.transaction():
            return await _step(connection, *projections)
    except Poison as poison:
        first, *others = projections
        if others:
            raise
        await checkpoints.fail(connection, first, poison.position, str(poison))
        log.error("the projection %s stopped at position %s: %s", first.id, poison.position, poison)  # noqa: TRY400 - the reason is all there is to say
        return None


async def _step(connection: Connection, *projections: CatchUp[Any, Any]) -> Checkpoint | None:
    claimed = await checkpoints.claim(connection, projections)
    if not claimed:
        return None
    at = claimed[0][1].reached
    together = [each for each in claimed if each[1].reached == at]
    source = entries.source_of([projection.follows for projection, _ in together])
    most = positions_a_step(source, together[0][0].totals)
    bounds = await entries.bounds_after(connection, source, at.position, most=most)
    if (bounds.before if bounds else await entries.chain_at(connection, source, at.position)) != at.chain:
        raise Poison(at.position, "the log is not the one that was followed up to here: it lost or changed history")
    if bounds is None:
        return at if any([not await _in_place(connection, *each) for each in together]) else None
    reached = await _taken_in(connection, source, together, bounds)
    await checkpoints.advance(connection, [standing.name for _, standing in together], reached)
    return reached


class Cohort(Struct, frozen=True):
    """Projections that take their steps together: they stand at the same position of the same log, so that it is read once for them.

    `left` is how much of it there is to the end. `is_beside` says that the table of one of them is not yet the live one.
    """

    projections: list[CatchUp[Any, Any]]
    at: Checkpoint
    left: int
    is_beside: bool

    @property
    def name(self) -> str:
        return min(each.id for each in self.projections)

    @property
    def positions_a_step(self) -> int:
        return positions_a_step(self.projections[0].follows, self.projections[0].totals)


def cohorts(behind: Sequence[Followed], ends: Mapping[str, Checkpoint]) -> list[Cohort]:
    """Returns them in cohorts, with how much is left for each to these ends."""
    found: dict[tuple[Any, ...], list[Followed]] = {}
    for projection, standing in behind:
        follows = projection.follows
        kind = (follows.log, follows.leaves, projection.totals is None, standing.position)
        found.setdefault(kind, []).append((projection, standing))
    return [_cohort(each, ends) for each in found.values()]


def _cohort(together: Sequence[Followed], ends: Mapping[str, Checkpoint]) -> Cohort:
    projection, standing = together[0]
    return Cohort(
        projections=[each for each, _ in together],
        at=standing.reached,
        left=ends[projection.follows.log].position - standing.position,
        is_beside=any(its.name != each.id for each, its in together),
    )


def positions_a_step(follows: Source[Any], added: Totals | None = None) -> int:
    return LEAVES_A_STEP if follows.leaves else TOKENS_A_STEP if added else POSITIONS_A_STEP


async def _taken_in(
    connection: Connection, source: Source[Any], together: Sequence[Followed], bounds: Bounds
) -> Checkpoint:
    """Returns how far the log was taken in: Postgres adds up what is within the bounds, or, where it does not, `project` takes it in."""
    if all(projection.totals for projection, _ in together):
        targets = [Target(each, f'"{each.schema}"."{its.table}"') for each, its in together]
        if await totals.add(connection, targets, bounds):
            return bounds.reached
        fewer = await entries.bounds_after(connection, source, bounds.within[0], most=POSITIONS_A_STEP)
        assert fewer is not None
        bounds = fewer
    page = Page(await entries.within(connection, source, bounds), bounds.reached)
    for projection, standing in together:
        if found := page.of(projection.follows):
            await _take_in(connection, projection, standing, found)
    return page.reached


async def _in_place(connection: Connection, projection: CatchUp[Any, Any], standing: Standing) -> bool:
    """Returns whether the table at the end of its log is the live one, after an attempt to make it so."""
    return standing.name == projection.id or await swap.take_the_place(connection, projection, standing)


async def _take_in(connection: Connection, projection: CatchUp[Any, Any], standing: Standing, found: list[Any]) -> None:
    fold, relation = Fold(projection, upserts=True), Relation(projection, standing.table)
    try:
        await relation.take_in(connection, fold, found)
        write = relation.copy_made if projection.looks_first else relation.write
        await write(connection, fold.changes())
    except (asyncpg.PostgresError, ValueError, TypeError) as fault:
        if isinstance(fault, PASSING) and not isinstance(fault, ValueError):  # the driver's DataError is a ValueError
            raise
        raise Poison(standing.position + 1, f"its rows cannot be written: {fault}") from fault
