"""How often somebody may ask: every caller of the management API in a minute, and whoever fails to authenticate at the token endpoint."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import jwt
import pytest

from service.grants.client_authentication import MANY_CLIENTS
from tests.flows.conftest import Live, new_database, oauth_error, refused, serving

CLIENTS = "/api/v1/auth/clients"
HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@pytest.fixture(scope="module")
async def limited(postgres: str) -> AsyncIterator[Live]:
    """A service with the limits that it has by default, and the clock of its database in no test's way."""
    async with serving(await new_database(postgres)) as live:
        yield live


async def whole_minute(live: Live, ask: Callable[[], Any]) -> Any:
    """What the test found in one and the same minute: at the turn of a minute all counts begin anew, so it then asks again.

    Each time it begins as if nobody had asked for anything: what an attempt that was cut asked after the turn does not count.
    """
    while True:
        await begin_to_count(live)
        began = int(time.time() // 60)
        found = await ask()
        if int(time.time() // 60) == began:
            return found


async def use_up(live: Live, key: str, used: int) -> None:
    """As if this much had been asked in this minute."""
    connection = await asyncpg.connect(live.database)
    await connection.execute(
        "insert into limits.counts values ($1, date_trunc('minute', statement_timestamp()), $2)"
        " on conflict (key, minute) do update set used = excluded.used", key, used,
    )  # fmt: skip
    await connection.close()


async def begin_to_count(live: Live) -> None:
    """As if nobody had asked for anything in this minute."""
    connection = await asyncpg.connect(live.database)
    await connection.execute("delete from limits.counts")
    await connection.close()


async def counted(live: Live) -> list[tuple[str, int]]:
    connection = await asyncpg.connect(live.database)
    rows = await connection.fetch(
        "select key, used from limits.counts where minute = date_trunc('minute', statement_timestamp()) order by key"
    )
    await connection.close()
    return [tuple(row) for row in rows]


async def test_every_response_of_the_management_api_says_how_much_is_left(limited: Live):
    client_id, _ = await limited.register()
    asked: list[tuple[int, str, str, dict[str, Any]]] = [
        (200, "GET", CLIENTS, {}),
        (201, "POST", CLIENTS, {"json": {"m2m": True, "botUserId": "b"}}),
        (400, "POST", CLIENTS, {"json": {}}),
        (400, "GET", f"{CLIENTS}?limit=0", {}),
        (404, "GET", f"{CLIENTS}/x", {}),
        (405, "PUT", CLIENTS, {}),
        (413, "POST", CLIENTS, {"content": b" " * 70_000}),
        (415, "POST", CLIENTS, {"content": b"{}"}),
        (428, "PATCH", f"{CLIENTS}/{client_id}", {"json": {}}),
        (200, "HEAD", CLIENTS, {}),
        (204, "DELETE", f"{CLIENTS}/{client_id}", {}),
    ]
    for status, method, path, more in asked:
        answer = await limited.http.request(method, path, headers=limited.bearer, **more)
        assert answer.status_code == status, answer.text
        assert answer.headers["ratelimit-limit"] == "600"
        assert 0 <= int(answer.headers["ratelimit-remaining"]) < 600
        assert 1 <= int(answer.headers["ratelimit-reset"]) <= 60
    for bearer in ({}, {"Authorization": "Bearer x"}, {"Authorization": "x"}):
        answer = await limited.http.get(CLIENTS, headers=bearer)
        assert answer.status_code == 401
        assert all(name in answer.headers for name in HEADERS)
    powerless = await limited.caller("powerless", "api:public")
    answer = await limited.http.get(CLIENTS, headers=powerless)
    assert answer.status_code == 403
    assert all(name in answer.headers for name in HEADERS)


async def test_each_request_takes_one_from_what_remains(limited: Live):
    bearer = await limited.caller("counts", "clients:read")

    async def remaining() -> list[int]:
        return [int((await limited.http.get(CLIENTS, headers=bearer)).headers["ratelimit-remaining"]) for _ in range(3)]

    first, second, third = await whole_minute(limited, remaining)
    assert (first - second, second - third) == (1, 1)


async def test_the_601st_request_of_a_minute_is_refused_with_the_time_to_wait(limited: Live):
    bearer = await limited.caller("six hundred", "clients:read")

    async def ask() -> list[httpx.Response]:
        await use_up(limited, "caller six hundred", 599)
        return [await limited.http.get(CLIENTS, headers=bearer) for _ in range(3)]

    last, over, further = await whole_minute(limited, ask)
    assert last.status_code == 200
    assert last.headers["ratelimit-remaining"] == "0"
    for answer in (over, further):
        refused(answer, 429)
        assert answer.headers["ratelimit-remaining"] == "0"
        assert answer.headers["retry-after"] == answer.headers["ratelimit-reset"]
        assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_a_caller_that_is_refused_does_nothing(limited: Live):
    bearer = await limited.caller("does nothing", "clients:write", "clients:read")

    async def ask() -> httpx.Response:
        await use_up(limited, "caller does nothing", 600)
        return await limited.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=bearer)

    refused(await whole_minute(limited, ask), 429)
    assert (await limited.http.get(CLIENTS, params={"owner": "does nothing"}, headers=limited.bearer)).json() == []


async def test_a_client_that_only_acts_as_the_operator_uses_up_nothing_of_the_operator_s(limited: Live):
    """Anybody may name the operator as their client's botUserId; it is only with a scope of this API that a sub is proof."""
    sub = jwt.decode(limited.token, options={"verify_signature": False})["sub"]
    namesake = {"Authorization": f"Bearer {await limited.access_token(*await limited.register(botUserId=sub))}"}

    async def ask() -> list[httpx.Response]:
        return [
            await limited.http.get(CLIENTS, headers=bearer)
            for bearer in (limited.bearer, *[namesake] * 5, limited.bearer)
        ]

    first, *others, last = await whole_minute(limited, ask)
    assert {refused(answer, 403)["status"] for answer in others} == {403}
    assert int(first.headers["ratelimit-remaining"]) - int(last.headers["ratelimit-remaining"]) == 1
    assert int(others[0].headers["ratelimit-remaining"]) - int(others[-1].headers["ratelimit-remaining"]) == 4


async def test_one_caller_s_limit_is_not_another_s(limited: Live):
    hasty, calm = [await limited.caller(sub, "clients:read") for sub in ("hasty", "calm")]

    async def ask() -> list[int]:
        await use_up(limited, "caller hasty", 600)
        return [(await limited.http.get(CLIENTS, headers=bearer)).status_code for bearer in (hasty, calm)]

    assert await whole_minute(limited, ask) == [429, 200]


async def test_strangers_are_counted_by_their_address(limited: Live):
    async def ask() -> list[int]:
        await use_up(limited, "address 127.0.0.1", 600)
        stranger = await limited.http.get(CLIENTS, headers={"Authorization": "Bearer x"})
        assert int(stranger.headers["retry-after"]) >= 1
        return [stranger.status_code, (await limited.http.get(CLIENTS, headers=limited.bearer)).status_code]

    assert await whole_minute(limited, ask) == [429, 200]


async def test_a_limit_is_one_for_all_services_on_a_database_and_exact_under_concurrency(postgres: str):
    database = await new_database(postgres)
    async with (
        serving(database, rate_limit=40) as one,
        serving(database, rate_limit=40, issuer=one.url, audience=one.url) as two,
    ):

        async def ask() -> tuple[list[int], list[int]]:
            # Each whole minute is another caller: nothing is left over from the one before.
            bearer = await one.caller(f"shared {time.time()}", "clients:read")
            answers = await asyncio.gather(
                *(here.http.get(CLIENTS, headers=bearer) for _ in range(30) for here in (one, two))
            )
            left = sorted(int(answer.headers["ratelimit-remaining"]) for answer in answers if answer.status_code == 200)
            return sorted(answer.status_code for answer in answers), left

        statuses, left = await whole_minute(one, ask)
        assert statuses == [200] * 40 + [429] * 20
        assert left == list(range(40))


async def test_no_limit_says_and_refuses_nothing(live: Live):
    for _ in range(3):
        answer = await live.http.get(CLIENTS, headers=live.bearer)
        assert answer.status_code == 200
        assert not set(HEADERS) & set(answer.headers)


# Failed client authentications


@pytest.fixture(scope="module")
async def strict(postgres: str) -> AsyncIterator[Live]:
    """A service that lets nobody fail more than three times a minute."""
    async with serving(await new_database(postgres), rate_limit=0, failed_auth_limit=3) as live:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "service.grants.client_authentication.MANY_CLIENTS", 1000
            )  # all of these tests come from one address
            yield live


async def test_one_address_may_not_fail_as_any_number_of_clients(postgres: str):
    async with serving(await new_database(postgres), rate_limit=0, failed_auth_limit=2) as live:

        async def ask() -> list[int]:
            clients = [f"oauth_client_{uuid4().hex}" for _ in range(2 * MANY_CLIENTS + 5)]
            return [(await live.token_for(client, "wrong")).status_code for client in clients]

        statuses = await whole_minute(live, ask)
        assert statuses == [401] * 2 * MANY_CLIENTS + [429] * 5
        assert await live.access_token(live.client_id, live.client_secret)
        assert len(await counted(live)) <= 2 * 2 * MANY_CLIENTS + 2


@pytest.mark.parametrize("path", ["/openid/token", "/openid/introspect", "/openid/revoke"])
async def test_failed_authentications_are_limited_and_a_right_secret_always_passes(strict: Live, path: str):
    more = {"grant_type": "client_credentials", "token": "x"}

    async def ask() -> tuple[list[httpx.Response], httpx.Response]:
        client_id, secret = await strict.register()
        wrong = [
            await strict.http.post(path, data={**more, "client_id": client_id, "client_secret": f"wrong {n}"})
            for n in range(5)
        ]
        return wrong, await strict.http.post(path, data={**more, "client_id": client_id, "client_secret": secret})

    wrong, right = await whole_minute(strict, ask)
    for answer in wrong[:3]:
        oauth_error(answer, 401, "invalid_client")
    for answer in wrong[3:]:
        oauth_error(answer, 429, "invalid_client")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert right.status_code == 200


async def test_a_success_is_never_counted(strict: Live):
    client = await strict.register()
    before = await counted(strict)
    for _ in range(5):
        assert (await strict.token_for(*client)).status_code == 200
        oauth_error(await strict.token_for(*client, scope="x"), 400, "invalid_scope")
    assert [row for row in await counted(strict) if row not in before] == []


async def test_one_client_s_failures_are_not_another_s(strict: Live):
    async def ask() -> list[int]:
        one, other = [(await strict.register())[0] for _ in range(2)]
        await asyncio.gather(*(strict.token_for(one, "wrong") for _ in range(5)))
        return [(await strict.token_for(client, "wrong")).status_code for client in (one, other)]

    assert await whole_minute(strict, ask) == [429, 401]


async def test_failures_of_clients_that_cannot_be_are_counted_together(strict: Live):
    """Or every guess would have a count, and a row in the database, of its own."""

    async def ask() -> list[int]:
        return [(await strict.token_for(f"nobody-{n}-{time.time()}", "wrong")).status_code for n in range(5)]

    assert (await whole_minute(strict, ask))[-1] == 429


@pytest.mark.parametrize(
    "client_id",
    ["a\0b", "\0", "é" * 100, "\U0001f916" * 100, "x" * 20_000, "a%00b", "%ED%A0%80"],
    ids=lambda c: ascii(c)[:20],
)
async def test_odd_client_ids_can_be_counted(strict: Live, client_id: str):
    basic = base64.b64encode(f"{client_id}:wrong".encode()).decode()
    answer = await strict.http.post(
        "/openid/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )
    oauth_error(answer, answer.status_code, "invalid_client")
    assert answer.status_code in (401, 429)


async def test_a_stranger_s_odd_client_id_fails_nobody_else_s_count(strict: Live):
    odd = {"Authorization": "Basic " + base64.b64encode(b"\0:x").decode()}
    client_id, _ = await strict.register()
    answers = await asyncio.gather(
        *(
            strict.http.post("/openid/token", data={"grant_type": "client_credentials"}, headers=odd)
            if n % 2
            else strict.token_for(client_id, "wrong")
            for n in range(20)
        )
    )
    assert {answer.status_code for answer in answers} <= {401, 429}
