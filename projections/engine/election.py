"""One process follows for all: it holds a lock as long as its connection lives, and another takes over when that ends.

By default it is one of those that serve. A process that does nothing else (`muniment follow`) goes before them: while one is there,
each serving process gives the lock up, and takes part again once it is gone.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg

from events import locks
from events.database import LOST, Connection, Unavailable, Use
from events.database_session import DatabaseSession
from events.election import Election
from events.replay import Checkpoint
from projections.catch_up import CatchUp
from projections.engine import checkpoints
from projections.engine.checkpoints import Behind
from projections.engine.follow import Cohort, cohorts, step
from projections.engine.pace import AT_ONCE, AT_THE_END, WITHOUT_REST, IdleTime, Pace, Paces
from projections.views import publication

Found = TypeVar("Found")
Query = Callable[[Connection, Sequence[CatchUp[Any, Any]]], Awaitable[Found]]
Act = Callable[..., Awaitable[Checkpoint | None]]

LOCK = locks.of_name_if_free(locks.FOLLOWER)
GIVEN_UP = locks.of_name_given_up(locks.FOLLOWER)
LOCK_APART = locks.of_name_if_free(locks.FOLLOWER_APART)
NOBODY_APART = locks.of_name_is_free(locks.FOLLOWER_APART)
UNHURRIED = {"synchronous_commit": "off"}
"""No step waits for the disk, and no token for a step's turn at it. A step that a crash of Postgres takes back is repeated. What was decided
from its checkpoint, such as a deletion by retention or a signed root, was committed after it, and is not kept without it either.
"""

NOTHING = Behind([], {})

ENDS_SECONDS = 0.3
"""So long the end of a log counts as its end while it is followed, and so long a process goes on before it looks whether another one is to
follow.
"""

LOOK_SECONDS = 1.0
"""How often a follower is to look: it waits in a look only for what rests no longer than this."""

log = logging.getLogger("muniment.projections")


class Follower:
    """Follows projections in turns, so that none holds up the others; each rests by itself. Processes with the same versions of them elect one.

    `is_apart` says that the process does nothing else. The election saves work and is not needed for correctness: two that followed at once would still count every entry once.
    """

    def __init__(
        self,
        projections: Sequence[CatchUp[Any, Any]],
        url: str,
        *,
        paces: Paces = AT_ONCE,
        is_apart: bool = False,
        **settings: str,
    ) -> None:
        self._projections = projections
        self._paces, self._idle, self._due = paces, IdleTime(), dict[str, float]()
        self._session = DatabaseSession(url, **UNHURRIED, **settings)
        self._faults: dict[str, str] = {}
        self._has_published = False
        self._name = " ".join(sorted(f"{each.id}:{each.version}" for each in projections))
        self._election = Election(LOCK, self._name)
        self._apart = Election(LOCK_APART, self._name) if is_apart else None

    async def look(self) -> None:
        """Follows every projection to the end of its log, if this is the process to do it, or until all that are not there are to rest for
        longer than LOOK_SECONDS. To be called that often.

        The end is where it was a moment ago: a log that grows all the time would be followed entry by entry, each with a commit.
        """
        if not await self._is_elected():
            return
        new = await self._ask(checkpoints.missing, self._projections, [])
        for each in new:
            await self._further(checkpoints.install, [each])
        if new or not self._has_published:
            await self._publish()
        able = {each.id: each for each in self._projections}
        found, seen_at = await self._ask(checkpoints.behind, self._projections, NOTHING), time.monotonic()
        ends, followed = found.ends, found.followed
        while waiting := cohorts(followed, found.ends):
            if (rest := min(map(self._rest_of, waiting))) > LOOK_SECONDS:
                return
            await asyncio.sleep(rest)
            reached = await self._turn(waiting, able)
            is_old = time.monotonic() - seen_at > ENDS_SECONDS
            if is_old and not await self._is_elected():
                return
            found = found.after(reached)
            if is_old or not found.short_of(ends):  # what another process did meanwhile is in the database alone
                found = await self._ask(checkpoints.behind, list(able.values()), NOTHING)
            if is_old:
                ends, seen_at = found.ends, time.monotonic()
            followed = found.short_of(ends)

    async def close(self) -> None:
        await self._session.close()

    async def _turn(self, waiting: Sequence[Cohort], able: dict[str, CatchUp[Any, Any]]) -> dict[str, Checkpoint]:
        """One step of each cohort that has rested; returns how far all are. For those that are no longer `able` there is nothing more to do."""
        idle, reached = self._idle.since_last_look(), dict[str, Checkpoint]()
        for cohort in waiting:
            if self._rest_of(cohort) > 0:
                reached |= dict.fromkeys((each.id for each in cohort.projections), cohort.at)
                continue
            begun = time.monotonic()
            reached |= await self._further(step, cohort.projections)
            for done in (each for each in cohort.projections if each.id not in reached):
                able.pop(done.id)
            ended = time.monotonic()
            self._due[cohort.name] = ended + self._pace(cohort, idle).rest_after(ended - begun)
        return reached

    def _rest_of(self, cohort: Cohort) -> float:
        """Returns how long it still rests, in seconds."""
        return max(0.0, self._due.get(cohort.name, 0.0) - time.monotonic())

    def _pace(self, cohort: Cohort, idle: float) -> Pace:
        """Of a cohort, as it stood before its step. A table beside the live one takes its place in a step that finds nothing new, which has to
        come at once after the one that brings it to the end.
        """
        if cohort.left <= 0:
            return AT_THE_END
        if cohort.is_beside and cohort.left <= cohort.positions_a_step:
            return WITHOUT_REST
        first = cohort.projections[0]
        return self._paces["totals" if first.totals else first.follows.log].now(left=cohort.left, idle=idle)

    async def _is_elected(self) -> bool:
        async with self._session.using() as connection:
            if self._apart is not None:
                return await self._apart.is_won(connection) and await self._election.is_won(connection)
            if await connection.fetchval(NOBODY_APART, self._name):
                return await self._election.is_won(connection)
            await self._election.resign(connection, GIVEN_UP)
            return False

    async def _ask(self, query: Query[Found], projections: Sequence[Any], otherwise: Found) -> Found:
        async with self._session.using() as connection:
            return await query(connection, projections) if self._election.is_held_by(connection) else otherwise

    async def _further(self, act: Act, cohort: Sequence[CatchUp[Any, Any]]) -> dict[str, Checkpoint]:
        """Returns how far those are, by their ids, for which there may be more to do.

        What fails for several is tried for each alone, so that a fault holds up no other, and is told. Raises Unavailable, and LOST.
        """
        reached, failed = None, None
        connection = await self._session.connection()
        async with Use(connection):
            try:
                if self._election.is_held_by(connection):
                    reached = await act(connection, *cohort)
            except Exception as fault:
                if connection.is_closed() or _is_lost(fault):
                    raise
                failed = fault
        if failed is not None and len(cohort) > 1:
            alone = [await self._further(act, [single]) for single in cohort]
            return {each: at for found in alone for each, at in found.items()}
        if failed is not None:
            self._tell(cohort[0], failed)
        return dict.fromkeys((each.id for each in cohort), reached) if reached else {}

    async def _publish(self) -> None:
        """Publish the views once. What they cannot be made for is told, and holds up no projection. Raises Unavailable, and LOST."""
        async with self._session.using() as connection:
            try:
                await publication.publish(connection)
            except Exception as fault:
                if connection.is_closed() or _is_lost(fault):
                    raise
                log.exception("the views of the schema muniment cannot be published")
        self._has_published = True

    def _tell(self, projection: CatchUp[Any, Any], fault: Exception) -> None:
        """Each fault once, for it comes again every second. That a reader of the table takes its time is none."""
        if isinstance(fault, asyncpg.LockNotAvailableError):
            return
        said = f"{type(fault).__name__}: {fault}"
        if self._faults.get(projection.id) != said:
            self._faults[projection.id] = said
            log.error("the projection %s cannot be followed: %s", projection.id, said, exc_info=fault)


def _is_lost(fault: Exception) -> bool:
    return isinstance(fault, (Unavailable, *LOST)) and not isinstance(fault, ValueError)
