"""The background work of every process. Several processes may do it at once, and no request waits for it."""

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg

from events.database import LOST, Unavailable, read
from events.envelope import ByService, Meta
from events.issuance import make_partitions
from events.receipts import forget_old_commands
from events.waiting import in_daemon_thread, raise_if_cancelled
from projections import registry
from projections.catch_up import CatchUp
from projections.engine.election import LOOK_SECONDS, Follower
from projections.engine.pace import APART, SERVING, Paces
from projections.engine.verifier import Verifier
from service import fitness, gauges, limits, pushed_requests, retention, waiting_devices
from service.crypto.credentials import new_id
from service.grants import audited_reads, refusal_events
from service.outages import Outages
from service.reactions import client_deletion, session_end, unused_clients
from service.reactions.audit_push import Pusher
from service.reactions.backchannel_logout import Deliverer
from service.resources import Resources
from service.transparency.checkpoints import CheckpointMaker
from service.transparency.witnesses import Submitter

LAST_WORD_SECONDS = 5.0
VERIFICATION_PAUSE_SECONDS = 60.0

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
    follower = Follower(registry.catch_up(), url, paces=SERVING, application_name=presence)
    every = partial(_every, resources.outages)
    deliverer = Deliverer(resources.ledger, resources.ring, resources.settings.issuer, url)
    checkpoints = CheckpointMaker(resources.ledger.pool, resources.log_key)
    pusher = None if resources.settings.webhook is None else Pusher(resources.settings.webhook, url)
    submitter = Submitter(resources.ledger.pool, url, resources.settings.witnesses)
    try:
        await _together(
            *([] if pusher is None else [every(1, pusher.look)]),
            every(1, lambda: gauges.show(resources)),
            every(LOOK_SECONDS, follower.look),
            every(1, checkpoints.look),
            every(1, submitter.look),
            _follow_packages(resources.outages, url, paces=SERVING),
            *([_verify(resources, url)] if resources.settings.verification_hours else []),
            every(1, deliverer.look),
            every(5, lambda: client_deletion.finish(resources.ledger)),
            every(5, lambda: session_end.finish(resources.ledger)),
            every(1, resources.rate_limit.settle),
            every(1, resources.codes.settle),
            every(1, lambda: audited_reads.record_sums(resources)),
            every(1, lambda: refusal_events.record_left_out(resources)),
            every(60, lambda: session_end.expire(resources.ledger)),
            every(60, resources.people.forget),
            every(300, resources.people.finish),
            every(600, lambda: _delete_unused(resources)),
            every(60, lambda: _forget(resources)),
            every(60, lambda: _look_for_other_issuers(resources)),
            every(3600, lambda: read(resources.ledger.pool, make_partitions)),
            *([every(3600, lambda: _retain(resources, url))] if resources.settings.issuance_retention else []),
        )
    finally:
        if pusher is not None:
            await pusher.close()
        await submitter.close()
        await deliverer.close()
        await follower.close()


async def follow(url: str) -> None:
    """Follow the logs, in the place of all serving processes, until cancelled."""
    outages = Outages()
    follower = Follower(
        registry.catch_up(), url, paces=APART, is_apart=True, application_name=f"muniment follow {os.getpid()}"
    )
    try:
        await _together(
            _every(outages, LOOK_SECONDS, follower.look), _follow_packages(outages, url, paces=APART, is_apart=True)
        )
    finally:
        await follower.close()


async def finish(resources: Resources) -> None:
    """Record what was added up since the last minute ended. The process ends, whether that succeeds or not."""
    try:
        async with asyncio.timeout(LAST_WORD_SECONDS):
            await audited_reads.record_sums(resources, at_end=True)
            await refusal_events.record_left_out(resources, at_end=True)
    except (Unavailable, TimeoutError):
        log.exception("the further reads and refusals of the last minute could not be recorded")


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


async def _follow_packages(outages: Outages, url: str, *, paces: Paces, is_apart: bool = False) -> None:
    """Run one follower for each package, so that none waits for another's tables. Importing the packages delays nothing either."""
    by_schema: dict[str, list[CatchUp[Any, Any]]] = {}
    try:
        installed = await in_daemon_thread(registry.of_packages)  # an import that hangs must not hold up the end
    except Exception:
        log.exception("the projections of installed packages cannot be loaded")
        return
    for projection in installed.projections.values():
        by_schema.setdefault(projection.schema, []).append(projection)
    # Without a presence: each process shows that in one connection only, so that the processes can be counted.
    followers = [Follower(each, url, paces=paces, is_apart=is_apart) for each in by_schema.values()]
    try:
        await _together(*(_every(outages, LOOK_SECONDS, follower.look) for follower in followers))
    finally:
        for follower in followers:
            await follower.close()


async def _verify(resources: Resources, url: str) -> None:
    """Verify the projections from time to time, but not while the process starts."""
    verifier = Verifier(registry.everything, url, timedelta(hours=resources.settings.verification_hours))

    async def look() -> None:
        await in_daemon_thread(registry.everything)  # the first time, it imports packages
        await verifier.look()

    await asyncio.sleep(VERIFICATION_PAUSE_SECONDS)
    try:
        await _every(resources.outages, VERIFICATION_PAUSE_SECONDS, look)
    finally:
        await verifier.close()


async def _look_for_other_issuers(resources: Resources) -> None:
    """Report other issuers: two processes that start at the same moment do not see each other."""
    issuer = resources.settings.issuer
    if others := await read(resources.ledger.pool, lambda connection: fitness.other_issuers(connection, issuer)):
        log.error("%s", fitness.different(others, issuer))


async def _retain(resources: Resources, url: str) -> None:
    days = resources.settings.issuance_retention
    meta = Meta(actor=ByService(why=f"retention of {days} days"), request_id=str(new_id()))
    for dropped in await retention.apply(url, resources.ledger.log, days, meta):
        log.info("the records of the tokens of %s were deleted after %s days", dropped.day, days)


async def _delete_unused(resources: Resources) -> None:
    days = resources.settings.unused_registration_days
    for _ in range(await unused_clients.delete_unused(resources.ledger, days)):
        resources.metrics.unused_clients.inc()


async def _forget(resources: Resources) -> None:
    await read(resources.ledger.pool, forget_old_commands)
    await read(resources.ledger.pool, limits.forget)
    await read(resources.ledger.pool, pushed_requests.forget)
    await read(resources.ledger.pool, waiting_devices.forget)
