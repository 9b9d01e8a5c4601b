"""Projections verified for muniment projections verify: two at once, and what a fault says."""

import asyncio
import itertools
import time
from collections.abc import Generator
from contextlib import contextmanager

from events.database import connected
from projections import registry
from projections.catch_up import CatchUp
from projections.engine import verifications
from projections.engine import verify as verification
from projections.engine.checkpoints import OtherVersion
from projections.engine.entries import Poison
from projections.engine.schemas import NoSchema
from projections.engine.verdict import Verdict, refused
from service.cli.opening import Plainly
from service.cli.progress import Bar


async def all_verified(url: str, names: list[str], shown: Bar) -> list[Verdict]:
    """Those that follow the issuance log, which Postgres adds up, beside the others, which are folded here."""
    added_up = [name for name in names if _follows_issuance(name)]
    folded = [name for name in names if name not in added_up]
    found = dict(itertools.chain(*await asyncio.gather(_in_turn(url, folded, shown), _in_turn(url, added_up, shown))))
    return [found[name] for name in names]


async def _in_turn(url: str, names: list[str], shown: Bar) -> list[tuple[str, Verdict]]:
    return [(name, await _verified(url, name, shown)) for name in names]


async def _verified(url: str, name: str, shown: Bar) -> Verdict:
    try:
        with readable(name), shown(f"verifying {name}") as progress:
            began = time.monotonic()
            verdict = await verification.verify(url, name, progress)
    except Exception as fault:
        if name in registry.PROJECTIONS:
            raise
        return refused(name, why(fault))
    async with connected(url) as connection:
        await verifications.keep(connection, name, verdict, time.monotonic() - began)
    return verdict


def why(fault: Exception) -> str:
    return str(fault) if isinstance(fault, Plainly) else f"{type(fault).__name__}: {fault}"


@contextmanager
def readable(name: str) -> Generator[None]:
    try:
        yield
    except Poison as fault:
        follows = "issuance log" if _follows_issuance(name) else "log"
        raise Plainly(f"{name}: position {fault.position} of the {follows} cannot be read: {fault}") from fault
    except (OtherVersion, NoSchema) as fault:
        raise Plainly(str(fault)) from fault


def _follows_issuance(name: str) -> bool:
    projection = registry.find(name)
    return isinstance(projection, CatchUp) and projection.follows.log == "issuance"
