"""muniment projections and muniment keys, beside a live service."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator

import asyncpg
import jwt
import pytest

from projections import registry
from tests.flows.conftest import Live, new_database, refused, serving
from tests.flows.test_cli import MASTER_KEY_TEXT, on
from tests.patience import until


@pytest.fixture(scope="module")
async def alone(postgres: str) -> AsyncGenerator[Live]:
    """A service whose tables are nobody else's."""
    async with serving(await new_database(postgres), rate_limit=0, failed_auth_limit=0) as live:
        yield live


async def test_a_table_that_is_not_what_the_log_makes_of_it_is_named_and_put_right_by_a_rebuild(alone: Live):
    client_id, _ = await alone.register(displayName="True")
    connection = await asyncpg.connect(alone.database)
    await connection.execute("update read.clients set display_name = 'False' where client_id = $1", client_id)
    stream = await connection.fetchval("select stream_id from read.clients where client_id = $1", client_id)
    told, script = await asyncio.gather(
        on(alone.database, "projections", "verify", "clients"), on(alone.database, "projections", "verify", "--json")
    )
    assert (told.status, script.status) == (1, 1)
    assert f"clients is NOT what the log makes of it: {stream}" in told.out
    verdicts = {each["name"]: each for each in script.json["projections"]}
    assert {name for name, verdict in verdicts.items() if not verdict["ok"]} == {"clients"}
    assert verdicts["clients"]["differing"] == [str(stream)]

    answer = await alone.http.get("/api/v1/projections/clients", headers=alone.bearer)
    shown = answer.json()
    assert (shown["state"], shown["lastVerification"]["outcome"]) == ("inline", "differs")
    assert shown["lastVerification"]["differing"] == [str(stream)]
    whole = await alone.http.get("/api/v1/projections", headers=alone.bearer)
    assert [each["name"] for each in whole.json()] == list(registry.PROJECTIONS)
    refused(await alone.http.get("/api/v1/projections/cleints", headers=alone.bearer), 404)

    rebuilt = await on(alone.database, "projections", "rebuild", "clients", "--json")
    assert rebuilt.json[0]["digest"] == verdicts["clients"]["expected_digest"]
    assert await connection.fetchval("select display_name from read.clients where client_id = $1", client_id) == "True"
    await connection.close()


async def test_projections_are_rebuilt_while_the_service_works_without_a_failed_request(alone: Live):
    rebuilding = asyncio.create_task(on(alone.database, "projections", "rebuild", "--all"))
    requests = 0
    while not rebuilding.done():
        client_id, secret = await alone.register()
        await alone.access_token(client_id, secret)
        requests += 2
        await asyncio.wait([rebuilding], timeout=0.02)  # as many as come at once would only slow down the rebuild
    assert requests > 4
    assert (await rebuilding).status == 0
    listed, verified = await asyncio.gather(
        on(alone.database, "projections", "list", "--json"), on(alone.database, "projections", "verify", "--json")
    )
    states = {each["name"]: each["state"] for each in listed.json}
    assert states == {name: "inline" if name in registry.INLINE else "active" for name in registry.PROJECTIONS}
    assert (states["clients"], states["last_used"]) == ("inline", "active")
    followed = {each["name"]: each["follows"] for each in listed.json}
    assert [followed[name] for name in ("clients", "bot_history", "last_used")] == ["events", "events", "issuance"]
    assert verified.json["ok"] is True


async def test_a_projection_is_shown_and_one_that_has_not_failed_is_not_resumed(alone: Live):
    shown, well, inline = await asyncio.gather(
        on(alone.database, "projections", "show", "last_used"),
        on(alone.database, "projections", "resume", "last_used"),
        on(alone.database, "projections", "resume", "clients"),
    )
    assert re.search(r"^digest +[0-9a-f]{16}$", shown.out, re.MULTILINE)
    assert (well.status, inline.status) == (1, 1)
    assert "last_used has not failed" in well.err
    assert "clients is written with each event" in inline.err


async def test_an_unknown_projection_is_refused_with_the_names_of_those_there_are(alone: Live):
    unknown, none = await asyncio.gather(
        on(alone.database, "projections", "verify", "cleints"), on(alone.database, "projections", "rebuild")
    )
    assert (unknown.status, none.status) == (1, 1)
    for ended in (unknown, none):
        assert ", ".join(registry.PROJECTIONS) in ended.err


async def test_a_rotation_is_picked_up_by_the_running_service_and_kept_from_a_wrong_master_key(alone: Live):
    wrong = base64.b64encode(b"w" * 32).decode()
    refused = await on(alone.database, "keys", "rotate", MUNIMENT_MASTER_KEY=wrong)
    assert refused.status == 1
    assert "MUNIMENT_MASTER_KEY is not the key" in refused.err
    rotated = await on(alone.database, "keys", "rotate")

    async def signs_with_it() -> bool:  # the service hears of the rotation within a second
        token = await alone.access_token(alone.client_id, alone.client_secret)
        return jwt.get_unverified_header(token)["kid"] == rotated.out.strip()

    await until(signs_with_it)
    listed = await on(alone.database, "keys", "list", "--json")
    for alg in ("ES256", "RS256"):  # access tokens are signed with the one, id_tokens mostly with the other
        of_alg = [key for key in listed.json if key["alg"] == alg]
        assert [key["state"] for key in of_alg] == ["retired", "active", "published"]
    [signs] = [key["kid"] for key in listed.json if (key["alg"], key["state"]) == ("ES256", "active")]
    assert signs == rotated.out.strip()


async def test_rewrapped_keys_open_with_the_new_master_key_alone(alone: Live):
    new = base64.b64encode(b"n" * 32).decode()
    missing = await on(alone.database, "keys", "rewrap")
    assert (missing.status, missing.out) == (1, "")
    assert "MUNIMENT_NEW_MASTER_KEY is required" in missing.err
    done = await on(alone.database, "keys", "rewrap", "--json", MUNIMENT_NEW_MASTER_KEY=new)
    assert done.json["keys"] >= 2
    assert done.json["file"] is None
    old_key = await on(alone.database, "keys", "rotate", MUNIMENT_MASTER_KEY=MASTER_KEY_TEXT)
    assert old_key.status == 1
    back = await on(alone.database, "keys", "rewrap", MUNIMENT_MASTER_KEY=new, MUNIMENT_NEW_MASTER_KEY=MASTER_KEY_TEXT)
    assert back.status == 0
