"""The pages of bots in the console: created, stopped, deleted with their clients, restored; and whose they are."""

import re
from typing import Any

import httpx

from tests.flows.browsing import Shown
from tests.flows.conftest import Live
from tests.flows.consoles import Staff, staff

BOTS = "/api/v1/auth/bots"


async def created(somebody: Staff, **fields: str) -> httpx.Response:
    return await somebody.send(await somebody.look("/new/bot"), "email", **{"reason": "the first one", **fields})


async def new_bot(somebody: Staff, email: str) -> str:
    made = await created(somebody, email=email, firstName="CRM", lastName="Bot")
    found = re.fullmatch(r"/console/bots/(bot_[0-9a-f]{32})", made.headers["location"])
    assert found
    return found[1]


async def listed(somebody: Staff) -> str:
    """All pages of the list. Other tests may have made more bots than one page has."""
    page = await somebody.look("/bots")
    text = page.text
    while further := [link for link in page.links if "cursor=" in link]:
        page = await somebody.look(f"/bots?{further[0].partition('?')[2]}")
        text += page.text
    return text


async def read(live: Live, bot: str) -> dict[str, Any]:
    return (await live.http.get(f"{BOTS}/{bot}", headers=live.bearer)).json()


async def test_a_bot_is_created_once_however_often_the_form_is_sent_and_its_faults_stand_at_the_fields(live: Live):
    async with staff(live, "operator") as somebody:
        wrong = Shown(await created(somebody, email="crm", firstName="x\u202ey"))
        assert (
            wrong.status,
            "It must be an email address, such as crm-bot@example.com." in wrong.text,
            "U+202E" in wrong.text,
        ) == (400, True, True)
        assert wrong.form("email").fields["email"] == "crm"
        assert (await created(somebody, email="a@example.com", reason=" ")).status_code == 400
        page = await somebody.look("/new/bot")
        once, twice = [
            await somebody.send(page, "email", email="console-bot@example.com", reason="CRM-7") for _ in range(2)
        ]
        assert (once.status_code, once.headers["location"]) == (303, twice.headers["location"])
        assert "console-bot@example.com" in await listed(somebody)


async def test_a_bot_is_stopped_and_deleted_with_its_clients_and_restored(live: Live):
    async with staff(live, "operator") as somebody:
        bot = await new_bot(somebody, "whole-life@example.com")
        client, _ = await live.register(botUserId=bot, displayName="Nightly export")
        at = f"/bots/{bot}"
        assert "Nightly export" in (await somebody.look(at)).text
        assert (await somebody.send(await somebody.look(at), "disable")).status_code == 400
        for do, state in (("disable", "disabled"), ("enable", "active")):
            assert (await somebody.send(await somebody.look(at), do, reason="x")).status_code == 303
            assert (await read(live, bot))["state"] == state
        await somebody.send(await somebody.look(at), "delete", reason="cleaning up")
        assert (await live.http.get(f"/api/v1/auth/clients/{client}", headers=live.bearer)).status_code == 404
        gone = await somebody.look(at)
        assert ("Deleted bot" in gone.text, "cleaning up" in gone.text) == (True, True)
        await somebody.send(gone, "restore", reason="a mistake")
        back = await somebody.look(f"{at}/history")
        assert (back.status, "Bot restored" in back.text, "a mistake" in back.text) == (200, True, True)
        assert (await somebody.look("/bots/bot_" + 32 * "0")).status == 404


async def test_an_owner_reaches_only_their_own_bots_and_an_auditor_changes_none(live: Live):
    async with staff(live, "owner") as mine, staff(live, "owner") as other, staff(live, "auditor") as auditor:
        bot = await new_bot(mine, "owned@example.com")
        assert "owned@example.com" in (await mine.look("/bots")).text
        assert "owned@example.com" not in (await other.look("/bots")).text
        for tab in ("", "/history"):
            assert (await other.look(f"/bots/{bot}{tab}")).status == 404
        forged = {**(await mine.look(f"/bots/{bot}")).forms[0].fields, "do": "delete", "reason": "x"}
        forged["csrf"] = (await other.look("/bots")).forms[0].fields["csrf"]
        assert (await other.browser.http.post(f"/console/bots/{bot}", data=forged)).status_code == 404
        page = await auditor.look(f"/bots/{bot}")
        assert (page.status, [form for form in page.forms if "do" in form.fields]) == (200, [])
        forged["csrf"] = page.forms[0].fields["csrf"]
        assert (await auditor.browser.http.post(f"/console/bots/{bot}", data=forged)).status_code == 403
        assert (await auditor.look("/new/bot")).status == 403
        assert (await read(live, bot))["state"] == "active"
