"""How fast the projections are made: all but the end of the logs in bulk, and the end step by step, as a running service follows."""

import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from events.database import connected
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import checkpoints, entries
from projections.engine.follow import step
from projections.engine.rebuild import rebuild
from tests.bench.history.figures import Figure, Group, single
from tests.bench.machine import Failed

KEEPS_UP = 20_000
"""The tiles are made at least as fast as so many events a second."""

Say = Callable[[str], None]


class Ends(Struct, frozen=True):
    """The positions at which the logs end."""

    events: int
    tokens: int

    def of(self, projection: CatchUp[Any, Any]) -> int:
        return self.events if projection.follows.log == "log" else self.tokens


async def rebuilt(url: str, ends: Ends, say: Say) -> Group:
    """Makes every catch-up projection from the beginning, by the command that an operator has for it."""
    figures: list[Figure] = []
    for projection in registry.catch_up():
        say(f"making {projection.name}")
        begun = time.perf_counter()
        await rebuild(url, projection.name, _unseen)
        figures.append(_rate(projection.name, ends.of(projection), time.perf_counter() - begun))
    return Group(title=f"Rebuilt: {ends.events:,} events, {ends.tokens:,} tokens", figures=figures)


async def followed(url: str, before: Ends, ends: Ends, say: Say) -> Group:
    """Follows the logs from where the rebuild ended to their ends. Raises Failed if one does not get there."""
    figures: list[Figure] = []
    async with connected(url) as connection:
        for projection in registry.catch_up():
            say(f"following with {projection.name}")
            begun = time.perf_counter()
            while await step(connection, projection):
                pass
            seconds = time.perf_counter() - begun
            live = await checkpoints.live(connection, projection)
            end = await entries.head(connection, projection.follows)
            if live is None or live.position != end.position:
                raise Failed(f"{projection.name} did not reach the end of its log: {live}")
            count = ends.of(projection) - before.of(projection)
            bound = KEEPS_UP if projection.follows.leaves else None
            figures.append(_rate(projection.name, count, seconds, bound))
    title = (
        f"Followed step by step: {ends.events - before.events:,} events, {ends.tokens - before.tokens:,} tokens more"
    )
    return Group(title=title, figures=figures)


async def inline(url: str, ends: Ends, say: Say) -> Group:
    """Makes every inline table, which appends would have written."""
    figures: list[Figure] = []
    for name in registry.INLINE:
        say(f"making {name}")
        begun = time.perf_counter()
        await rebuild(url, name, _unseen)
        figures.append(_rate(name, ends.events, time.perf_counter() - begun))
    return Group(title=f"Inline tables rebuilt: {ends.events:,} events", figures=figures)


def _rate(name: str, count: int, seconds: float, bound: float | None = None) -> Figure:
    return single(name, "entries/s", count / seconds, bound)


def _unseen(_done: int, _total: int) -> None:
    pass
