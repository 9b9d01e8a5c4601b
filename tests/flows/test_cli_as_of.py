"""--as-of on the command line, beside a live service."""

import asyncio

from tests.flows.conftest import Live
from tests.flows.people import registered
from tests.flows.test_as_of import head
from tests.flows.test_cli import MASTER_KEY_TEXT, on

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"


async def test_the_commands_that_read_show_what_there_was_and_say_which_position_they_stand_for(live: Live):
    bot = await live.http.post(BOTS, json={"email": "as-of@example.com", "firstName": "Grace"}, headers=live.bearer)
    bot_id = bot.json()["id"]
    client_id, _ = await live.register(displayName="As of then", botUserId=bot_id)
    user, email = await registered(live)
    then = await head(live)
    await live.http.delete(f"{BOTS}/{bot_id}", headers=live.bearer)
    await live.http.post(f"/api/v1/auth/users/{user}/disable", headers=live.bearer)
    at = ("--as-of", f"position:{then}", "--json")
    shown, listed, bots, one_bot, users, keys, now = await asyncio.gather(
        on(live.database, "clients", "show", client_id, *at),
        on(live.database, "clients", "list", "--name", "AS OF THEN", *at),
        on(live.database, "bots", "list", "--limit", "1000", *at),
        on(live.database, "bots", "show", bot_id, "--as-of", str(then)),
        on(live.database, "users", "list", "--limit", "100000", *at, MUNIMENT_MASTER_KEY=MASTER_KEY_TEXT),
        on(live.database, "keys", "list", *at),
        on(live.database, "bots", "show", bot_id),
    )
    assert all(f"as of position {then} of the log" in said.err for said in (shown, listed, bots, one_bot, users, keys))
    assert (shown.json["client_id"], shown.json["bot_state"], shown.json["last_used_at"]) == (client_id, "active", None)
    assert [len(secret.get("hash", "")) for secret in shown.json["secrets"]] == [0]
    assert [one["client_id"] for one in listed.json] == [client_id]
    assert bot_id in [one["bot_id"] for one in bots.json]
    assert "Grace" in one_bot.out
    (person,) = [one for one in users.json if one["id"] == str(user)]
    assert (person["email"], person["state"]) == (email, "active")
    assert {key["state"] for key in keys.json} >= {"active", "published"}
    assert (now.status, now.err) == (1, f"muniment: The bot {bot_id} was deleted.\n")


async def test_a_moment_without_an_answer_is_refused_in_a_sentence(live: Live):
    client_id, _ = await live.register()
    future, beyond, unread, before = await asyncio.gather(
        on(live.database, "clients", "list", "--as-of", "2999-01-01"),
        on(live.database, "keys", "list", "--as-of", "999999999"),
        on(live.database, "bots", "list", "--as-of", "tuesday"),
        on(live.database, "clients", "show", client_id, "--as-of", "1"),
    )
    assert "is in the future, so there is no answer yet" in future.err
    assert "is beyond the end of the log, which is position" in beyond.err
    assert "--as-of tuesday is neither a position nor a time" in unread.err
    assert f"The client {client_id} did not exist then." in before.err
    assert {said.status for said in (future, beyond, unread, before)} == {1}


async def test_a_deleted_client_and_its_bot_are_restored_and_the_difference_comes_first(live: Live):
    bot = await live.http.post(BOTS, json={"email": "restored@example.com"}, headers=live.bearer)
    bot_id = bot.json()["id"]
    client_id, secret = await live.register(displayName="Restored", botUserId=bot_id)
    then = ("--as-of", str(await head(live)))
    await live.http.delete(f"{BOTS}/{bot_id}", headers=live.bearer)
    early = await on(live.database, "clients", "restore", client_id, *then, "--yes")
    assert (early.status, early.err.splitlines()[-1]) == (
        1,
        f"muniment: Its bot {bot_id} is deleted. Restore the bot first.",
    )
    unsure, dry = await asyncio.gather(
        on(live.database, "bots", "restore", bot_id, *then),
        on(live.database, "bots", "restore", bot_id, *then, "--dry-run", "--json"),
    )
    assert (unsure.status, "say --yes" in unsure.err) == (1, True)
    assert dry.json["changes"]["state"] == {"before": "deleted", "after": "active"}
    back = await on(live.database, "bots", "restore", bot_id, *then, "--yes", "--reason", "a mistake")
    assert 'state  "deleted" → "active"' in back.out
    assert "The clients that were deleted with it stay deleted: restore each of them." in back.out
    kept = await on(live.database, "clients", "restore", client_id, *then, "--yes", "--keep-secrets", "--json")
    assert (kept.json["client_secret"], kept.json["dry_run"]) == (None, False)
    assert await live.access_token(client_id, secret)
    again = await on(live.database, "clients", "restore", client_id, *then)
    assert (again.status, "nothing changes" in again.err) == (0, True)
    told = await on(live.database, "clients", "history", client_id)
    assert f"restored as it was at position {then[1]}" in told.out
