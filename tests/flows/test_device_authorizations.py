"""/api/v1/auth/device-authorizations, its command and its page: which devices asked, and who answered."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.grants import device_authorization
from tests.flows.conftest import Live, refused
from tests.flows.people import registered
from tests.flows.test_devices import Client, asking, decided

PATH = "/api/v1/auth/device-authorizations"


@pytest.fixture(scope="module")
async def client(live: Live) -> Client:
    body = {"m2m": False, "public": True, "deviceGrant": True, "displayName": "Television"}
    made = await live.http.post("/api/v1/auth/clients", json=body, headers=live.bearer)
    return made.json()["clientId"], None


async def listed(live: Live, **query: str) -> list[dict[str, Any]]:
    found = await live.http.get(PATH, params=query, headers=live.bearer)
    assert found.status_code == 200, found.text
    return found.json()


async def test_each_device_that_asked_is_listed_with_who_answered_and_without_its_codes(live: Live, client: Client):
    codes = [await asking(live, client) for _ in range(3)]
    user, email = await registered(live)
    await decided(live, codes[0]["user_code"], "allow", email)
    await decided(live, codes[1]["user_code"], "deny", email)
    found = await listed(live, clientId=client[0])
    assert [each["state"] for each in found] == ["waiting", "denied", "approved"]
    assert [each["userId"] for each in found] == [None, str(user), str(user)]
    assert [each["grantId"] is not None for each in found] == [False, False, True]
    text = (await live.http.get(PATH, headers=live.bearer)).text
    assert not any(code[name] in text for code in codes for name in ("user_code", "device_code"))
    assert await listed(live, userId=str(user), state="denied") == [found[1]]
    first = await live.http.get(PATH, params={"clientId": client[0], "limit": "2"}, headers=live.bearer)
    following = urlsplit(first.links["next"]["url"])
    rest = await live.http.get(f"{following.path}?{following.query}", headers=live.bearer)
    assert [*first.json(), *rest.json()] == found


async def test_a_device_whose_code_is_over_is_expired(live: Live, client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_authorization, "LIFETIME", timedelta(0))
    await asking(live, client)
    assert (await listed(live, clientId=client[0], state="expired"))[0]["answeredUtc"] is None


async def test_a_filter_that_is_none_is_refused_by_name(live: Live):
    fault = refused(await live.http.get(PATH, params={"state": "lost", "userId": "x"}, headers=live.bearer), 400)
    assert set(fault["errors"]) == {"state", "userId"}
