"""Lists of clients, bots and users that are asked for by their ids; and what pages of the console make of names."""

from uuid import uuid4

import pytest

from service.endpoints.several import MOST_IDS
from tests.flows.conftest import Live, refused
from tests.flows.consoles import staff
from tests.flows.people import registered
from tests.flows.test_blast_radius import jti_of
from tests.flows.test_bots import bot_of
from tests.flows.test_console_evidence import reached, renamed
from tests.patience import until

PLACE = "/api/v1/auth"


async def ids(live: Live, of: str, asked: list[str], headers: dict[str, str], **more: str) -> list[str]:
    answer = await live.http.get(f"{PLACE}/{of}", params={"ids": " ".join(asked), **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [each.get("clientId") or each["id"] for each in answer.json()]


async def test_a_list_has_only_those_that_are_asked_for_by_their_ids(live: Live):
    first, second, third = [(await live.register())[0] for _ in range(3)]
    assert await ids(live, "clients", [third, first, "nobody", "oauth_client_x", str(uuid4())], live.bearer) == [
        first,
        third,
    ]
    assert await ids(live, "clients", [second], live.bearer, order="name") == [second]
    assert await ids(live, "clients", [], live.bearer) == []
    bot, other = await bot_of(live, f"{uuid4()}@example.com"), await bot_of(live, f"{uuid4()}@example.com")
    assert await ids(live, "bots", [bot, "bot-1"], live.bearer) == [bot]
    assert await ids(live, "bots", [bot, other], live.bearer, limit="1") == [bot]
    user, email = await registered(live)
    assert await ids(live, "users", [str(user), str(uuid4()), "x"], live.bearer) == [str(user)]
    assert await ids(live, "users", [str(uuid4())], live.bearer, email=email) == []
    assert await ids(live, "users", [str(user)], live.bearer, state="disabled") == []


async def test_an_imported_client_is_asked_for_by_its_id_and_by_the_one_that_events_have(live: Live):
    client, _ = await live.register(clientId=f"old-{uuid4().hex}", clientSecret="x" * 40)
    event = (await live.http.get(f"{PLACE}/clients/{client}/history", headers=live.bearer)).json()[0]
    await until(lambda: reached(live, event["position"]))
    registered = {"client": client, "type": "client.registered"}
    found = await live.http.get("/api/v1/audit/events", params=registered, headers=live.bearer)
    (recorded,) = [each["subject"] for each in found.json()]
    assert recorded not in (client, "")
    assert await ids(live, "clients", [recorded], live.bearer) == [client]
    assert await ids(live, "clients", [client, recorded], live.bearer) == [client]


async def test_nobody_finds_by_its_id_what_is_another_owners(live: Live):
    client, _ = await live.register()
    bot = await bot_of(live, f"{uuid4()}@example.com")
    owner = await live.caller("somebody-else", "clients:read", "bots:read")
    assert await ids(live, "clients", [client], owner) == []
    assert await ids(live, "bots", [bot], owner) == []


@pytest.mark.parametrize("of", ["clients", "bots", "users"])
async def test_too_many_ids_and_ids_of_the_past_are_refused(live: Live, of: str):
    for query in ({"ids": " ".join(["x"] * (MOST_IDS + 1))}, {"ids": "x", "as_of": "position:1"}):
        answer = await live.http.get(f"{PLACE}/{of}", params=query, headers=live.bearer)
        assert "ids" in refused(answer, 400)["errors"]


async def test_a_page_of_events_says_every_client_and_its_token_by_name(live: Live):
    made = [(await live.register(displayName=f"Number {number}."))[0] for number in range(30)]
    for client in made:
        await renamed(live, client, f"Named {made.index(client)}.", "why")
    newest = (await live.http.get(f"{PLACE}/clients/{made[-1]}/history", headers=live.bearer)).json()[0]["position"]
    async with staff(live, "auditor") as somebody:
        await until(lambda: reached(live, newest))
        page = await somebody.look(f"/audit?type=client.display_name_changed&since=position:{newest - 29}")
        assert [number for number in range(30) if f"Named {number}." not in page.text] == []
    client, secret = await live.register(displayName="Gets tokens")
    await live.access_token(client, secret)
    async with staff(live, "auditor") as somebody:
        assert "Gets tokens" in (await somebody.look(f"/tokens?client={client}")).text


async def test_a_deleted_client_keeps_its_name_on_the_pages_about_its_past(live: Live):
    client, _ = await live.register(displayName="Gone but known")
    await live.http.delete(f"{PLACE}/clients/{client}", headers=live.bearer)
    async with staff(live, "operator") as somebody:
        for path in ("", "/history", "/tokens", "/blast-radius"):
            page = await somebody.look(f"/clients/{client}{path}")
            assert ("Gone but known" in page.text, "Deleted client" in page.text) == (True, True), path


async def test_a_token_says_the_registration_of_its_client_once_however_many_scopes_it_gave(live: Live):
    client, secret = await live.register(displayName="Once", scopes=["api:public", "crm:read", "crm:write"])
    jti = jti_of(await live.access_token(client, secret, scope="api:public crm:read crm:write"))
    async with staff(live, "auditor") as somebody:
        page = await somebody.look(f"/tokens/{jti}")
        assert page.text.count("Client registered") == 1
        assert "with the registration of the client" in page.text


async def test_the_overview_leads_to_the_events_that_it_counted(live: Live):
    async with staff(live, "operator") as somebody:
        page = await somebody.look("")
        found = [link for link in page.links if "/console/audit?type=client" in link]
        assert found
        assert (await somebody.browser.http.get(found[0])).status_code == 200


async def test_a_new_machine_client_is_proposed_the_bots_that_the_person_may_see(live: Live):
    bot = await bot_of(live, f"{uuid4()}@example.com")
    async with staff(live, "operator") as operator, staff(live, "owner") as owner:
        path = "/console/new/client?kind=machine"
        assert f'value="{bot}"' in (await operator.browser.http.get(path)).text
        assert f'value="{bot}"' not in (await owner.browser.http.get(path)).text
