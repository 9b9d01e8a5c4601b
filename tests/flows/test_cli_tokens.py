"""muniment tokens list, show and revoke: what was issued, and whether it can still be used."""

import asyncio
from uuid import UUID

import jwt

from service.crypto.credentials import new_id
from tests.flows.conftest import Live
from tests.flows.test_cli import Ended, on

CLIENTS = "/api/v1/auth/clients"


def jti_of(token: str) -> str:
    return jwt.decode(token, options={"verify_signature": False})["jti"]


async def listed(live: Live, *words: str) -> list[tuple[str, str]]:
    found = await on(live.database, "tokens", "list", *words, "--json")
    assert found.status == 0, found.err
    return [(token["jti"], token["state"]) for token in found.json]


async def test_tokens_are_listed_newest_first_with_why_each_cannot_be_used(live: Live):
    client_id, secret = await live.register()
    first, second = [jti_of(await live.access_token(client_id, secret)) for _ in range(2)]
    assert await listed(live, "--client", client_id) == [(second, "valid"), (first, "valid")]
    revoked = await on(live.database, "tokens", "revoke", first, "--yes", "--reason", "leaked in a log")
    assert revoked.out == f"The token {first} is revoked.\n"
    assert await listed(live, "--client", client_id) == [(second, "valid"), (first, "revoked")]
    await live.http.post(f"{CLIENTS}/{client_id}/disable", headers=live.bearer)
    assert await listed(live, "--client", client_id, "--limit", "1") == [(second, "client disabled")]
    await live.http.delete(f"{CLIENTS}/{client_id}", headers=live.bearer)
    assert await listed(live, "--client", client_id) == [(second, "client deleted"), (first, "revoked")]
    more = await on(live.database, "tokens", "list", "--client", client_id, "--limit", "1")
    assert "--limit shows more of them" in more.err


async def test_the_tokens_of_a_deleted_client_stay_stopped_when_it_is_restored(live: Live):
    client_id, secret = await live.register()
    token = jti_of(await live.access_token(client_id, secret))
    before = await live.last_change()
    await live.http.delete(f"{CLIENTS}/{client_id}", headers=live.bearer)
    await on(live.database, "clients", "restore", client_id, "--as-of", str(before), "--keep-secrets", "--yes")
    new = jti_of(await live.access_token(client_id, secret))
    assert await listed(live, "--client", client_id) == [(new, "valid"), (token, "client deleted")]


async def test_a_revoked_token_introspects_as_inactive_and_is_revoked_once(live: Live):
    client_id, secret = await live.register()
    token = await live.access_token(client_id, secret)
    jti = jti_of(token)

    async def active() -> bool:
        form = {"token": token, "client_id": client_id, "client_secret": secret}
        return (await live.http.post("/openid/introspect", data=form)).json()["active"]

    assert await active()
    asked = await on(live.database, "tokens", "revoke", jti)
    assert (asked.status, "say --yes" in asked.err) == (1, True)
    assert (await on(live.database, "tokens", "revoke", jti, "--yes", "--json")).json == {
        "jti": jti,
        "state": "revoked",
    }
    position = await live.last_change()
    assert not await active()
    again = await on(live.database, "tokens", "revoke", jti, "--yes")
    assert again.out == f"The token {jti} is revoked; there is nothing to revoke.\n"
    assert await live.last_change() == position


async def test_a_token_is_shown_and_an_id_that_is_none_is_refused(live: Live):
    client_id, secret = await live.register()
    jti = jti_of(await live.access_token(client_id, secret))
    told, script = await asyncio.gather(
        on(live.database, "tokens", "show", jti), on(live.database, "tokens", "show", jti, "--json")
    )
    facts = dict(line.split(maxsplit=1) for line in told.out.splitlines())
    assert (facts["client"], facts["sub"], facts["state"]) == (client_id, "bot-abc123", "valid")
    assert UUID(script.json["secret_id"])
    malformed, unknown, secrets, authorizations = await asyncio.gather(
        on(live.database, "tokens", "show", "\x1b[2J"),
        on(live.database, "tokens", "show", str(new_id())),
        on(live.database, "tokens", "list", "--secret", "x"),
        on(live.database, "tokens", "list", "--client", "a/b"),
    )
    assert _refusal(malformed) == "muniment: \\x1b[2J is not a jti, which is a UUID.\n"
    assert "No token" in _refusal(unknown)
    assert "is not the id of a secret" in _refusal(secrets)
    assert "is not a client_id" in _refusal(authorizations)


def _refusal(ended: Ended) -> str:
    assert (ended.status, ended.out) == (1, "")
    return ended.err
