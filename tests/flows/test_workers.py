"""Two services on one database: what one was told, the other knows at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from projections.engine.election import Follower
from service import housekeeping
from tests.flows.conftest import Live, is_active, new_database, oauth_error, serving
from tests.patience import PATIENCE, until

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"


@pytest.fixture(scope="module")
async def pair(postgres: str) -> AsyncIterator[tuple[Live, Live]]:
    """Two services that are one issuer, as two workers or two hosts are."""
    database = await new_database(postgres)
    async with (
        serving(database, rate_limit=0, failed_auth_limit=0) as one,
        serving(database, rate_limit=0, failed_auth_limit=0, issuer=one.url, audience=one.url) as two,
    ):
        yield one, two


async def test_a_client_registered_at_one_gets_a_token_at_the_other_at_once(pair: tuple[Live, Live]):
    async def register_and_ask(number: int) -> int:
        here, there = pair if number % 2 else pair[::-1]
        client = await here.register()
        return (await there.token_for(*client)).status_code

    for _ in range(2):
        assert await asyncio.gather(*(register_and_ask(number) for number in range(20))) == [200] * 20


async def test_a_client_disabled_at_one_gets_no_token_at_the_other_from_the_answer_on(pair: tuple[Live, Live]):
    one, two = pair
    for _ in range(4):
        client = await one.register()
        assert (await two.token_for(*client)).status_code == 200
        await one.http.post(f"{CLIENTS}/{client[0]}/disable", headers=one.bearer)
        oauth_error(await two.token_for(*client), 401, "invalid_client")
        await one.http.post(f"{CLIENTS}/{client[0]}/enable", headers=one.bearer)
        assert (await two.token_for(*client)).status_code == 200
        await one.http.delete(f"{CLIENTS}/{client[0]}", headers=one.bearer)
        oauth_error(await two.token_for(*client), 401, "invalid_client")


async def test_no_token_is_issued_after_the_answer_to_a_deletion_while_many_are_asked_for(pair: tuple[Live, Live]):
    one, two = pair
    client = await one.register()
    deleted = asyncio.Event()
    late: list[int] = []

    async def keep_asking() -> None:
        while True:
            after = deleted.is_set()
            status = (await two.token_for(*client)).status_code
            if after:
                late.append(status)
                return

    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    await asyncio.sleep(0.05)
    await one.http.delete(f"{CLIENTS}/{client[0]}", headers=one.bearer)
    deleted.set()
    await asyncio.gather(*asking)
    assert late == [401] * 4


async def test_what_happened_to_a_client_at_one_is_what_the_other_introspects(pair: tuple[Live, Live]):
    one, two = pair
    client = await one.register()
    token = await two.access_token(*client)
    assert await is_active(two, token)
    await one.http.post(f"{CLIENTS}/{client[0]}/disable", headers=one.bearer)
    assert not await is_active(two, token)
    await one.http.post(f"{CLIENTS}/{client[0]}/enable", headers=one.bearer)
    assert await is_active(two, token)
    await one.http.post("/openid/revoke", data={"token": token, "client_id": client[0], "client_secret": client[1]})
    assert not await is_active(two, token)
    other = await two.access_token(*client)
    await one.http.delete(f"{CLIENTS}/{client[0]}", headers=one.bearer)
    assert not await is_active(two, other)


async def test_what_happened_to_a_bot_at_one_stops_its_clients_at_the_other(pair: tuple[Live, Live]):
    one, two = pair
    bot = (await one.http.post(BOTS, json={"email": "workers@example.com"}, headers=one.bearer)).json()["id"]
    client = await one.register(botUserId=bot)
    assert (await two.token_for(*client)).status_code == 200
    await one.http.post(f"{BOTS}/{bot}/disable", headers=one.bearer)
    oauth_error(await two.token_for(*client), 401, "invalid_client")
    await one.http.post(f"{BOTS}/{bot}/enable", headers=one.bearer)
    assert (await two.token_for(*client)).status_code == 200
    await one.http.delete(f"{BOTS}/{bot}", headers=one.bearer)
    oauth_error(await two.token_for(*client), 401, "invalid_client")


async def test_a_secret_revoked_at_one_is_refused_at_the_other(pair: tuple[Live, Live]):
    one, two = pair
    client = await one.register()
    assert (await two.token_for(*client)).status_code == 200
    secrets = f"{CLIENTS}/{client[0]}/secrets"
    added = (await one.http.post(secrets, json={}, headers=one.bearer)).json()
    assert (await two.token_for(client[0], added["clientSecret"])).status_code == 200
    await one.http.delete(f"{secrets}/{added['secretId']}", headers=one.bearer)
    oauth_error(await two.token_for(client[0], added["clientSecret"]), 401, "invalid_client")
    assert (await two.token_for(*client)).status_code == 200


async def test_a_management_token_of_a_deleted_client_is_refused_at_the_other_soon(
    pair: tuple[Live, Live],
):
    one, two = pair
    client = await one.register()
    path = f"{CLIENTS}/{client[0]}"
    await one.http.patch(path, json={"scopes": ["clients:read"]}, headers={**one.bearer, "If-Match": "*"})
    bearer = {"Authorization": f"Bearer {await one.access_token(*client)}"}
    assert (await two.http.get(CLIENTS, headers=bearer)).status_code == 200
    deleted = await one.http.delete(path, headers=one.bearer)
    at = {"Muniment-Min-Position": deleted.headers["muniment-position"]}

    async def is_refused() -> bool:
        return (await two.http.get(CLIENTS, headers={**bearer, **at})).status_code == 401

    await until(is_refused)


async def test_an_idempotency_key_used_at_one_is_known_at_the_other(pair: tuple[Live, Live]):
    one, two = pair
    body = {"m2m": True, "botUserId": "b"}
    operator = {**one.bearer, "Idempotency-Key": "workers"}
    answers = await asyncio.gather(
        *(here.http.post(CLIENTS, json=body, headers=operator) for _ in range(5) for here in (one, two))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_housekeeping_closes_its_connections_once_all_of_its_work_has_ended(pair, monkeypatch):
    live, order, looking = pair[0], list[str](), asyncio.Event()

    async def look(_follower: Follower) -> None:
        looking.set()
        try:
            await asyncio.sleep(PATIENCE)
        finally:  # as a transaction that is rolled back takes its time
            for _ in range(20):
                await asyncio.sleep(0)
            order.append("rolled back")

    close = Follower.close

    async def closed(follower: Follower) -> None:
        order.append("closed")
        await close(follower)

    monkeypatch.setattr(Follower, "look", look)
    monkeypatch.setattr(Follower, "close", closed)
    working = asyncio.create_task(housekeeping.run(live.beside, live.database))
    await looking.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert order == ["rolled back", "closed"]
