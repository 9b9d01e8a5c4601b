"""The limit of each caller in a minute: counted in this process, and settled in the database every second.

A caller far below the limit waits for no round trip. The bound, for a limit L, a part P and N processes on one database: in a minute at
least L requests of a caller pass, and at most L + N * (L // P). With one process it is exactly L, and below P it always is. What the
database said of a caller stays good for the rest of its minute, because the number only grows, as long as the database has answered anything in
the last KNOWN_SECONDS. What the headers say lacks what other processes counted since.

While the database cannot be reached, callers are counted here for KNOWN_SECONDS at most. Then counting is Unavailable, as it is for a
caller of whom this process has asked nothing in this minute.

What protects against guessing is counted by `Limits.count`, which is always exact.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import ceil

from msgspec import Struct

from events.group_commit import Batcher
from service.limits import Counted, Limits, Total, numbered

PART = 64
"""A process may count this part of what remains before it asks the database. Of less than that many it is nothing."""

KNOWN_SECONDS = 2.0
"""For so long after its last answer a process counts without the database."""

MOST_KNOWN = 4_000
"""Callers that a process knows from one second to the next, of some 300 bytes each. If there are more, it asks again."""

LAST_WORD_SECONDS = 1.0
NOBODY: Mapping[str, int] = {}

log = logging.getLogger("muniment.limits")


class Window(Struct):
    """A key in its minute: `used` as the database last said; counted `here` since then; `under_way` to the database, without an answer.

    `ends` is a time of this process's monotonic clock.
    """

    minute: datetime
    ends: float
    used: int
    here: int = 0
    under_way: int = 0


class RateLimit:
    """One per process and limit. `limit` is how many a key may have in a minute."""

    def __init__(self, limits: Limits, limit: int, part: int = PART) -> None:
        self._limits, self.limit, self._part = limits, limit, part
        self._windows: dict[str, Window] = {}
        self._answered = -KNOWN_SECONDS
        """When the database was asked last that answered."""
        self._asks: Batcher[str, Counted] = Batcher(self._ask)
        self._one_at_a_time = asyncio.Lock()

    async def count(self, key: str) -> Counted:
        """Count one more for this key: here, or near the limit in the database. Raises Unavailable."""
        return self._counted_here(key, time.monotonic()) or await self._asks.submit(key)

    def take_back(self, key: str) -> None:
        """Count one less, because what it was counted for did not take place. If the database was told of it meanwhile, it stays."""
        window = self._windows.get(key)
        if window is not None and window.here:
            window.here -= 1

    async def settle(self) -> None:
        """Tell the database what was counted here, and forget what is over. Called every second. Raises Unavailable."""
        async with self._one_at_a_time:
            await self._settle(self._windows)
        now = time.monotonic()
        known = {key: window for key, window in self._windows.items() if window.here or now < window.ends}
        if len(known) > MOST_KNOWN:
            known = {key: window for key, window in known.items() if window.here}
        self._windows = known

    async def close(self) -> None:
        """Settle a last time. If that fails, the callers may send that much more in this minute."""
        await self._asks.idle()
        try:
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self.settle()
        except Exception as fault:  # noqa: BLE001 - whatever it was, the process ends in order
            log.warning("the last counts of requests were not settled: %s", fault)

    def _counted_here(self, key: str, now: float) -> Counted | None:
        window = self._windows.get(key)
        if window is None or now >= min(window.ends, self._answered + KNOWN_SECONDS):
            return None
        unsettled = window.here + window.under_way + 1
        if unsettled > (self.limit - window.used) // self._part:
            return None
        window.here += 1
        return Counted(window.used + unsettled, ceil(window.ends - now), window.minute)

    async def _ask(self, keys: list[str]) -> list[Counted | Exception]:
        async with self._one_at_a_time:
            asked = Counter(keys)
            await self._settle(asked, asked)  # first, so that the numbers of these requests come after
            begun = time.monotonic()
            known = {key: self._windows[key] for key in asked if key in self._windows}
            for key, window in known.items():
                window.under_way = asked[key]
            try:
                totals = await self._limits.add(asked)
            finally:
                for window in known.values():
                    window.under_way = 0
            self._learn(totals, begun)
            return [*numbered(keys, totals)]

    async def _settle(self, keys: Iterable[str], waiting: Mapping[str, int] = NOBODY) -> None:
        """Whatever a minute that is over still lacks is dropped. Those who are `waiting` get their numbers before what comes meanwhile."""
        begun = time.monotonic()
        found = {key: self._windows[key] for key in keys if key in self._windows}
        counted = {key: window for key, window in found.items() if window.here and begun < window.ends}
        if not counted:
            return
        settled = {key: (window.minute, window.here) for key, window in counted.items()}
        for key, window in counted.items():
            window.under_way, window.here = window.here + waiting.get(key, 0), 0
        try:
            totals = await self._limits.settle(settled, self.limit)
        except BaseException:  # it may have arrived; then it is counted twice
            for key, window in counted.items():
                window.under_way, window.here = 0, window.here + settled[key][1]
            raise
        self._learn(totals, begun)

    def _learn(self, totals: Mapping[str, Total], begun: float) -> None:
        """The database answered later than it was asked, so that a minute ends here no later than there."""
        self._answered = max(self._answered, begun)
        for key, total in totals.items():
            before = self._windows.get(key)
            here = before.here if before is not None and before.minute == total.minute else 0
            self._windows[key] = Window(total.minute, begun + total.rest, total.used, here)
