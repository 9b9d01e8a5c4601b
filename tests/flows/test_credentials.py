"""Whose a secret or a token is that somebody found: the API and the console say it, and nothing keeps what was pasted."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from events.database import connected
from service.crypto import opaque_tokens
from service.crypto.credentials import new_id, new_secret
from service.endpoints.credentials import MOST_UNKNOWN
from tests.flows.browsing import Shown
from tests.flows.conftest import Live, refused
from tests.flows.consoles import staff
from tests.flows.people import ALL, code_for, logged_in, redeemed
from tests.flows.test_blast_radius import jti_of
from tests.flows.test_console_evidence import reached
from tests.flows.test_management_tokens import CLIENTS
from tests.flows.test_rate_limits import whole_minute
from tests.patience import until

PATH = "/api/v1/audit/credentials"


async def whose(live: Live, text: str, bearer: dict[str, str] | None = None) -> httpx.Response:
    return await live.http.post(PATH, json={"credential": text}, headers=bearer or live.bearer)


async def auditor(live: Live) -> dict[str, str]:
    """A caller who has asked for nothing yet."""
    return await live.caller(f"auditor-{new_id()}", "audit:read")


async def secret_of(live: Live, client: str) -> str:
    return (await live.http.get(f"{CLIENTS}/{client}/secrets", headers=live.bearer)).json()[0]["secretId"]


async def kept(live: Live, text: str) -> bool:
    async with connected(live.database) as connection:
        found = "select exists (select from log.events where position($1::bytea in data || meta) > 0)"
        return await connection.fetchval(found, text.encode())


async def test_a_secret_is_recognized_while_it_is_live_and_after_it_was_revoked_or_its_client_deleted(live: Live):
    client, secret = await live.register(displayName="Leaky")
    secret_id = await secret_of(live, client)
    told: dict[str, Any] = {"kind": "secret", "clientId": client, "secretId": secret_id, "secretName": "first"}
    told |= {"jti": None, "authorization": None}
    assert (await whose(live, f" {secret} ")).json() == told
    added = await live.http.post(f"{CLIENTS}/{client}/secrets", json={"name": "next"}, headers=live.bearer)
    second = added.json()["clientSecret"]
    await live.http.delete(f"{CLIENTS}/{client}/secrets/{secret_id}", headers=live.bearer)
    await live.http.delete(f"{CLIENTS}/{client}", headers=live.bearer)
    position = await live.last_change()
    await until(lambda: reached(live, position))
    assert (await whose(live, secret)).json() == told
    assert (await whose(live, second)).json()["secretName"] == "next"
    assert not await kept(live, secret)


@pytest.mark.parametrize("form", ["{}", "bot_{.hex}"])
async def test_an_imported_secret_in_the_form_of_an_id_is_recognized_and_kept_nowhere(live: Live, form: str):
    secret = form.format(new_id())
    client, _ = await live.register(clientId=f"old-{new_id()}", clientSecret=secret)
    assert (await whose(live, secret)).json()["clientId"] == client
    async with staff(live, "auditor") as somebody:
        answer = await somebody.send(await somebody.look("/blast-radius"), "find", id=secret)
        assert secret not in answer.headers["location"]
        assert f"/clients/{client}/" in answer.headers["location"]
    assert not await kept(live, secret)


async def test_an_access_token_is_recognized_by_its_signature_and_what_is_not_of_this_server_is_nobodys(live: Live):
    client, secret = await live.register()
    token = await live.access_token(client, secret)
    answer = (await whose(live, token)).json()
    assert (answer["kind"], answer["clientId"], answer["jti"]) == ("accessToken", client, jti_of(token))
    assert answer["secretId"] == await secret_of(live, client)
    head, payload, signature = token.split(".")
    forged = [f"{head}.{payload}.{'A' * len(signature)}", f"{head}.{payload}.", f"e30.{payload}.e30"]
    others = [*forged, new_secret().reveal(), "x.y.z", "e30.e30.e30", "Olivia", f"a.{'é' * 9}.b", str(uuid4())]
    others += [
        opaque_tokens.make(kind, new_id()).reveal() for kind in (opaque_tokens.CODE, opaque_tokens.REFRESH_TOKEN)
    ]
    texts = (*others, "code_", "refresh_x")
    callers = [await auditor(live) for _ in texts]
    for answered in await asyncio.gather(*(whose(live, *each) for each in zip(texts, callers, strict=True))):
        refused(answered, 404)
    for text in texts:
        assert text in ("x.y.z", "code_", "refresh_x", "Olivia") or not await kept(live, text)


async def test_nobody_can_guess_here_for_a_caller_is_answered_about_few_unknown_texts_in_a_minute(live: Live):
    _, secret = await live.register()

    async def ask() -> list[httpx.Response]:
        caller = await auditor(live)
        known = [await whose(live, secret, caller) for _ in range(MOST_UNKNOWN + 1)]
        assert {each.status_code for each in known} == {200}
        first = await asyncio.gather(*(whose(live, str(uuid4()), caller) for _ in range(MOST_UNKNOWN)))
        return [*first, *[await whose(live, str(uuid4()), caller) for _ in range(2)]]

    *answered, first, second = await whole_minute(live, ask)
    assert {each.status_code for each in answered} == {404}
    for each in (first, second):
        assert "unknown here" in refused(each, 429)["detail"]
        assert 1 <= int(each.headers["retry-after"]) <= 60
    refused(await whose(live, str(uuid4()), await auditor(live)), 404)
    async with connected(live.database) as connection:
        throttled = await connection.fetch("select data from log.events where type = 'refusal.throttled'")
    assert MOST_UNKNOWN in {json.loads(each["data"])["limit"] for each in throttled}


async def test_a_code_and_a_refresh_token_are_recognized_with_their_authorization(live: Live):
    client = await live.interactive()
    async with logged_in(live) as person:
        code, pkce = await code_for(live, person, client[0], scope=ALL)
        of_code = (await whose(live, code)).json()
        assert (of_code["kind"], of_code["clientId"], of_code["secretId"]) == ("code", client[0], None)
        tokens = (await redeemed(live, client, code, pkce)).json()
    of_refresh = (await whose(live, tokens["refresh_token"])).json()
    assert (of_refresh["kind"], of_refresh["authorization"]) == ("refreshToken", of_code["authorization"])
    forged = opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, UUID(of_code["authorization"])).reveal()
    refused(await whose(live, forged), 404)


async def test_who_pastes_a_secret_in_the_console_is_led_to_its_client_with_that_secret_chosen(live: Live):
    client, secret = await live.register(displayName="Leaky of the console")
    token, secret_id = await live.access_token(client, secret), await secret_of(live, client)
    async with staff(live, "auditor") as somebody:
        page = await somebody.look("/blast-radius")
        answer = await somebody.send(page, "find", id=secret)
        assert answer.headers["location"] == f"/console/clients/{client}/blast-radius?id={secret_id}"
        shown = Shown(await somebody.led(answer))
        assert "This secret belongs to the client Leaky of the console." in shown.text
        assert jti_of(token) in shown.text
        of_token = await somebody.send(page, "find", id=token)
        assert of_token.headers["location"] == f"/console/tokens/{jti_of(token)}"
        nobodys = new_secret().reveal()
        told = await somebody.send(page, "find", id=nobodys)
        assert (told.status_code, "No client got this secret or token here" in told.text) == (404, True)
    assert not await kept(live, secret)
    assert not await kept(live, nobodys)


async def test_what_was_compromised_is_named_as_the_console_shows_it(live: Live):
    name = f"Client {new_id()}"
    client, _ = await live.register(displayName=name)
    async with staff(live, "auditor") as somebody:
        page = await somebody.look("/blast-radius")
        for text, id_ in ((name, client), (client, client), (somebody.email, str(somebody.user))):
            answer = await somebody.send(page, "find", id=text)
            assert answer.headers["location"] == f"/console/blast-radius?id={id_}"
        unknown = await somebody.send(page, "find", id="nobody@example.com")
        assert (unknown.status_code, "No user has this email address" in unknown.text) == (404, True)
        stranger = await somebody.send(page, "find", id="Nothing is called this", since="last Tuesday")
        assert stranger.status_code in (400, 404)
        named = await somebody.send(page, "find", id=f"actor:{somebody.user}", since="2026-03-03")
        assert named.headers["location"].endswith(f"?id=actor%3A{somebody.user}&since=2026-03-03")
    assert not await kept(live, somebody.email)
