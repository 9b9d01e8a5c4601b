"""What a service of two workers makes of them: its answers by door, its slowest one, and its memory before and after."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from service.configuration.settings import read_settings
from service.http.busy import Application
from service.resources import open_resources
from tests.bench.hostile import world
from tests.bench.hostile.answers import fault, refusal
from tests.bench.hostile.doors import hostile
from tests.bench.hostile.hanging import Waits, waits
from tests.bench.hostile.sending import Sent, send
from tests.bench.hostile.site import certificate, open_site
from tests.bench.hostile.table import MOST_GROWTH, Door, Hostile
from tests.bench.machine import ALL, Failed, Server
from tests.bench.peers import MASTER_KEY, Peer, service, settings_of
from tests.flows.conftest import Live

WARM = 0.2
"""After this part of the requests every cache has been filled, and memory counts."""

SEED = 8693
FIRST_FAULTS = 20
MORE = {
    "MUNIMENT_TRUSTED_PROXIES": "127.0.0.1",
    "MUNIMENT_DYNAMIC_REGISTRATION": "open",
    "MUNIMENT_CLIENT_METADATA_DOCUMENTS": "localhost",
}


def measure(url: str, directory: Path, requests: int, say: Callable[[str], None]) -> Iterable[Hostile]:
    """Raises Failed when an answer is wrong, or, after the figures, when the memory has grown."""
    pem = certificate(directory)
    with service(url, directory, clients=1, more={**MORE, "SSL_CERT_FILE": str(pem)}, workers=2, cores=ALL) as peer:
        found = asyncio.run(_measure(url, peer, pem, requests, say))
    yield found
    if found.growth > MOST_GROWTH:
        raise Failed(f"the memory grew by {found.growth / 1e6:.1f} MB")
    return found


async def _measure(url: str, peer: Peer, pem: Path, requests: int, say: Callable[[str], None]) -> Hostile:
    async with _live(url, peer) as live, open_site(pem) as site:
        say("the parties are registered")
        parties = await world.made(live, site.base)
        say("key sets that hang")
        hung = await waits(live, parties, site)
        return await _sent(peer.server, parties, requests, hung, say)


async def _sent(
    server: Server, parties: world.World, requests: int, hung: Waits, say: Callable[[str], None]
) -> Hostile:
    doors: dict[str, Door] = {}
    faults: Counter[str] = Counter()
    begun, warm, done, slowest = time.monotonic(), 0, 0, ("", 0.0)
    async for sent in send(server.address, hostile(parties, SEED), requests):
        done += 1
        _note(sent, doors, faults)
        slowest = max(slowest, (f"{sent.ask.door}, {sent.ask.how}", sent.seconds), key=lambda each: each[1])
        if done == int(requests * WARM):
            warm = pss(server)
        if done % 100 == 0:
            say(f"{done:,} of {requests:,} hostile requests, {faults.total()} faults  {_bar(done / requests)}")
    if faults:
        named = "\n".join(f"{number:,} x {what}" for what, number in faults.most_common(FIRST_FAULTS))
        raise Failed(f"{faults.total():,} wrong answers:\n{named}")
    return Hostile(
        doors=doors,
        slowest=slowest[0],
        seconds=time.monotonic() - begun,
        pss_warm=warm,
        pss=pss(server),
        waits=hung,
    )


def _note(sent: Sent, doors: dict[str, Door], faults: Counter[str]) -> None:
    door = doors.setdefault(sent.ask.door, Door(Counter()))
    door.slowest = max(door.slowest, sent.seconds)
    door.seconds += sent.seconds
    if sent.answer is not None:
        door.errors[f"{sent.answer.status} {refusal(sent.answer).error}".strip()] += 1
    wrong = fault(sent)
    if wrong is not None:
        faults[f"{sent.ask.door}, {sent.ask.how}: {wrong}"] += 1


def _bar(part: float) -> str:
    full = int(part * 30)
    return "━" * full + "╌" * (30 - full)


def pss(server: Server) -> int:
    """Of the service and of all its workers."""
    process = psutil.Process(server.process.pid)
    return sum(each.memory_full_info().pss for each in (process, *process.children(recursive=True)))


@asynccontextmanager
async def _live(url: str, peer: Peer) -> AsyncGenerator[Live]:
    """The service as the flows know one, so that their parties can be registered there."""
    host, port = peer.server.address
    base = f"http://{host}:{port}"
    settings = read_settings(settings_of(url, port))
    async with (
        open_resources(settings, url, MASTER_KEY) as beside,
        httpx.AsyncClient(base_url=base, timeout=60) as http,
    ):
        yield Live(
            url=base,
            database=url,
            client_id=peer.operator[0],
            client_secret=peer.operator[1],
            http=http,
            token=peer.bearer,
            application=Application(),
            beside=beside,
        )
