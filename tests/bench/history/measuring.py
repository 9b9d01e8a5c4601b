"""A history of a million events and a million tokens, and how long the questions of an auditor take."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import uvloop
from msgspec import Struct

from events.database import connected, log_in
from projections import registry
from projections.engine import checkpoints, entries
from tests.bench.history import audit_reads, consequences, exports, following, live, past_reads, proof_reads
from tests.bench.history.asking import Asker
from tests.bench.history.deployment import Deployment, Size
from tests.bench.history.figures import Figure, Group, single
from tests.bench.history.following import Say
from tests.bench.history.samples import Samples
from tests.bench.machine import SERVER, Failed, pinned
from tests.bench.peers import Peer, service

IDLE_SECONDS = 600
"""The service first records the consequences that the made-up history leaves out, some ten thousand revocations, and follows them."""

IDLE_PERCENT, LOOK_SECONDS = 10, 0.5
GROWN_MB = 50
"""The most that the service grows by all reads: a page and what Python keeps of it, and no more for a longer history."""

Groups = Iterator[tuple[str, Group]]


class Place(Struct, frozen=True):
    """The database, and a directory for files."""

    url: str
    directory: Path


def measure(url: str, directory: Path, size: Size, say: Say) -> Groups:
    """The database is migrated and empty. Each group is yielded as soon as it is there."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        deployment = Deployment(url, size, say)
        with pinned(SERVER):
            yield "written", runner.run(deployment.write_most())
            yield "rebuilt", runner.run(following.rebuilt(url, deployment.ends, say))
            before = deployment.ends
            runner.run(deployment.write_rest())
            yield "followed", runner.run(following.followed(url, before, deployment.ends, say))
            yield "inline", runner.run(following.inline(url, deployment.ends, say))
        found = runner.run(deployment.samples())
        with service(url, directory, clients=1) as peer:
            asker = Asker(peer, size.seconds)
            yield from _asked(runner, asker, Place(url, directory), found, say)
            say("exporting")
            yield "exports", exports.measure(url, found.events, found.tokens, directory)
            say("revoking")
            yield "revocation", consequences.revocation(asker, found)
            asker.close()


def _asked(runner: asyncio.Runner, asker: Asker, place: Place, found: Samples, say: Say) -> Groups:
    url, peer = place.url, asker.peer
    say("waiting until all is followed")
    runner.run(await_idle(url, peer))
    before = _resident(peer)
    say("reading the past")
    yield "past", past_reads.measure(asker, found)
    say("reading the feed of events")
    yield "events", audit_reads.events(asker, found)
    say("reading the feed of tokens")
    yield "tokens", audit_reads.tokens(asker, found)
    connection = runner.run(log_in(url))
    say("reading proofs")
    yield "proofs", runner.run(proof_reads.measure(asker, found, connection, place.directory))
    say("reading consequences")
    yield "consequences", runner.run(consequences.measure(asker, found, connection))
    size = runner.run(connection.fetchval("select pg_database_size(current_database())"))
    runner.run(connection.close())
    say("listening to the stream")
    yield "live", runner.run(live.measure(asker, found, url))
    yield "memory", Group(title="Memory and disk", figures=_memory(before, _resident(peer), size / 1e6))


def _memory(before: float, after: float, disk: float) -> list[Figure]:
    return [
        single("the service (RSS) before all reads", "MB", before),
        single("the service after all reads", "MB", after),
        single("grown by", "MB", after - before, GROWN_MB),
        single("the database on disk", "MB", disk),
    ]


def _resident(peer: Peer) -> float:
    return psutil.Process(peer.server.process.pid).memory_info().rss / 1e6


async def await_idle(url: str, peer: Peer) -> None:
    """Raises Failed if the service does not follow both logs to their ends, or goes on computing."""
    until = time.monotonic() + IDLE_SECONDS
    async with connected(url) as connection:
        for projection in registry.catch_up():
            while True:
                live = await checkpoints.live(connection, projection)
                if live is not None and live.reached == await entries.head(connection, projection.follows):
                    break
                if time.monotonic() > until:
                    raise Failed(f"{projection.name} does not reach the end of its log: {live}")
                await asyncio.sleep(0.1)
    seen = psutil.Process(peer.server.process.pid)
    while seen.cpu_percent(LOOK_SECONDS) > IDLE_PERCENT:
        if time.monotonic() > until:
            raise Failed("the service does not come to rest")
