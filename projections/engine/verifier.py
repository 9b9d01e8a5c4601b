"""Verification in the background: one projection after the other, by one process for all, with the results in a table."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from events import locks
from events.database import Connection
from events.database_session import DatabaseSession
from events.election import Election
from projections.engine import slow_verify, verifications
from projections.engine.pace import GENTLE, Pace
from projections.engine.slow_fold import MovedOn
from projections.registry import Projection

LOCK = locks.in_session_if_free(locks.VERIFIER)
BY_INDEX = {"enable_seqscan": "off", "enable_sort": "off"}
"""Postgres has no statistics of the table that is folded, and would read all of it for each part."""

log = logging.getLogger("muniment.projections")


class Verifier:
    """Verifies each projection as often as `every` says. Processes elect one to do it.

    A verification that is interrupted leaves nothing behind, for its rows are in a temporary table; it begins again at its next turn.
    """

    def __init__(
        self, projections: Callable[[], Mapping[str, Projection]], url: str, every: timedelta, *, pace: Pace = GENTLE
    ) -> None:
        self._projections, self._every, self._pace = projections, every, pace
        self._session = DatabaseSession(url, **BY_INDEX)
        self._election = Election(LOCK)

    async def look(self) -> None:
        """Verifies those whose turn it is, if this is the process to do it. To be called every minute."""
        projections = self._projections()
        while name := await self._due(list(projections)):
            connection = await self._session.connection()
            if not self._election.is_held_by(connection):
                return
            await _verify(connection, name, projections[name], self._pace)

    async def close(self) -> None:
        await self._session.close()

    async def _due(self, names: list[str]) -> str | None:
        async with self._session.using() as connection:
            if not await self._election.is_won(connection):
                return None
            name = await verifications.due(connection, names, self._every)
            if name is not None:
                await verifications.begin(connection, name)
            return name


async def _verify(connection: Connection, name: str, projection: Projection, pace: Pace) -> None:
    began = time.monotonic()
    try:
        verdict = await slow_verify.verified(connection, projection, pace)
    except MovedOn as why:
        log.info("the projection %s is not verified now: %s", name, why)
        return
    async with pace.step(connection):
        before = (await verifications.all_of(connection)).get(name)
        found = await verifications.keep(connection, name, verdict, time.monotonic() - began)
    if found.outcome != "agrees" and (before is None or before.found != found.found):
        log.error("the projection %s %s", name, found.said)
