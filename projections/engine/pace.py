"""Work in the background in small steps, with a rest after each, so that it takes a small share of a core."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from msgspec import Struct

from events.database import Connection, Use


class Pace(Struct, frozen=True):
    """`share` is the part of the time in which the work goes on, here or in Postgres. 1.0 does not rest."""

    share: float

    @asynccontextmanager
    async def step(self, connection: Connection) -> AsyncGenerator[None]:
        """One step, of milliseconds. A connection that is lost during it is terminated."""
        begun = time.monotonic()
        async with Use(connection):
            yield
        await asyncio.sleep((time.monotonic() - begun) * (1 / self.share - 1))

    @property
    def within_a_snapshot(self) -> "Pace":
        """A snapshot keeps Postgres from cleaning up, and the locks with it hold up migrations, so there is less rest while one is held."""
        return self.__replace__(share=max(self.share, SHARE_WITHIN_A_SNAPSHOT))


SHARE_WITHIN_A_SNAPSHOT = 0.5
GENTLE = Pace(0.04)

Paces = Mapping[Literal["log", "issuance"], Pace]
"""How fast each log is followed while there is more of it."""

AT_ONCE: Paces = {"log": Pace(1.0), "issuance": Pace(1.0)}
APART: Paces = {"log": Pace(0.5), "issuance": Pace(0.5)}
"""Of a process that does nothing else."""

SERVING: Paces = {"log": Pace(0.5), "issuance": Pace(0.15)}
"""Of a process that serves. A burst of tokens that are still to be followed must not be felt in the next ones, for the core on which Postgres
adds them up is also needed to record new ones; and as many are followed as one process can issue."""
