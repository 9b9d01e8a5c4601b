"""Muniment-Reason: why somebody changed something is recorded with it, and forgotten with the person whom it is about."""

import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from events.codec import Recorded
from events.database import read
from events.envelope import SealedReason
from events.ids import bot_stream, client_stream
from events.replay import history
from service.commands.authority import EVERYBODY
from service.commands.bot import DeleteBot
from service.commands.handle import BOT, handle
from service.reactions import client_deletion
from service.values.scopes import OPERATORS
from tests.flows.conftest import META, Live, refused
from tests.flows.test_cli import on

CLIENTS, BOTS, USERS = (f"/api/v1/auth/{nouns}" for nouns in ("clients", "bots", "users"))
REASON = "Kündigung zum Quartalsende 🚪"
HEADER = {"Muniment-Reason": quote(REASON)}
MACHINE = {"m2m": True, "botUserId": "bot-abc123"}


async def happened(live: Live, stream: UUID | None) -> list[Recorded]:
    assert stream is not None
    return await read(live.beside.ledger.pool, lambda connection: history(connection, stream))


async def reasons(live: Live, stream: UUID | None) -> list[Any]:
    return [past.meta.reason for past in await happened(live, stream)]


async def sent(live: Live, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = await live.http.request(method, path, json=body, headers={**live.bearer, **HEADER, **headers})
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def test_every_change_of_a_client_is_recorded_with_its_reason(live: Live):
    made = (await sent(live, "POST", CLIENTS, MACHINE))["clientId"]
    path = f"{CLIENTS}/{made}"
    await sent(live, "PATCH", path, {"displayName": "CRM"}, **{"If-Match": "*"})
    secret = (await sent(live, "POST", f"{path}/secrets", {}))["secretId"]
    await sent(live, "DELETE", f"{path}/secrets/{secret}")
    await sent(live, "POST", f"{path}/disable")
    await sent(live, "POST", f"{path}/enable")
    await sent(live, "DELETE", path)
    assert await reasons(live, client_stream(made)) == [REASON] * 7


async def test_the_deletion_of_all_own_clients_is_recorded_with_its_reason(live: Live):
    alice = await live.caller("alice-of-reasons", *OPERATORS)
    made = await live.http.post(CLIENTS, json=MACHINE, headers=alice)
    assert (await live.http.delete(CLIENTS, headers={**alice, **HEADER})).json() == {"deleted": 1}
    assert await reasons(live, client_stream(made.json()["clientId"])) == [None, REASON]


async def test_a_bot_and_its_clients_have_the_reason_of_its_deletion_and_the_clients_its_position_as_cause(live: Live):
    bot = (await sent(live, "POST", BOTS, {"email": "reasons@example.com"}))["id"]
    client = (await sent(live, "POST", CLIENTS, {**MACHINE, "botUserId": bot}))["clientId"]
    for method, path in (("POST", "/disable"), ("POST", "/enable"), ("DELETE", "")):
        await sent(live, method, f"{BOTS}/{bot}{path}")
    of_bot, of_client = await happened(live, bot_stream(bot)), await happened(live, client_stream(client))
    assert [past.meta.reason for past in (*of_bot, *of_client)] == [REASON] * 6
    assert of_client[-1].meta.cause == of_bot[-1].position


async def test_what_housekeeping_deletes_with_a_bot_has_the_reason_of_its_deletion(live: Live):
    bot = (await sent(live, "POST", BOTS, {"email": "left-behind@example.com"}))["id"]
    client = (await sent(live, "POST", CLIENTS, {**MACHINE, "botUserId": bot}))["clientId"]
    ledger, meta = live.beside.ledger, META.__replace__(reason=REASON)
    stream = bot_stream(bot)
    assert stream is not None
    deleted = await handle(ledger, BOT, stream, DeleteBot(by=EVERYBODY), meta)
    await client_deletion.finish(ledger)
    last = (await happened(live, client_stream(client)))[-1].meta
    assert (last.reason, last.cause) == (REASON, deleted.position)


async def test_the_reason_for_a_change_of_a_user_is_sealed_shown_by_their_history_and_forgotten_with_them(live: Live):
    email = "reasons-ada@example.com"
    user = (await sent(live, "POST", USERS, {"email": email}))["id"]
    await sent(live, "PATCH", f"{USERS}/{user}", {"name": "Ada"}, **{"If-Match": "*"})
    await sent(live, "POST", f"{USERS}/{user}/disable")
    await sent(live, "POST", f"{USERS}/{user}/enable")
    stored = await happened(live, UUID(user))
    assert [type(past.meta.reason) for past in stored] == [SealedReason] * 4
    assert all(REASON.encode() not in past.meta_bytes for past in stored)
    shown = await on(live.database, "users", "history", user, "--json")
    assert [line["reason"] for line in shown.lines] == [REASON] * 4
    await sent(live, "DELETE", f"{USERS}/{user}")
    shown = await on(live.database, "users", "history", user, "--json")
    assert [line["reason"] for line in shown.lines] == [{"sealed_for": user}] * 5
    assert REASON not in shown.out


async def test_a_reason_at_the_command_line_is_shown_by_the_log_and_its_exports(live: Live):
    email = "reasons-bob@example.com"
    words = ("users", "create", email, "--password-stdin", "--json", "--reason", REASON)
    assert (await on(live.database, *words, given="an analytical engine\n")).status == 0
    for command in ("disable", "enable", "password"):
        given = "a difference engine\n" if command == "password" else None
        more = ("--password-stdin",) if given else ()
        ended = await on(live.database, "users", command, email, "--reason", REASON, *more, given=given)
        assert ended.status == 0, ended.err
    shown = await on(live.database, "users", "history", email, "--json")
    assert [line["reason"] for line in shown.lines] == [REASON] * 4
    made = await on(live.database, "operator", "create", "reasons", "--json", "--reason", REASON)
    client = made.json["client_id"]
    assert re.search(rf"reason +{REASON}$", (await on(live.database, "log", "show", client)).out, re.MULTILINE)
    followed = await on(live.database, "log", "follow", "--from-start", "--no-wait", "--json", "--type", "client")
    assert REASON in [line["reason"] for line in followed.lines]
    assert REASON in (await on(live.database, "log", "export", "--csv", "--type", "client")).out


@pytest.mark.parametrize("option", ["--end", "--remove-all"])
async def test_a_reason_for_no_change_is_refused_at_the_command_line(live: Live, option: str):
    command = "sessions" if option == "--end" else "factors"
    ended = await on(live.database, "users", command, "nobody@example.com", "--reason", REASON)
    assert (ended.status, f"nothing is changed without {option}" in ended.err) == (1, True)


async def test_a_wrong_reason_is_refused_beside_the_other_faults_and_nothing_is_changed(live: Live):
    wrong = {**live.bearer, "Muniment-Reason": "one%0Atwo"}
    answer = refused(await live.http.post(CLIENTS, json={"m2m": True}, headers=wrong), 400)
    assert answer["errors"].keys() == {"botUserId", "Muniment-Reason"}
    assert "U+000A" in answer["errors"]["Muniment-Reason"][0]
    client_id, _ = await live.register()
    for method, path, body in (("POST", "/disable", None), ("PATCH", "", {"displayName": "x"}), ("DELETE", "", None)):
        headers = {**wrong, "If-Match": "*"}
        answer = await live.http.request(method, f"{CLIENTS}/{client_id}{path}", json=body, headers=headers)
        assert refused(answer, 400)["errors"].keys() == {"Muniment-Reason"}
    twice = [*live.bearer.items(), ("Muniment-Reason", "one"), ("Muniment-Reason", "two")]
    answer = await live.http.post(f"{CLIENTS}/{client_id}/disable", headers=twice)
    assert "more than once" in refused(answer, 400)["errors"]["Muniment-Reason"][0]
    assert len(await happened(live, client_stream(client_id))) == 1
    ended = await on(live.database, "keys", "rotate", "--reason", "x" * 501)
    assert (ended.status, ended.err) == (1, "muniment: --reason has 501 characters; at most 500 are allowed.\n")


async def test_another_reason_under_the_same_idempotency_key_is_a_clash(live: Live):
    await sent(live, "POST", CLIENTS, MACHINE, **{"Idempotency-Key": "reasons"})
    headers = {**live.bearer, "Idempotency-Key": "reasons", "Muniment-Reason": "another"}
    assert "Idempotency-Key" in refused(await live.http.post(CLIENTS, json=MACHINE, headers=headers), 409)["detail"]
