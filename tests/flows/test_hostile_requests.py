"""What strangers, and clients that went wrong, send to the doors for programs: each gets its documented error, and nothing is issued."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service import client_documents
from service.configuration.documents import Documents
from service.grants import device_authorization, registration_permission
from tests.bench.hostile import site as sites
from tests.bench.hostile.answers import fault
from tests.bench.hostile.doors import DOORS, hostile
from tests.bench.hostile.hanging import by_key
from tests.bench.hostile.sending import send
from tests.bench.hostile.world import World, made, registered_by_key
from tests.flows.conftest import Live, new_database, oauth_error, serving
from tests.patience import until

ROUNDS, SEED = 12, 11


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[sites.Site]:
    pem = sites.certificate(tmp_path_factory.mktemp("site"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(pem))
        async with sites.open_site(pem) as site:
            yield site


@pytest.fixture(scope="module")
async def live(postgres: str, site: sites.Site) -> AsyncIterator[Live]:
    documents = Documents(hosts=frozenset({"localhost"}))
    off: dict[str, Any] = {"rate_limit": 0, "failed_auth_limit": 0, "dynamic_registration": "open"}
    with pytest.MonkeyPatch.context() as patch:
        for place, limit in (
            (client_documents, "MOST_NEW_OF_A_NETWORK"),
            (client_documents, "MOST_NEW_OF_A_SITE"),
            (client_documents, "MOST_NEW"),
            (client_documents, "MOST_NEW_IN_A_DAY"),
            (registration_permission, "MOST_IN_A_MINUTE"),
            (registration_permission, "MOST_OF_ALL"),
            (device_authorization, "MOST_OF_A_NETWORK"),
        ):
            patch.setattr(place, limit, 10_000)
        async with serving(await new_database(postgres), client_metadata_documents=documents, **off) as live:
            yield live


@pytest.fixture(scope="module")
async def world(live: Live, site: sites.Site) -> World:
    return await made(live, site.base)


async def test_each_hostile_request_gets_its_documented_error_and_a_text(live: Live, world: World):
    host, port = live.url.removeprefix("http://").split(":")
    faults: Counter[str] = Counter()
    async for sent in send((host, int(port)), hostile(world, seed=SEED), ROUNDS * len(DOORS)):
        wrong = fault(sent)
        if wrong is not None:
            faults[f"{sent.ask.door}, {sent.ask.how}: {wrong}"] += 1
    assert faults == Counter()


async def test_key_sets_that_hang_hold_up_nobody_else(live: Live, world: World, site: sites.Site):
    hanging = [await registered_by_key(live, jwksUri=f"{site.base}/{sites.SLOW}/{number}") for number in range(4)]
    before = site.hanging
    waiting = [asyncio.create_task(by_key(live, world, client)) for client in hanging]

    async def hangs() -> bool:
        return site.hanging > before

    await until(hangs)
    assert (await live.token_for(*world.machine)).status_code == 200
    assert (await by_key(live, world, world.keyed)).status_code == 200
    assert not all(task.done() for task in waiting)
    site.released.set()
    for answer in await asyncio.gather(*waiting):
        oauth_error(answer, 401, "invalid_client")
