"""muniment clients create, edit, disable, enable, delete and rotate, secrets and bots: what the API would do, at the command line."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.envelope import Meta
from service.cli import client_edit, client_lookup
from service.commands.client import ClientCommand
from service.commands.handle import ATTEMPTS, Handled, Ledger
from tests.flows.conftest import Live, oauth_error
from tests.flows.test_cli import Ended, on

CLIENTS = "/api/v1/auth/clients"
NOBODY = f"oauth_client_{'0' * 32}"


async def shown(live: Live, client_id: str) -> dict[str, Any]:
    answer = await live.http.get(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def created(live: Live, *words: str) -> dict[str, str]:
    made = await on(live.database, "clients", "create", "--owner", "crm-team", *words, "--json")
    assert made.status == 0, made.err
    return made.json


def refusals(ended: Ended) -> list[str]:
    """The sentences of a refusal, of which nothing is on stdout."""
    assert (ended.status, ended.out) == (1, "")
    return [line.removeprefix("muniment: ").strip() for line in ended.err.splitlines()]


async def test_a_client_is_created_with_its_settings_gets_tokens_and_its_reason_is_in_the_log(live: Live):
    words = (
        "--bot",
        "bot-abc123",
        "--name",
        "CRM sync",
        "--scope",
        "crm:read",
        "--scope",
        "crm:write",
        "--reason",
        "CR 7",
    )
    made = await created(live, *words)
    token = await live.token_for(made["client_id"], made["client_secret"])
    assert token.json()["scope"] == "crm:read crm:write"
    client = await shown(live, made["client_id"])
    assert (client["displayName"], client["botUserId"], client["owner"]) == ("CRM sync", "bot-abc123", "crm-team")
    (event,) = (await on(live.database, "clients", "history", made["client_id"], "--json")).lines
    assert (event["actor"]["by"], event["reason"]) == ("operator", "CR 7")
    assert made["client_secret"] not in str(event)


async def test_an_interactive_client_has_its_own_settings_and_a_public_one_no_secret(live: Live):
    redirect = ("--redirect-uri", "https://app.example.com/cb", "--redirect-uri", "https://app.example.com/other")
    made = await created(
        live, "--interactive", "--public", *redirect, "--first-party", "yes", "--id-token-alg", "ES256"
    )
    assert made["client_secret"] is None
    client = await shown(live, made["client_id"])
    assert (client["public"], client["firstParty"], client["idTokenSignedResponseAlg"]) == (True, True, "ES256")
    assert client["redirectUris"] == ["https://app.example.com/cb", "https://app.example.com/other"]


async def test_every_fault_of_a_new_client_is_named_with_its_option(live: Live):
    words = ("--name", " ", "--redirect-uri", "http://app.example.com/cb", "--scope", 'a"b', "--require-pkce", "yes")
    ended, web = await asyncio.gather(
        on(live.database, "clients", "create", "--owner", "crm-team", *words),
        on(live.database, "clients", "create", "--owner", "crm-team", "--interactive"),
    )
    options = [line.split()[0] for line in refusals(ended)]
    assert set(options) == {"--name", "--redirect-uri", "--scope", "--bot", "--require-pkce"}
    assert "m2m" not in ended.err
    assert refusals(web) == ["--redirect-uri is required for an interactive client, unless --device-grant is yes."]


@pytest.mark.parametrize("owner", ["muniment", " ", f"BOT_{'0' * 32}"])
async def test_no_client_and_no_bot_belongs_to_the_service_itself_or_to_what_looks_like_another_id(
    live: Live, owner: str
):
    for words in (("clients", "create", "--bot", "b"), ("bots", "create", "b@example.com")):
        assert "cannot own" in refusals(await on(live.database, *words, "--owner", owner))[0]


async def test_an_edit_changes_what_is_named_shows_the_difference_and_an_empty_value_removes(live: Live):
    made = await created(live, "--bot", "bot-abc123", "--name", "Before", "--scope", "crm:read")
    words = ("--name", "", "--add-scope", "crm:write", "--access-token-alg", "EdDSA")
    edited = await on(live.database, "clients", "edit", made["client_id"], *words, "--json")
    assert edited.json["changes"] == {
        "displayName": {"before": "Before", "after": None},
        "scopes": {"before": ["crm:read"], "after": ["crm:read", "crm:write"]},
        "accessTokenSignedResponseAlg": {"before": None, "after": "EdDSA"},
    }
    told = await on(live.database, "clients", "edit", made["client_id"], "--remove-scope", "crm:read")
    assert told.out == 'scopes  ["crm:read","crm:write"] → ["crm:write"]\n'
    again = await on(live.database, "clients", "edit", made["client_id"], "--scope", "crm:write")
    assert (again.out, again.err) == ("", "muniment: nothing changes\n")
    assert (await shown(live, made["client_id"]))["scopes"] == ["crm:write"]


async def test_an_edit_that_cannot_be_made_says_what_to_change(live: Live):
    made = await created(live, "--bot", "bot-abc123")
    at = ("clients", "edit", made["client_id"])
    nothing, both, machine, stale, unknown = await asyncio.gather(
        on(live.database, *at),
        on(live.database, *at, "--scope", "a", "--add-scope", "b"),
        on(live.database, *at, "--first-party", "yes"),
        on(live.database, *at, "--name", "x", "--at-version", "7"),
        on(live.database, "clients", "edit", NOBODY, "--name", "x"),
    )
    assert "--help has the options" in refusals(nothing)[0]
    assert "--scope is the whole list" in refusals(both)[0]
    assert "these settings are for interactive clients" in refusals(machine)[0]
    assert "is at version 1: somebody changed it since. muniment clients show" in refusals(stale)[0]
    assert "muniment clients list has those that there are" in refusals(unknown)[0]


async def test_edits_at_the_same_time_are_all_made(live: Live):
    made = await created(live, "--bot", "bot-abc123", "--scope", "crm:read")
    scopes = [f"crm:{number}" for number in range(4)]

    async def rename() -> None:
        """Compete with the command, but lose it fewer races than it has attempts."""
        for number in range(ATTEMPTS - 1):
            headers = {**live.bearer, "If-Match": "*"}
            body = {"displayName": f"name {number}"}
            await live.http.patch(f"{CLIENTS}/{made['client_id']}", json=body, headers=headers)

    for each in scopes:
        edit = on(live.database, "clients", "edit", made["client_id"], "--add-scope", each)
        ended, _ = await asyncio.gather(edit, rename())
        assert ended.status == 0, ended
    assert (await shown(live, made["client_id"]))["scopes"] == ["crm:read", *scopes]


async def test_an_edit_that_depends_on_no_version_gives_up_for_no_other_change(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    made = await created(live, "--bot", "bot-abc123", "--scope", "crm:read")
    carried_out: list[int | None] = []

    async def seen(ledger: Ledger, client_id: str, command: ClientCommand, meta: Meta, version: int | None) -> Handled:
        carried_out.append(version)
        return await client_lookup.carry_out(ledger, client_id, command, meta, version)

    monkeypatch.setattr(client_edit, "carry_out", seen)
    for words in (
        ("--name", "CRM"),
        ("--scope", "crm:write"),
        ("--add-scope", "crm:read"),
        ("--name", "x", "--at-version", "4"),
    ):
        assert (await on(live.database, "clients", "edit", made["client_id"], *words)).status == 0
    assert carried_out == [None, None, 3, 4]


async def test_a_client_is_disabled_enabled_and_deleted_and_a_deletion_is_not_asked_for_without_a_terminal(live: Live):
    made = await created(live, "--bot", "bot-abc123", "--name", "Doomed")
    client_id, secret = made["client_id"], made["client_secret"]
    disabled = await on(live.database, "clients", "disable", client_id, "--json")
    assert disabled.json == {"client_id": client_id, "state": "disabled", "version": 2}
    oauth_error(await live.token_for(client_id, secret), 401, "invalid_client")
    assert "nothing was changed" in (await on(live.database, "clients", "disable", client_id)).err
    assert (await on(live.database, "clients", "enable", client_id)).out == f"{client_id} is active.\n"
    assert (await live.token_for(client_id, secret)).status_code == 200
    asked = await on(live.database, "clients", "delete", client_id)
    assert refusals(asked) == ["there is no terminal to ask whether you are sure at; say --yes"]
    assert (await on(live.database, "clients", "delete", client_id, "--yes")).out == f"{client_id} is deleted.\n"
    oauth_error(await live.token_for(client_id, secret), 401, "invalid_client")
    assert "muniment clients restore" in refusals(await on(live.database, "clients", "delete", client_id, "--yes"))[0]


async def test_a_rotation_gives_the_former_secret_an_end_and_both_work_until_then(live: Live):
    made = await created(live, "--bot", "bot-abc123", "--secret-name", "old")
    client_id, old = made["client_id"], made["client_secret"]
    rotated = await on(live.database, "clients", "rotate", client_id, "--overlap", "2h", "--name", "new", "--json")
    new = rotated.json["client_secret"]
    assert (await live.token_for(client_id, old)).status_code == 200
    assert (await live.token_for(client_id, new)).status_code == 200
    first, second = (await on(live.database, "secrets", "list", client_id, "--json")).json
    assert (first["name"], second["name"], second["expires_at"]) == ("old", "new", None)
    left = datetime.fromisoformat(first["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1) < left <= timedelta(hours=2)
    history = (await on(live.database, "clients", "history", client_id, "--json")).lines
    assert history[-1]["told"].startswith(f'secret "old" (…{old[-4:]}) expires at ')
    assert history[-1]["told"].endswith("no longer never")
    asked = await on(live.database, "clients", "rotate", client_id, "--overlap", "0")
    assert "say --yes" in refusals(asked)[0]
    ended = await on(live.database, "clients", "rotate", client_id, "--overlap", "0", "--yes")
    assert "revoked        2" in ended.out
    oauth_error(await live.token_for(client_id, old), 401, "invalid_client")
    oauth_error(await live.token_for(client_id, new), 401, "invalid_client")


async def test_a_secret_is_added_for_a_time_listed_by_its_hint_and_revoked_by_its_id(live: Live):
    made = await created(live, "--bot", "bot-abc123")
    client_id = made["client_id"]
    added = await on(live.database, "secrets", "add", client_id, "--name", "blue", "--expires", "90d")
    assert "the secret is shown this once" in added.err
    secret = added.out.split("client_secret")[1].split()[0]
    assert (await live.token_for(client_id, secret)).status_code == 200
    listed = await on(live.database, "secrets", "list", client_id)
    assert f"…{secret[-4:]}" in listed.out
    assert secret not in listed.out
    first, second = (await on(live.database, "secrets", "list", client_id, "--json")).json
    assert "hash" not in second
    asked, unknown, past, never = await asyncio.gather(
        on(live.database, "secrets", "revoke", client_id, second["secret_id"]),
        on(live.database, "secrets", "revoke", client_id, NOBODY, "--yes"),
        on(live.database, "secrets", "add", client_id, "--expires", "2020-01-01"),
        on(live.database, "secrets", "add", client_id, "--expires", "9999-12-31T23:59:59-12:00"),
    )
    assert "say --yes" in refusals(asked)[0]
    assert f"muniment secrets list {client_id}" in refusals(unknown)[0]
    assert "in the future" in refusals(past)[0]
    assert refusals(never) == ["--expires must be before the year 10000 in UTC."]
    elsewhere = await on(live.database, "secrets", "add", client_id, "--expires", "2099-01-31T14:02+02:00", "--json")
    assert elsewhere.json["expires_at"] == "2099-01-31T12:02:00Z"
    done = await on(live.database, "secrets", "revoke", client_id, second["secret_id"], "--yes")
    assert done.out == f"The secret “blue” (…{secret[-4:]}) of {client_id} is revoked.\n"
    oauth_error(await live.token_for(client_id, secret), 401, "invalid_client")
    assert (await live.token_for(client_id, made["client_secret"])).status_code == 200
    assert first["secret_id"] != second["secret_id"]


async def test_a_bot_is_created_once_disabled_enabled_and_deleted_with_its_clients(live: Live):
    words = ("bots", "create", "crm-bot@example.com", "--owner", "crm-team", "--first-name", "CRM")
    made = await on(live.database, *words, "--json")
    bot_id = made.json["id"]
    again, wrong = await asyncio.gather(
        on(live.database, *words), on(live.database, "bots", "create", "x", "--owner", "crm-team", "--last-name", " ")
    )
    assert "already; muniment bots list has it" in refusals(again)[0]
    assert {line.split()[0] for line in refusals(wrong)} == {"EMAIL", "--last-name"}
    another = await on(live.database, "clients", "create", "--owner", "alice", "--bot", bot_id)
    assert refusals(another) == ["--bot is a bot of another owner."]
    client = await created(live, "--bot", bot_id)
    assert (await on(live.database, "bots", "disable", bot_id)).out == f"{bot_id} is disabled.\n"
    oauth_error(await live.token_for(client["client_id"], client["client_secret"]), 401, "invalid_client")
    stale = await on(live.database, "bots", "enable", bot_id, "--at-version", "1")
    assert "muniment bots show says" in refusals(stale)[0]
    assert (await on(live.database, "bots", "enable", bot_id, "--at-version", "2")).status == 0
    assert (await live.token_for(client["client_id"], client["client_secret"])).status_code == 200
    assert "say --yes" in refusals(await on(live.database, "bots", "delete", bot_id))[0]
    deleted = await on(live.database, "bots", "delete", bot_id, "--yes")
    assert deleted.out == f"{bot_id} is deleted, and 1 client with it.\n"
    gone = await on(live.database, "clients", "show", client["client_id"])
    assert "was deleted" in gone.err
    assert "muniment bots restore" in refusals(await on(live.database, "bots", "disable", bot_id))[0]
    told = (await on(live.database, "bots", "history", bot_id, "--diff", "--json")).lines
    assert [line["type"] for line in told] == ["bot.registered", "bot.disabled", "bot.enabled", "bot.deleted"]
    assert told[1]["changes"] == {"state": {"before": "active", "after": "disabled"}}
    never = await on(live.database, "bots", "history", f"bot_{'0' * 32}")
    assert refusals(never) == [f"There never was a bot bot_{'0' * 32}."]


async def test_scopes_and_uris_may_be_given_as_one_list(live: Live):
    made = await created(live, "--bot", "bot-abc123", "--scope", "crm:read, crm:write", "--scope", "crm:admin")
    client = made["client_id"]
    assert (await shown(live, client))["scopes"] == ["crm:read", "crm:write", "crm:admin"]
    edited = await on(
        live.database, "clients", "edit", client, "--remove-scope", "crm:read,crm:admin", "--add-scope", "a,b"
    )
    assert edited.status == 0, edited.err
    assert (await shown(live, client))["scopes"] == ["crm:write", "a", "b"]
