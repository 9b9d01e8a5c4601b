"""/api/v1/auth/clients/{clientId}/secrets: rotation without an outage."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.flows.conftest import Live, oauth_error, refused

CLIENTS = "/api/v1/auth/clients"


async def add(live: Live, client_id: str, **body: Any) -> httpx.Response:
    return await live.http.post(f"{CLIENTS}/{client_id}/secrets", json=body, headers=live.bearer)


async def added_briefly(live: Live, client_id: str, number: int) -> tuple[list[httpx.Response], datetime]:
    """So many secrets that expire together, as soon as this machine can add them before they do; and when."""
    for seconds in (0.4, 1, 3, 9, 27):
        expiry = datetime.now(UTC) + timedelta(seconds=seconds)
        answers = [await add(live, client_id, expiresUtc=expiry.isoformat()) for _ in range(number)]
        if {answer.status_code for answer in answers} == {201}:
            return answers, expiry
        assert datetime.now(UTC) > expiry, answers[-1].text
    raise AssertionError("the machine is too busy")


async def listed(live: Live, client_id: str) -> list[dict[str, Any]]:
    answer = await live.http.get(f"{CLIENTS}/{client_id}/secrets", headers=live.bearer)
    assert answer.status_code == 200
    return answer.json()


async def test_a_secret_is_rotated_without_a_refused_token_request(live: Live):
    client_id, old = await live.register()
    first = (await listed(live, client_id))[0]
    refusals: list[httpx.Response] = []
    secrets, answers, done = [old], list[int](), asyncio.Event()

    async def keep_asking() -> None:
        while not done.is_set():
            answer = await live.token_for(client_id, secrets[-1])
            answers.append(answer.status_code)
            if answer.status_code != 200:
                refusals.append(answer)

    async def asked_again() -> None:
        """The answer after the next was asked for, from its beginning, with the secret of now."""
        enough = len(answers) + 2
        while len(answers) < enough:
            await asyncio.sleep(0)

    asking = asyncio.create_task(keep_asking())
    added = await add(live, client_id, name="rotation")
    secrets.append(added.json()["clientSecret"])
    assert (await live.token_for(client_id, old)).status_code == 200
    await asked_again()
    revoked = await live.http.delete(f"{CLIENTS}/{client_id}/secrets/{first['secretId']}", headers=live.bearer)
    assert (revoked.status_code, revoked.content) == (204, b"")
    oauth_error(await live.token_for(client_id, old), 401, "invalid_client")
    await asked_again()
    done.set()
    await asking
    assert refusals == []


async def test_one_request_rotates_a_secret_which_others_outlive_until_a_time(live: Live):
    client_id, old = await live.register()
    end = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    sooner = await add(live, client_id, expiresUtc=(end - timedelta(minutes=30)).isoformat())
    answer = await add(live, client_id, name="new", othersExpireUtc=end.isoformat())
    assert answer.status_code == 201
    ends = {each["secretId"]: each["expiresUtc"] for each in await listed(live, client_id)}
    assert ends[answer.json()["secretId"]] is None
    assert datetime.fromisoformat(ends[sooner.json()["secretId"]]) == end - timedelta(minutes=30)
    assert datetime.fromisoformat(next(iter(ends.values()))) == end
    for secret in (old, answer.json()["clientSecret"]):
        assert (await live.token_for(client_id, secret)).status_code == 200
    past = await add(live, client_id, othersExpireUtc="2020-01-01T00:00:00Z")
    assert refused(past, 400)["errors"] == {"othersExpireUtc": ["must be in the future"]}


async def test_an_added_secret_is_shown_once_with_its_place(live: Live):
    client_id, _ = await live.register()
    answer = await add(live, client_id, name="second", expiresUtc="2099-01-01T00:00:00+02:00")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"secretId", "clientSecret", "name", "hint", "expiresUtc"}
    assert answer.headers["location"] == f"{CLIENTS}/{client_id}/secrets/{body['secretId']}"
    assert body["hint"] == "…" + body["clientSecret"][-4:]
    assert datetime.fromisoformat(body["expiresUtc"]) == datetime(2098, 12, 31, 22, tzinfo=UTC)
    first, second = await listed(live, client_id)
    assert set(second) == {"secretId", "name", "hint", "createdUtc", "expiresUtc", "lastUsedUtc"}
    assert {name: second[name] for name in ("secretId", "name", "hint", "expiresUtc")} == {
        name: body[name] for name in ("secretId", "name", "hint", "expiresUtc")
    }
    assert (first["name"], first["expiresUtc"], first["lastUsedUtc"]) == ("first", None, None)


@pytest.mark.parametrize(
    "moment",
    [
        "2099-06-01T12:00:00Z",
        "2099-06-01T12:00:00.123456789Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-23:59",
        "2099-06-01t12:00:00+05:30",
    ],
)
async def test_a_secret_s_expiry_is_answered_in_utc_as_its_name_says(live: Live, moment: str):
    client_id, _ = await live.register()
    answer = await add(live, client_id, expiresUtc=moment)
    if answer.status_code == 400:
        assert moment == "9999-12-31T23:59:59-23:59"  # a moment that has no date in UTC
        return
    assert answer.json()["expiresUtc"].endswith("Z")
    assert (await listed(live, client_id))[1]["expiresUtc"] == answer.json()["expiresUtc"]
    assert (await live.token_for(client_id, answer.json()["clientSecret"])).status_code == 200


async def test_a_secret_stops_working_when_it_expires_and_the_other_goes_on(live: Live):
    client_id, forever = await live.register()
    (added,), expiry = await added_briefly(live, client_id, 1)
    brief = added.json()["clientSecret"]
    begun = datetime.now(UTC)
    while (answer := await live.token_for(client_id, brief)).status_code == 200:
        assert begun < expiry
        begun = datetime.now(UTC)
    assert datetime.now(UTC) >= expiry
    oauth_error(answer, 401, "invalid_client")
    assert (await live.token_for(client_id, forever)).status_code == 200


async def test_a_client_has_five_live_secrets_at_most(live: Live):
    client_id, _ = await live.register()
    for _ in range(4):
        assert (await add(live, client_id)).status_code == 201
    assert "5" in refused(await add(live, client_id), 409)["detail"]
    one = (await listed(live, client_id))[2]
    await live.http.delete(f"{CLIENTS}/{client_id}/secrets/{one['secretId']}", headers=live.bearer)
    assert (await add(live, client_id)).status_code == 201


async def test_of_ten_added_at_once_four_are(live: Live):
    client_id, _ = await live.register()
    answers = await asyncio.gather(*(add(live, client_id) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 6
    assert len(await listed(live, client_id)) == 5


async def test_an_expired_secret_does_not_count_among_the_five(live: Live):
    client_id, _ = await live.register()
    _, expiry = await added_briefly(live, client_id, 4)
    await asyncio.sleep((expiry - datetime.now(UTC)).total_seconds())
    assert (await add(live, client_id)).status_code == 201


async def test_a_secret_has_a_name_even_when_none_is_given(live: Live):
    client_id, _ = await live.register()
    for body in ({}, {"name": None}, {"name": ""}):
        assert (await add(live, client_id, **body)).json()["name"].startswith("added 20")


async def test_revoking_takes_a_secret_of_this_very_client(live: Live):
    (one, one_secret), (other, _) = await live.register(), await live.register()
    foreign = (await listed(live, other))[0]["secretId"]
    mine = (await listed(live, one))[0]["secretId"]
    for secret_id in (foreign, str(uuid4()), "x", "0", mine[:-1]):
        refused(await live.http.delete(f"{CLIENTS}/{one}/secrets/{secret_id}", headers=live.bearer), 404)
    assert (await live.token_for(one, one_secret)).status_code == 200
    assert (await live.http.delete(f"{CLIENTS}/{one}/secrets/{UUID(mine)}", headers=live.bearer)).status_code == 204
    refused(await live.http.delete(f"{CLIENTS}/{one}/secrets/{mine}", headers=live.bearer), 404)
    assert await listed(live, one) == []
    oauth_error(await live.token_for(one, one_secret), 401, "invalid_client")


async def test_an_interactive_client_has_secrets_too(live: Live):
    client_id, _ = await live.interactive()
    assert (await add(live, client_id, name="second")).status_code == 201
    assert [one["name"] for one in await listed(live, client_id)] == ["first", "second"]


async def test_all_faults_of_a_new_secret_are_named_at_once(live: Live):
    client_id, _ = await live.register()
    answer = await add(live, client_id, name=7, expiresUtc="2020-01-01T00:00:00Z", secret="mine")
    assert set(refused(answer, 400)["errors"]) == {"name", "expiresUtc", "secret"}
