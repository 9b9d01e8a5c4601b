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

    The share grows up to `when_far` while `far` entries or more are left, and up to `when_idle` while the process computes nothing: it begins
    to grow where the process is idle for the part `idle_from` of the time.
    """

    share: float
    far: int = 1
    when_far: float = 0.0
    when_idle: float = 0.0
    idle_from: float = 0.0
    longest_rest: float = 1.0

    def now(self, *, left: int, idle: float) -> "Pace":
        """Returns the pace while so many entries are left, in a process that is idle for this part of the time."""
        spare = max(0.0, idle - self.idle_from) / (1.0 - self.idle_from)
        share = max(self.share, self.when_far * min(left / self.far, 1.0), self.when_idle * spare)
        return Pace(share, longest_rest=self.longest_rest)

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
        return min(seconds * (1 / self.share - 1), self.longest_rest)

    @property
    def within_a_snapshot(self) -> "Pace":
        """A snapshot keeps Postgres from cleaning up, and the locks with it hold up migrations, so there is less rest while one is held."""
        return self.__replace__(share=max(self.share, SHARE_WITHIN_A_SNAPSHOT))


class IdleTime:
    """How much of the time this process, with all its threads, computed nothing: it may have waited for a core."""

    def __init__(self) -> None:
        self._looked_at, self._used = time.monotonic(), time.process_time()

    def since_last_look(self) -> float:
        """Returns the part of the time, 0.0 to 1.0."""
        now, used = time.monotonic(), time.process_time()
        passed, busy = now - self._looked_at, used - self._used
        self._looked_at, self._used = now, used
        return max(0.0, 1.0 - busy / passed) if passed else 0.0


SHARE_WITHIN_A_SNAPSHOT = 0.5
GENTLE = Pace(0.04)

Paces = Mapping[Literal["log", "issuance", "totals"], Pace]
"""How fast each log is followed while there is more of it, and how fast tokens are added up."""

WITHOUT_REST = Pace(1.0)
AT_THE_END = Pace(0.3)
"""Of a table that is built beside another one, and takes its place as soon as nothing new comes during a rest."""

AT_ONCE: Paces = {"log": WITHOUT_REST, "issuance": WITHOUT_REST, "totals": WITHOUT_REST}
APART: Paces = {"log": Pace(0.5), "issuance": Pace(0.5), "totals": Pace(0.5)}
"""Of a process that does nothing else."""

SERVING: Paces = {
    "log": Pace(0.01, far=30_000, when_far=0.05, when_idle=0.3, idle_from=0.3),
    "issuance": Pace(0.02, far=5_000_000, when_far=0.05, when_idle=0.3, idle_from=0.95),
    "totals": Pace(0.002, far=5_000_000, when_far=0.05, when_idle=0.3, idle_from=0.95, longest_rest=5.0),
}
"""Of a process that serves. Requests go before events: who reads what is still to be followed goes on with it at once
(projections/engine/hastening.py), and follows some 25,000 events before its time is over, if there is little else to do. An event costs 60 µs,
here and in Postgres. A process that is idle for two thirds of the time keeps pace with 2,000 a second, and follows more than 4,000 a
second of what a burst left as soon as it is over. One that is always busy responds first: it follows 100 to 160 a second, and 800 once 30,000
are left. So with 700 a second it stands 36 seconds behind. With more all the time it falls behind, until it is less busy, or `muniment follow`
runs: to follow them for a sixth of the time, as it did, made registrations 11 % slower.

A burst of tokens that are still to be followed must not slow down the next ones: Postgres needs the same core to record those. Whatever
takes less than a hundredth of the time is not seen in the 99th percentile of what they take. Tokens are added up in less: it costs 20 µs
for each client in a step and 2 for each token, so a step is seldom, and every five seconds at least; with 10,000 in a step that keeps pace
with 2,000 a second, of 1,000 clients in 0.8 % of the time. The tiles of tokens, for which their signed checkpoints wait, cost 7 µs each:
2,800 a second. A process that issues more all the time stands minutes behind until it is idle. Who wants them sooner runs `muniment follow`.
"""
