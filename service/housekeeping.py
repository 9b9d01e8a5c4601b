"""The background work of every process. Several processes may do it at once, and no request waits for it."""

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import asyncpg

from events.database import LOST, Unavailable, read
from events.envelope import ByService, Meta
from events.issuance import make_partitions
from events.receipts import forget_old_commands
from events.waiting import in_daemon_thread, raise_if_cancelled
from projections import clients, registry
from projections.catch_up import CatchUp
from projections.engine.election import Follower
from service import fitness, limits
from service.commands.authority import EVERYBODY
from service.crypto.credentials import new_id
from service.outages import Outages
from service.reactions import session_end
from service.reactions.backchannel_logout import Deliverer
from service.reactions.client_deletion import delete_clients
from service.resources import Resources

log = logging.getLogger("muniment.housekeeping")


def leave_with_parent() -> None:
    """End a worker whose parent was killed; otherwise it would keep the port from the next service.

    Ctrl-C in a terminal reaches every process. Workers ignore it, because the parent ends them in order.
    """
    parent, loop = multiprocessing.parent_process(), asyncio.get_running_loop()

    def leave(sentinel: int) -> None:
        loop.remove_reader(sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_reader(parent.sentinel, leave, parent.sentinel)


async def run(resources: Resources, url: str) -> None:
    """Run until cancelled."""
    presence = fitness.presence(resources.settings.issuer)
    follower = Follower(registry.catch_up(), url, application_name=presence)
    every = partial(_every, resources.outages)
    deliverer = Deliverer(resources.ledger, resources.ring, resources.settings.issuer, url)
    try:
        await _together(
            every(1, follower.look),
            _follow_packages(resources.outages, url, presence),
            every(1, deliverer.look),
            every(5, lambda: _finish_deletions(resources)),
            every(5, lambda: session_end.finish(resources.ledger)),
            every(60, lambda: session_end.expire(resources.ledger)),
            every(300, resources.people.finish),
            every(60, lambda: _forget(resources)),
            every(60, lambda: _look_for_other_issuers(resources)),
            every(3600, lambda: read(resources.ledger.pool, make_partitions)),
        )
    finally:
        await deliverer.close()
        await follower.close()


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """Run until cancelled, and return when all have ended. (gather returns when the first one has, and the others lose their connections.)"""
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)


async def _every(outages: Outages, seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await do()
        except (Unavailable, asyncpg.LockNotAvailableError, *LOST) as fault:  # the next round tries again
            raise_if_cancelled()
            outages.notice(fault)
        except Exception:
            raise_if_cancelled()
            log.exception("housekeeping")
        raise_if_cancelled()  # an error can have replaced the cancellation inside
        await asyncio.sleep(seconds)


async def _follow_packages(outages: Outages, url: str, presence: str) -> None:
    """Run one follower for each package, so that none waits for another's tables. Importing the packages delays nothing either."""
    by_schema: dict[str, list[CatchUp[Any, Any]]] = {}
    try:
        installed = await in_daemon_thread(registry.of_packages)  # an import that hangs must not hold up the end
    except Exception:
        log.exception("the projections of installed packages cannot be loaded")
        return
    for projection in installed.projections.values():
        by_schema.setdefault(projection.schema, []).append(projection)
    followers = [Follower(each, url, application_name=presence) for each in by_schema.values()]
    try:
        await _together(*(_every(outages, 1, follower.look) for follower in followers))
    finally:
        for follower in followers:
            await follower.close()


async def _look_for_other_issuers(resources: Resources) -> None:
    """Report other issuers: two processes that start at the same moment do not see each other."""
    issuer = resources.settings.issuer
    if others := await read(resources.ledger.pool, lambda connection: fitness.other_issuers(connection, issuer)):
        log.error("%s", fitness.different(others, issuer))


async def _finish_deletions(resources: Resources) -> None:
    """Delete the clients that a deleted bot still has because the process was killed in between."""
    left = await read(resources.ledger.pool, clients.of_deleted_bots)
    meta = Meta(actor=ByService(why="the bot was deleted"), request_id=str(new_id()))
    await delete_clients(resources.ledger, left, EVERYBODY, meta)


async def _forget(resources: Resources) -> None:
    await read(resources.ledger.pool, forget_old_commands)
    await read(resources.ledger.pool, limits.forget)
