"""Work in the background in small steps, with a rest after each, so that it takes a small share of a core."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from msgspec import Struct

from events.database import Connection, Use


class Pace(Struct, frozen=True):
    """`share` is the part of the time in which the work goes on, here or in Postgres. 1.0 does not rest.

    With `at_most`, the share grows up to that while FAR entries or more are left.
    """

    share: float
    at_most: float | None = None

    def with_left(self, entries: int) -> "Pace":
        """Returns the pace while so many entries are left."""
        if self.at_most is None:
            return self
        return Pace(self.share + (self.at_most - self.share) * min(entries / FAR, 1.0))

    @asynccontextmanager
    async def step(self, connection: Connection) -> AsyncGenerator[None]:
        """One step, of milliseconds. A connection that is lost during it is terminated."""
        begun = time.monotonic()
        async with Use(connection):
            yield
        await asyncio.sleep(self.rest_after(time.monotonic() - begun))

    def rest_after(self, seconds: float) -> float:
        """Returns how long to rest after a step that took so long. One that took very long waited for a lock, a disk or a core, and who reads
        what is followed, such as a checkpoint of the log, would have to wait many times as long.
        """
        return min(seconds * (1 / self.share - 1), LONGEST_REST_SECONDS)

    @property
    def within_a_snapshot(self) -> "Pace":
        """A snapshot keeps Postgres from cleaning up, and the locks with it hold up migrations, so there is less rest while one is held."""
        return self.__replace__(share=max(self.share, SHARE_WITHIN_A_SNAPSHOT))


FAR = 300_000
"""While 3,000 events a second come, a fifth of the time keeps pace with them: that is the share at 100,000 events, half a minute, behind. A
burst of some seconds is for the most part followed when it is over, so that following takes little from its requests.
"""

SHARE_WITHIN_A_SNAPSHOT = 0.5
LONGEST_REST_SECONDS = 1.0
GENTLE = Pace(0.04)

Paces = Mapping[Literal["log", "issuance"], Pace]
"""How fast each log is followed while there is more of it."""

WITHOUT_REST = Pace(1.0)
AT_ONCE: Paces = {"log": WITHOUT_REST, "issuance": WITHOUT_REST}
APART: Paces = {"log": Pace(0.5), "issuance": Pace(0.5)}
"""Of a process that does nothing else."""

SERVING: Paces = {"log": Pace(0.05, at_most=0.5), "issuance": Pace(0.05)}
"""Of a process that serves. Requests go before events, for nobody waits for those: who reads what is still to be followed goes on with it at
once (projections/engine/hastening.py). They are never very far behind, so that this takes seconds at most. A twentieth of the time is
enough for some 800 changes a second (63 µs each, here and in Postgres). A burst of tokens that are still to be followed must not be felt in
the next ones, for the core on which Postgres adds them up is also needed to record new ones. It adds one up in 2 µs, or 6 if each is of another client,
so a twentieth of the time is enough for more than one process can issue.
"""
