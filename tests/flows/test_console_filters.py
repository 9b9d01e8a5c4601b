"""Filters of the console take what its rows show, and no address of a page has it: they lead to the list with the ids."""

from urllib.parse import quote

import pytest

from service.crypto.credentials import new_id, new_secret
from tests.flows.browsing import Shown
from tests.flows.conftest import Live
from tests.flows.consoles import Staff, staff
from tests.flows.test_console_evidence import reached
from tests.flows.test_management_tokens import CLIENTS
from tests.patience import until

NO_USER = "No user has this email address. It must be complete: addresses are encrypted."
NOBODYS = [
    *(("/audit", "actor", "nobody@example.com", NO_USER), ("/audit", "user", "nobody@example.com", NO_USER)),
    *(("/clients", "owner", "nobody@example.com", NO_USER), ("/clients", "q", "nobody@example.com", NO_USER)),
    *(("/tokens", "user", "nobody@example.com", NO_USER), ("/tokens", "subject", "nobody@example.com", NO_USER)),
    ("/audit", "actor", "Nobody at all", "Nobody with this name did anything that was recorded."),
    ("/audit", "user", "Olivia", "No user has this ID."),
    ("/audit", "client", "No such name", "No client has this ID or name."),
    ("/audit", "bot", "No such bot", "No bot has this ID or name."),
    ("/audit", "bot", "nobody@example.com", "No bot has this ID or name."),
    ("/audit", "request", "olivia@example.com", "There are no email addresses here."),
    ("/clients", "owner", "Nobody", "Nobody with this ID owns a client."),
    ("/clients", "botUserId", "Nobody", "No bot has this ID or name."),
    ("/clients", "botUserId", "nobody@example.com", "No bot has this ID or name."),
    ("/tokens", "subject", "Nobody", "No token has this subject."),
]


async def sought(somebody: Staff, path: str, name: str, text: str) -> str:
    """Where the form of filters leads."""
    answer = await somebody.send(await somebody.look(path), name, **{name: text})
    assert answer.status_code == 303, (path, name, Shown(answer).text)
    return answer.headers["location"]


async def test_a_user_is_named_by_the_address_a_client_by_its_name_and_the_url_has_their_ids(live: Live):
    name = f"Client {new_id()}"
    client, secret = await live.register(displayName=name)
    await live.access_token(client, secret)
    async with staff(live, "operator") as somebody:
        me = str(somebody.user)
        made = await somebody.look("/audit")
        assert made.status == 200
        for path, field in (
            *(("/clients", "owner"), ("/audit", "actor"), ("/audit", "user"), ("/tokens", "user")),
            ("/tokens", "subject"),
        ):
            assert await sought(somebody, path, field, f" {somebody.email} ") == f"/console{path}?{field}={me}"
            typed = await somebody.browser.http.get(f"/console{path}?{field}={quote(somebody.email)}")
            assert (typed.status_code, typed.headers["location"]) == (303, f"/console{path}?{field}={me}")
        assert await sought(somebody, "/clients", "q", somebody.email) == f"/console/clients?owner={me}"
        for path in ("/audit", "/tokens"):
            found = await sought(somebody, path, "client", name.upper())
            assert found == f"/console{path}?client={client}"
        page = Shown(await somebody.browser.http.get(f"/console/audit?client={client}"))
        assert name in page.text
        position = await live.last_change()
        await until(lambda: reached(live, position))
        assert await sought(somebody, "/audit", "actor", name) == f"/console/audit?actor={client}"
        both = await somebody.send(made, "actor", actor=somebody.email, type="client", since="2026-03-03")
        assert both.headers["location"] == f"/console/audit?type=client&actor={me}&since=2026-03-03"


async def test_a_deleted_client_is_named_by_its_last_name_unless_another_client_has_it_now(live: Live):
    name = f"Gone {new_id()}"
    gone, _ = await live.register(displayName=name)
    await live.http.delete(f"{CLIENTS}/{gone}", headers=live.bearer)

    async def is_listed() -> bool:
        found = await live.http.get(CLIENTS, params={"state": "deleted", "q": name}, headers=live.bearer)
        return [each["clientId"] for each in found.json()] == [gone]

    await until(is_listed)  # names of deleted clients are from their history, which is a moment behind the log
    async with staff(live, "operator") as somebody:
        for path, field in (("/audit", "client"), ("/audit", "actor"), ("/tokens", "client")):
            assert await sought(somebody, path, field, name.upper()) == f"/console{path}?{field}={gone}"
        other, _ = await live.register(displayName=name)
        assert await sought(somebody, "/audit", "client", name) == f"/console/audit?client={other}"


@pytest.mark.parametrize(("path", "name", "text", "sentence"), NOBODYS)
async def test_what_names_nobody_says_so(live: Live, path: str, name: str, text: str, sentence: str):
    async with staff(live, "auditor") as somebody:
        page = await somebody.look(path)
        told = Shown(await somebody.send(page, name, **{name: text}))
        assert told.status in (400, 404)
        assert sentence in told.text
        assert "matches" not in told.text


async def test_a_name_that_several_clients_have_is_not_guessed_and_a_secret_is_no_filter(live: Live):
    name = f"Twice {new_id()}"
    for _ in range(2):
        await live.register(displayName=name)
    async with staff(live, "auditor") as somebody:
        page = await somebody.look("/audit")
        told = Shown(await somebody.send(page, "client", client=name))
        assert "Several clients have this name." in told.text
        for field in ("client", "since", "address"):
            pasted = Shown(await somebody.send(page, field, **{field: new_secret().reveal()}))
            assert (pasted.status, "This is a secret or a token." in pasted.text) == (400, True), (field, pasted.text)
        clients = await somebody.look("/clients")
        pasted = Shown(await somebody.send(clients, "q", q=new_secret().reveal()))
        assert "This is a secret or a token." in pasted.text
