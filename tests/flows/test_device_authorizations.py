"""/api/v1/auth/device-authorizations, its command and its page: which devices asked, and who answered."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from service.grants import device_authorization
from tests.flows.browsing import Shown
from tests.flows.conftest import Live, refused
from tests.flows.consoles import staff
from tests.flows.people import registered
from tests.flows.test_cli import on
from tests.flows.test_devices import TELEVISION, Client, asking, decided

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


async def test_one_is_read_with_its_history_and_neither_names_a_code_or_what_asked(live: Live, client: Client):
    code = await asking(live, client)
    user, email = await registered(live)
    await decided(live, code["user_code"], "allow", email)
    device = (await listed(live, clientId=client[0], userId=str(user)))[0]
    one = await live.http.get(f"{PATH}/{device['id']}", headers=live.bearer)
    assert (one.json(), one.headers["ETag"]) == (device, '"2"')
    history = await live.http.get(f"{PATH}/{device['id']}/history", params={"order": "oldest"}, headers=live.bearer)
    asked, approved = history.json()
    assert [asked["type"], approved["type"]] == ["device_authorization.requested", "device_authorization.approved"]
    assert asked["changes"]["clientId"] == {"after": client[0]}
    assert approved["changes"]["state"] == {"before": "waiting", "after": "approved"}
    assert approved["changes"]["userId"] == {"before": None, "after": str(user)}
    assert not any(code[name] in history.text for name in ("user_code", "device_code"))
    assert TELEVISION not in history.text
    told = await on(live.database, "devices", "show", device["id"], "--json")
    assert told.json == device
    assert "approved" in (await on(live.database, "devices", "show", device["id"])).out
    assert "waiting" in (await on(live.database, "devices", "history", device["id"], "--diff")).out


@pytest.mark.parametrize("path", ["", "/history"])
async def test_of_what_is_no_device_authorization_there_is_nothing(live: Live, path: str):
    for other in ("x", str(UUID(int=0))):
        refused(await live.http.get(f"{PATH}/{other}{path}", headers=live.bearer), 404)


async def test_a_device_whose_code_is_over_is_expired(live: Live, client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device_authorization, "LIFETIME", timedelta(0))
    await asking(live, client)
    assert (await listed(live, clientId=client[0], state="expired"))[0]["answeredUtc"] is None


async def test_a_filter_that_is_none_is_refused_by_name(live: Live):
    fault = refused(await live.http.get(PATH, params={"state": "lost", "userId": "x"}, headers=live.bearer), 400)
    assert set(fault["errors"]) == {"state", "userId"}


async def test_the_command_and_the_page_list_them_too(live: Live, client: Client):
    code = await asking(live, client)
    user, email = await registered(live)
    await decided(live, code["user_code"], "allow", email)
    ours = ("devices", "list", "--client", client[0], "--user", str(user))
    told = await on(live.database, *ours, "--json")
    assert told.json == await listed(live, clientId=client[0], userId=str(user))
    assert "approved" in (await on(live.database, *ours)).out
    assert "is not the id of a user" in (await on(live.database, "devices", "list", "--user", "ada")).err
    async with staff(live, "auditor") as auditor:
        page = await auditor.look("/device-authorizations")
        assert ("Television" in page.text, code["user_code"] in page.text) == (True, False)
        found = await auditor.led(await auditor.send(page, "clientId", clientId=client[0], userId=email))
        assert (found.status_code, "Approved" in found.text, str(user) in found.text) == (200, True, True)
        wrong = Shown(await auditor.send(page, "clientId", clientId="no such client", userId=email))
        assert not any("%40" in link for link in wrong.links)
        assert (wrong.status, wrong.form("clientId").fields["clientId"]) == (400, "no such client")
        assert f"/device-authorizations?clientId={client[0]}" in str(
            (await auditor.look(f"/clients/{client[0]}")).links
        )
    async with staff(live, "owner") as owner:
        assert (await owner.look("/device-authorizations")).status == 403
