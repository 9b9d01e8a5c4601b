"""…/history: each change of a client, bot or user, with its fields before and after it, who caused it, and why."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from events.envelope import ByService, Meta
from service.commands.handle import USER, handle
from service.commands.user import EraseUser
from tests.flows.conftest import Live, refused
from tests.flows.test_cli import on

CLIENTS, BOTS, USERS = (f"/api/v1/auth/{nouns}" for nouns in ("clients", "bots", "users"))
ALL = ("clients:read", "clients:write", "bots:read", "bots:write", "api:public")
ENTRY = {
    *("position", "version", "recordedAt", "type", "actor", "requestId", "cause", "address", "reason", "changes"),
}


async def sent(live: Live, method: str, path: str, bearer: dict[str, str], body: Any = None, **more: str) -> Any:
    answer = await live.http.request(method, path, json=body, headers={**bearer, **more})
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def history(live: Live, path: str, bearer: dict[str, str], **query: Any) -> list[Any]:
    answer = await live.http.get(f"{path}/history", params=query, headers=bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_each_change_of_a_client_has_its_fields_before_and_after_and_who_made_it_and_why(live: Live):
    alice, bob = [await live.caller(f"{name}-of-history", *ALL) for name in ("alice", "bob")]
    auditor = await live.caller("auditor-of-history", "audit:read", "clients:read")
    made = await sent(live, "POST", CLIENTS, alice, {"m2m": True, "botUserId": "b", "displayName": "Before"})
    path = f"{CLIENTS}/{made['clientId']}"
    why = {"If-Match": "*", "Muniment-Reason": "ticket 4711"}
    await sent(live, "PATCH", path, alice, {"displayName": "After", "scopes": []}, **why)
    await sent(live, "POST", f"{path}/disable", live.bearer)
    before = await history(live, path, alice)
    await sent(live, "DELETE", path, alice)
    assert (await live.http.get(path, headers=alice)).status_code == 404
    after = await history(live, path, alice)
    assert after[1:] == before
    assert {entry["address"] for entry in after} == {None}, "the owner does not see where an operator was"
    seen = await history(live, path, auditor)
    assert seen == await history(live, path, live.bearer)
    assert after == [{**entry, "address": None} for entry in seen]
    assert {entry["address"] for entry in seen} == {"127.0.0.1"}
    deleted, disabled, narrowed, renamed, registered = after
    assert all(entry.keys() == ENTRY for entry in after)
    assert [entry["version"] for entry in after] == [5, 4, 3, 2, 1]
    assert registered["changes"]["displayName"] == {"after": "Before"}
    assert [secret["hint"] for secret in registered["changes"]["secrets"]["after"]] == [f"…{made['clientSecret'][-4:]}"]
    assert renamed["changes"] == {"displayName": {"before": "Before", "after": "After"}}
    assert narrowed["changes"] == {"scopes": {"before": ["api:public"], "after": []}}
    assert (renamed["reason"], narrowed["reason"], disabled["reason"]) == ("ticket 4711", "ticket 4711", None)
    assert disabled["changes"] == {
        "state": {"before": "active", "after": "disabled"},
        "disabledBy": {"after": "operator"},
    }
    assert deleted["changes"]["displayName"] == {"before": "After"}
    assert (renamed["type"], renamed["actor"]["by"]) == ("client.display_name_changed", "client")
    assert (renamed["actor"]["sub"], disabled["actor"]["clientId"]) == ("alice-of-history", live.client_id)
    assert UUID(renamed["requestId"]).version == 7
    mine, none = [
        refused(await live.http.get(f"{there}/history", headers=bob), 404)["detail"]
        for there in (path, f"{CLIENTS}/oauth_client_{uuid4().hex}")
    ]
    assert mine == none


async def test_pages_are_linked_in_both_directions_and_orders(live: Live):
    client_id, _ = await live.register()
    path = f"{CLIENTS}/{client_id}"
    for how in ("disable", "enable") * 3:
        await sent(live, "POST", f"{path}/{how}", live.bearer)
    for order, versions in (("newest", [7, 6, 5, 4, 3, 2, 1]), ("oldest", [1, 2, 3, 4, 5, 6, 7])):
        page = await live.http.get(f"{path}/history?order={order}&limit=3", headers=live.bearer)
        assert "prev" not in page.links
        found = page.json()
        while "next" in page.links:
            earlier, page = page, await live.http.get(page.links["next"]["url"], headers=live.bearer)
            back = await live.http.get(page.links["prev"]["url"], headers=live.bearer)
            assert back.json() == earlier.json()
            found += page.json()
        assert [entry["version"] for entry in found] == versions


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("order=random&limit=0&cursor=after-x&page=2", {"order", "limit", "cursor", "page"}),
        ("cursor=before-1234567890", {"cursor"}),
        ("limit=1001", {"limit"}),
        ("cursor=after-1&cursor=after-2", {"cursor"}),
    ],
)
async def test_a_query_that_is_wrong_is_refused_with_every_fault_named(live: Live, query: str, faults: set[str]):
    answer = await live.http.get(f"{CLIENTS}/{live.client_id}/history?{query}", headers=live.bearer)
    assert refused(answer, 400)["errors"].keys() == faults


async def test_a_page_beyond_the_ends_is_empty(live: Live):
    client_id, _ = await live.register()
    for cursor in ("after-1", "after-999999999", "before-1", "before-0"):
        assert await history(live, f"{CLIENTS}/{client_id}", live.bearer, cursor=cursor) == []


async def test_a_deleted_bot_keeps_its_history_and_its_client_names_the_cause_of_its_own_deletion(live: Live):
    alice, bob = [await live.caller(f"{name}-of-bots", *ALL) for name in ("alice", "bob")]
    bot = (await sent(live, "POST", BOTS, alice, {"email": "history@example.com", "firstName": "Cee"}))["id"]
    client = (await sent(live, "POST", CLIENTS, alice, {"m2m": True, "botUserId": bot}))["clientId"]
    await sent(live, "DELETE", f"{BOTS}/{bot}", alice)
    deleted, registered = await history(live, f"{BOTS}/{bot}", alice)
    assert registered["changes"]["firstName"] == {"after": "Cee"}
    assert deleted["changes"]["state"] == {"before": "active", "after": "deleted"}
    assert (await history(live, f"{CLIENTS}/{client}", alice))[0]["cause"] == deleted["position"]
    assert (await live.http.get(f"{BOTS}/{bot}/history", headers=bob)).status_code == 404


async def test_the_history_of_an_erased_user_says_what_happened_and_nothing_of_who(live: Live):
    body = {"email": "history-ada@example.com", "name": "Ada Of History", "password": "an analytical engine"}
    user = (await sent(live, "POST", USERS, live.bearer, body))["id"]
    path, why = f"{USERS}/{user}", {"Muniment-Reason": "married"}
    await sent(live, "PATCH", path, live.bearer, {"name": "Ada King"}, **why, **{"If-Match": "*"})
    await sent(live, "POST", f"{path}/disable", live.bearer)
    disabled, changed, registered = await history(live, path, live.bearer)
    assert registered["changes"]["email"] == {"after": "history-ada@example.com"}
    assert changed["changes"]["name"] == {"before": "Ada Of History", "after": "Ada King"}
    assert changed["reason"] == "married"
    assert disabled["changes"] == {"state": {"before": "active", "after": "disabled"}}
    diff = await on(live.database, "users", "history", user, "--diff")
    assert re.search('  name +"Ada Of History" → "Ada King"', diff.out)
    assert re.search("  reason +married", diff.out)
    await sent(live, "DELETE", path, live.bearer)
    answer: httpx.Response = await live.http.get(f"{path}/history", headers=live.bearer)
    assert [entry["type"].split(".")[1] for entry in answer.json()] == [
        "erased",
        "disabled",
        "profile_changed",
        "registered",
    ]
    told = await on(live.database, "users", "history", user, "--diff", "--json")
    for name in ("Ada", "history-ada", "married"):
        assert name not in answer.text + told.out
    assert told.lines[-1]["changes"]["state"] == {"before": "disabled", "after": "erased"}


async def test_between_the_erasure_of_a_user_and_the_end_of_their_data_key_their_history_says_nothing_of_who_either(
    live: Live,
):
    body = {"email": "history-eve@example.com", "name": "Eve Of History"}
    user = (await sent(live, "POST", USERS, live.bearer, body, **{"Muniment-Reason": "a newcomer"}))["id"]
    meta = Meta(actor=ByService(why="a process that is killed in between"), request_id=str(uuid4()))
    ledger = live.application.resources.ledger
    await handle(ledger, USER, UUID(user), EraseUser(at=datetime.now(UTC)), meta)
    answer: httpx.Response = await live.http.get(f"{USERS}/{user}/history", headers=live.bearer)
    told = await on(live.database, "users", "history", user, "--diff", "--json")
    for name in ("Eve", "history-eve", "newcomer"):
        assert name not in answer.text + told.out
    assert [entry["type"] for entry in answer.json()] == ["user.erased", "user.registered"]


async def test_what_is_no_client_bot_or_user_has_no_history(live: Live):
    user = (await sent(live, "POST", USERS, live.bearer, {"email": "history-none@example.com"}))["id"]
    of_user = UUID(user).hex
    for path in (
        f"{CLIENTS}/oauth_client_{of_user}", f"{BOTS}/bot_{of_user}", f"{BOTS}/bot-abc123", f"{USERS}/{uuid4()}", f"{USERS}/x",
    ):  # fmt: skip
        refused(await live.http.get(f"{path}/history", headers=live.bearer), 404)


async def test_differences_are_told_at_the_command_line(live: Live):
    client_id, _ = await live.register(displayName="Before")
    path, why = f"{CLIENTS}/{client_id}", {"If-Match": "*", "Muniment-Reason": "ticket%204711"}
    await sent(live, "PATCH", path, live.bearer, {"displayName": "After"}, **why)
    told = await on(live.database, "clients", "history", client_id, "--diff")
    assert '  displayName  "Before" → "After"\n' in told.out
    assert "  reason       ticket 4711\n" in told.out
    script = await on(live.database, "clients", "history", client_id, "--diff", "--json")
    assert script.lines[-1]["changes"] == {"displayName": {"before": "Before", "after": "After"}}
    assert "changes" not in (await on(live.database, "clients", "history", client_id, "--json")).lines[-1]
