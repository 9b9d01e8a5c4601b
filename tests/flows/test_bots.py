"""/api/v1/auth/bots: whom machines act as."""

import asyncio
from typing import Any

import httpx
import jwt

from events.client import ClientCredentials
from events.log import Append, Log
from service.commands.handle import CLIENT
from service.crypto.credentials import new_id
from tests.flows.conftest import META, Live, is_active, oauth_error, refused
from tests.rules.samples import REGISTERED

BOTS = "/api/v1/auth/bots"
CLIENTS = "/api/v1/auth/clients"


async def make(live: Live, **body: Any) -> httpx.Response:
    return await live.http.post(BOTS, json=body, headers=live.bearer)


async def bot_of(live: Live, email: str) -> str:
    answer = await make(live, email=email)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_bot_with_many_clients_is_deleted_while_others_get_tokens(live: Live):
    bot, (client_id, secret) = await bot_of(live, "many@example.com"), await live.register()
    change = REGISTERED.__replace__(grant=ClientCredentials(bot_user_id=bot))
    log = Log(live.database)
    streams = [new_id() for _ in range(450)]
    appends = [
        Append(stream=stream, expected=0, events=[change], meta=META, changes=(CLIENT.table.change(stream, [change]),))
        for stream in streams
    ]
    await asyncio.gather(*map(log.append, appends))
    await log.close()

    deleting = asyncio.create_task(live.http.delete(f"{BOTS}/{bot}", headers=live.bearer))
    while not deleting.done():
        await live.access_token(client_id, secret)
    assert deleting.result().status_code == 204
    left = await live.http.get(CLIENTS, params={"botUserId": bot}, headers=live.bearer)
    assert left.json() == []


async def test_a_bot_is_made_and_read(live: Live):
    answer = await make(live, email="crm@example.com", firstName="Crm", lastName="Bot")
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": body["id"],
        "email": "crm@example.com",
        "firstName": "Crm",
        "lastName": "Bot",
        "fullName": "Crm Bot",
        "owner": body["owner"],
        "state": "active",
        "createdUtc": body["createdUtc"],
    }
    assert answer.headers["location"] == f"{BOTS}/{body['id']}"
    shown = await live.http.get(answer.headers["location"], headers=live.bearer)
    assert (shown.status_code, shown.json(), shown.headers["etag"]) == (200, body, '"1"')


async def test_names_are_optional(live: Live):
    for number, (names, full) in enumerate(
        [({}, ""), ({"firstName": "A"}, "A"), ({"lastName": "B", "firstName": None}, "B")]
    ):
        assert (await make(live, email=f"names{number}@example.com", **names)).json()["fullName"] == full


async def test_an_email_is_some_one_bot_s_in_whatever_case(live: Live):
    await bot_of(live, "Unique@Example.com")
    for email in ("Unique@Example.com", "unique@example.com", "UNIQUE@EXAMPLE.COM"):
        assert "email" in refused(await make(live, email=email), 409)["detail"]


async def test_an_email_is_unique_among_all_owners(live: Live):
    await bot_of(live, "everywhere@example.com")
    other = await live.caller("bot-owner", "bots:write")
    refused(await live.http.post(BOTS, json={"email": "everywhere@example.com"}, headers=other), 409)


async def test_of_ten_bots_of_one_email_at_once_one_is_made_and_its_neighbours_are_not_disturbed(live: Live):
    same = [make(live, email="Race@example.com" if n % 2 else "race@example.com") for n in range(10)]
    others = [make(live, email=f"neighbour{n}@example.com") for n in range(5)]
    answers = await asyncio.gather(*same, *others)
    assert sorted(answer.status_code for answer in answers[:10]) == [201] + [409] * 9
    assert {answer.status_code for answer in answers[10:]} == {201}


async def test_a_deleted_bot_s_email_is_free_again(live: Live):
    first = await bot_of(live, "again@example.com")
    assert (await live.http.delete(f"{BOTS}/{first}", headers=live.bearer)).status_code == 204
    assert await bot_of(live, "again@example.com") != first


async def test_bots_are_listed_by_pages(live: Live):
    bearer = await live.caller("bot-lister", "bots:write", "bots:read")
    made = [
        (await live.http.post(BOTS, json={"email": f"page{n}@example.com"}, headers=bearer)).json() for n in range(5)
    ]
    where, found = f"{BOTS}?limit=2", []
    while where:
        answer = await live.http.get(where, headers=bearer)
        found += answer.json()
        where = answer.links["next"]["url"] if "next" in answer.links else None
    assert found == made


async def test_a_bot_s_clients_act_as_it(live: Live):
    bot = await bot_of(live, "acts@example.com")
    client = await live.register(botUserId=bot)
    assert jwt.decode(await live.access_token(*client), options={"verify_signature": False})["sub"] == bot


async def test_a_disabled_bot_s_clients_stop_and_come_back_when_it_is_enabled(live: Live):
    bot = await bot_of(live, "pause@example.com")
    client, stranger = await live.register(botUserId=bot), await live.register()
    token = await live.access_token(*client)
    for _ in range(2):
        assert (await live.http.post(f"{BOTS}/{bot}/disable", headers=live.bearer)).status_code == 204
        oauth_error(await live.token_for(*client), 401, "invalid_client")
        assert not await is_active(live, token)
        assert (await live.token_for(*stranger)).status_code == 200
        assert (await live.http.get(f"{BOTS}/{bot}", headers=live.bearer)).status_code == 200
    assert (await live.http.post(f"{BOTS}/{bot}/enable", headers=live.bearer)).status_code == 204
    assert (await live.token_for(*client)).status_code == 200
    assert await is_active(live, token)


async def test_a_client_disabled_on_its_own_is_not_enabled_with_its_bot(live: Live):
    bot = await bot_of(live, "both-off@example.com")
    client = await live.register(botUserId=bot)
    await live.http.post(f"{CLIENTS}/{client[0]}/disable", headers=live.bearer)
    await live.http.post(f"{BOTS}/{bot}/disable", headers=live.bearer)
    await live.http.post(f"{BOTS}/{bot}/enable", headers=live.bearer)
    oauth_error(await live.token_for(*client), 401, "invalid_client")


async def test_a_deleted_bot_takes_its_clients_and_their_tokens_along(live: Live):
    bot = await bot_of(live, "gone@example.com")
    clients = [await live.register(botUserId=bot) for _ in range(3)]
    interactive = await live.interactive(botUserId=bot)
    token = await live.access_token(*clients[0])
    answer = await live.http.delete(f"{BOTS}/{bot}", headers=live.bearer)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_active(live, token)
    for client in (*clients, interactive):
        oauth_error(await live.token_for(*client), 401, "invalid_client")
        refused(await live.http.get(f"{CLIENTS}/{client[0]}", headers=live.bearer), 404)
    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/disable"), ("POST", "/enable")):
        refused(await live.http.request(method, f"{BOTS}/{bot}{tail}", headers=live.bearer), 404)
    assert bot not in (await live.http.get(BOTS, params={"limit": "1000"}, headers=live.bearer)).text


async def test_a_client_registered_while_its_bot_is_deleted_gets_no_token(live: Live):
    bot = await bot_of(live, "race-delete@example.com")

    async def register() -> httpx.Response:
        return await live.http.post(CLIENTS, json={"m2m": True, "botUserId": bot}, headers=live.bearer)

    *made, _ = await asyncio.gather(
        *(register() for _ in range(8)), live.http.delete(f"{BOTS}/{bot}", headers=live.bearer)
    )
    for answer in made:
        if answer.status_code == 201:
            oauth_error(
                await live.token_for(answer.json()["clientId"], answer.json()["clientSecret"]), 401, "invalid_client"
            )
        else:
            refused(answer, 400)
