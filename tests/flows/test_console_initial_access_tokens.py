"""The page of initial access tokens: how often each was used, and a new token once."""

import re
from typing import Any
from uuid import UUID

from tests.flows.browsing import Shown
from tests.flows.conftest import Live
from tests.flows.consoles import staff


async def test_the_page_lists_them_with_their_uses_and_without_the_token(live: Live):
    body = {"name": "support agents", "uses": 25, "scopes": ["api:public"]}
    made = await live.http.post("/api/v1/auth/initial-access-tokens", json=body, headers=live.bearer)
    assert made.status_code == 201, made.text
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/initial-access-tokens")
    assert all(text in page.text for text in ("support agents", "0 of 25", "api:public", "never"))
    assert made.json()["token"] not in page.text


async def test_a_new_token_is_shown_once_and_can_be_revoked_there(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/initial-access-tokens")
        asked = {"name": "For Ada", "uses": "3", "scopes": "crm:read", "machineClients": "true", "reason": "agents"}
        created = await somebody.send(page, "create", **asked)
        shown = Shown(await somebody.led(created))
        (token,) = set(re.findall(r"initial_[A-Za-z0-9_-]{20,}", shown.text))
        again = await somebody.send(page, "create", **asked)
        second = (await somebody.led(again)).text
        assert (token in second, "The token was shown before" in second) == (False, True)
        (row,) = [each for each in await _tokens(live) if each["name"] == "For Ada"]
        assert (row["uses"], row["scopes"], row["machineClients"]) == (3, ["crm:read"], True)
        await somebody.send(await somebody.look("/initial-access-tokens"), f"revoke-{row['id']}", reason="lost")
    assert [each["state"] for each in await _tokens(live) if each["id"] == row["id"]] == ["revoked"]


async def test_the_form_says_what_is_wrong_with_a_field(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/initial-access-tokens")
        refused = await somebody.send(page, "create", name="x", uses="many", reason="y")
    assert refused.status_code == 400
    assert "How many clients it registers" in refused.text
    assert 'id="create-uses-fault"' in refused.text


async def test_a_token_has_its_history_and_a_form_keeps_the_page_of_the_list(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("/initial-access-tokens")
        await somebody.send(page, "create", name="With a past", uses="3", scopes="crm:read", reason="for agents")
        (row,) = [each for each in await _tokens(live) if each["name"] == "With a past"]
        cursor = UUID(int=UUID(row["id"]).int - 1).hex
        page = await somebody.look(f"/initial-access-tokens?cursor={cursor}")
        refused = await somebody.send(page, f"revoke-{row['id']}")
        assert (refused.status_code, refused.url.query) == (400, f"cursor={cursor}".encode())
        done = await somebody.send(page, f"revoke-{row['id']}", reason="it was lost")
        assert done.headers["location"].endswith(f"?cursor={cursor}")
        history = (await somebody.look(f"/initial-access-tokens/{row['id']}")).text
        for said in ("Initial access token issued", "for agents", "Initial access token revoked", "it was lost"):
            assert said in history


async def _tokens(live: Live) -> list[dict[str, Any]]:
    return (await live.http.get("/api/v1/auth/initial-access-tokens", headers=live.bearer)).json()
