"""A client whose `jwks_uri` hangs waits alone: how long the tokens of others take meanwhile."""

import asyncio
import statistics
import time

import httpx
from msgspec import Struct

from tests.bench.hostile.site import SLOW, Site
from tests.bench.hostile.world import TOKEN, World, registered_by_key
from tests.flows.conftest import Live

ROUNDS = 40
HANGING = 8


class Waits(Struct, frozen=True, kw_only=True):
    """Seconds that others' token requests take (median, slowest), while nothing hangs and while key sets do. `own` is of those."""

    quiet: tuple[float, float]
    meanwhile: tuple[float, float]
    own: float


async def waits(live: Live, world: World, site: Site) -> Waits:
    """The others authenticate by a secret, or by a key that is registered."""
    hanging = [await registered_by_key(live, jwksUri=f"{site.base}/{SLOW}/{number}") for number in range(HANGING)]
    quiet = await _others(live, world)
    begun = time.perf_counter()
    waiting = [asyncio.create_task(by_key(live, world, client)) for client in hanging * 2]
    meanwhile = await _others(live, world)
    still = sum(not task.done() for task in waiting)
    answers = await asyncio.gather(*waiting)
    assert (still > 0, {answer.status_code for answer in answers}) == (True, {401})
    return Waits(quiet=quiet, meanwhile=meanwhile, own=time.perf_counter() - begun)


async def _others(live: Live, world: World) -> tuple[float, float]:
    taken: list[float] = []
    for _ in range(ROUNDS):
        for asking in (live.token_for(*world.machine), by_key(live, world, world.keyed)):
            begun = time.perf_counter()
            answer = await asking
            taken.append(time.perf_counter() - begun)
            assert answer.status_code == 200, answer.text
    return statistics.median(taken), max(taken)


async def by_key(live: Live, world: World, client: str) -> httpx.Response:
    """A token request of a client that authenticates by a key."""
    form = {"grant_type": "client_credentials", **dict(world.authentication(client))}
    return await live.http.post(TOKEN, data=form)
