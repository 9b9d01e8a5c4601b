"""What follows from a compromise, over HTTP and at the command line."""

import getpass
from typing import Any
from uuid import uuid4

import jwt
import pytest

from events.database import read
from projections import sessions
from service import operators
from service.values.scopes import OPERATORS
from tests.flows.conftest import META, Live, refused
from tests.flows.people import logged_in, tokens_for
from tests.flows.test_cli import on
from tests.patience import until

PATH = "/api/v1/audit/blast-radius"
CLIENTS = "/api/v1/auth/clients"
MACHINE = {"m2m": True, "botUserId": "b"}


@pytest.fixture
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("auditor-of-radius", "audit:read")


def jti_of(token: str) -> str:
    return jwt.decode(token, options={"verify_signature": False})["jti"]


def bearer_of(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def radius(live: Live, auditor: dict[str, str], position: int, **query: Any) -> Any:
    """The report, which waits until the feed has reached this position."""

    async def there() -> Any:
        headers = {**auditor, "Muniment-Min-Position": str(position)}
        answer = await live.http.get(PATH, params=query, headers=headers)
        assert answer.status_code in (200, 503), answer.text
        return answer.json() if answer.status_code == 200 else None

    report = await until(there)
    assert report["position"] >= position
    return report


async def registered(live: Live, bearer: dict[str, str]) -> tuple[dict[str, str], int]:
    answer = await live.http.post(CLIENTS, json=MACHINE, headers=bearer)
    assert answer.status_code == 201, answer.text
    return answer.json(), int(answer.headers["muniment-position"])


def ids(report: Any, kind: str) -> set[str]:
    return {each["id"] for each in report["affected"] if each["kind"] == kind}


async def test_the_tokens_clients_and_changes_that_follow_from_a_leaked_secret_are_found_and_no_others(
    live: Live, auditor: dict[str, str]
):
    mallory = await operators.create(live.beside.ledger, "mallory", live.url, META, scopes=OPERATORS)
    stolen = await live.access_token(mallory.client_id, mallory.secret.reveal())
    path = f"{CLIENTS}/{mallory.client_id}/secrets"
    added = (await live.http.post(path, json={"name": "second"}, headers=live.bearer)).json()
    first = (await live.http.get(path, headers=live.bearer)).json()[0]["secretId"]
    other = jti_of(await live.access_token(mallory.client_id, added["clientSecret"]))
    made, changed = await registered(live, bearer_of(stolen))
    its = await live.access_token(made["clientId"], made["clientSecret"])
    _, position = await registered(live, live.bearer)
    report = await radius(live, auditor, position, id=first)
    assert report["origin"] == {"kind": "secret", "id": first}
    assert ids(report, "token") == {jti_of(stolen), jti_of(its)}
    assert other not in str(report)
    assert ids(report, "client") == {made["clientId"]}
    assert ids(report, "change") == {str(changed)}
    assert report["counts"] == {"token": 2, "client": 1, "change": 1, "secret": 1}
    assert report["complete"] is True
    by_id = {each["id"]: each for each in report["affected"]}
    assert by_id[str(changed)]["type"] == "client.registered"
    assert by_id[str(changed)]["via"] == {"kind": "client", "id": mallory.client_id}
    assert by_id[made["clientId"]]["via"] == {"kind": "change", "id": str(changed)}
    later = await radius(live, auditor, position, id=first, since=f"position:{position}")
    assert (later["counts"], later["affected"]) == ({}, [])
    whole = await radius(live, auditor, position, id=mallory.client_id)
    assert {other, jti_of(stolen), jti_of(its)} == ids(whole, "token")
    told = await on(live.database, "blast-radius", first)
    assert told.out.startswith(f"From secret {first} follows: ")
    assert "2 tokens" in told.out
    script = await on(live.database, "blast-radius", first, "--kind", "token", "--json")
    assert ids(script.json, "token") == {jti_of(stolen), jti_of(its)}
    assert ids(script.json, "client") == set()


async def test_what_follows_from_a_session_a_user_and_an_actor_is_found(live: Live, auditor: dict[str, str]):
    client = await live.interactive(displayName="My Web App")
    async with logged_in(live) as person:
        tokens = await tokens_for(live, person, client, "openid")
        [session] = await read(live.beside.ledger.pool, lambda connection: sessions.of_user(connection, person.user))
    made = await on(live.database, "operator", "create", "radius", "--json")
    _, position = await registered(live, live.bearer)
    for origin in (session.stream_id, person.user):
        report = await radius(live, auditor, position, id=str(origin))
        assert ids(report, "token") == {jti_of(tokens["access_token"])}
        assert len(ids(report, "authorization")) == 1
    report = await radius(live, auditor, position, id=f"actor:{getpass.getuser()}", kind="client,token")
    assert made.json["client_id"] in ids(report, "client")


async def test_what_follows_from_a_bot_of_another_directory_is_what_its_clients_did(
    live: Live, auditor: dict[str, str]
):
    client_id, secret = await live.register(botUserId="bot-of-radius")
    jti = jti_of(await live.access_token(client_id, secret))
    _, position = await registered(live, live.bearer)
    await radius(live, auditor, position, id=client_id)
    report = await radius(live, auditor, position, id="bot-of-radius")
    assert report["origin"]["kind"] == "bot"
    assert (ids(report, "client"), ids(report, "token")) == ({client_id}, {jti})


async def test_what_follows_from_a_public_client_is_found_by_the_client_itself(live: Live, auditor: dict[str, str]):
    client_id, _ = await live.interactive(public=True)
    async with logged_in(live) as person:
        tokens = await tokens_for(live, person, (client_id, None), "openid")
    _, position = await registered(live, live.bearer)
    report = await radius(live, auditor, position, id=client_id)
    assert ids(report, "token") == {jti_of(tokens["access_token"])}


async def test_pages_are_linked_and_what_is_wrong_is_refused(live: Live, auditor: dict[str, str]):
    client_id, secret = await live.register()
    jtis = {jti_of(await live.access_token(client_id, secret)) for _ in range(5)}
    _, position = await registered(live, live.bearer)
    await radius(live, auditor, position, id=client_id)
    page = await live.http.get(PATH, params={"id": client_id, "kind": "token", "limit": 2}, headers=auditor)
    found = ids(page.json(), "token")
    while "next" in page.links:
        page = await live.http.get(page.links["next"]["url"], headers=auditor)
        found |= ids(page.json(), "token")
    assert found == jtis
    answer = await live.http.get(f"{PATH}?since=x&kind=y&limit=0&cursor=z&w=1", headers=auditor)
    assert refused(answer, 400)["errors"].keys() == {"id", "since", "kind", "limit", "cursor", "w"}
    for nothing in (f"oauth_client_{uuid4().hex}", "nobody", "a b", "actor:nosuch"):
        answer = await live.http.get(PATH, params={"id": nothing}, headers=auditor)
        assert answer.status_code == (200 if nothing.startswith("oauth_client_") else 404)
    unknown = await on(live.database, "blast-radius", "nobody")
    assert (unknown.status, "There is nothing with this id" in unknown.err) == (1, True)
    idle = await on(live.database, "blast-radius", "actor:nosuch")
    assert (idle.status, "actor:nosuch did nothing that was recorded" in idle.err) == (1, True)
