"""A database that goes away: requests recover by themselves, and what cannot be promised is not answered with a success."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx
import jwt
import pytest

from service.app import app
from service.embedded.cluster import running
from service.migrations.run import migrate
from tests.conftest import FAST, WHERE, named
from tests.flows.conftest import Live, new_database, oauth_error, refused, serving, settings_for
from tests.patience import until

CLIENTS = "/api/v1/auth/clients"
BOTS = "/api/v1/auth/bots"


async def terminate(live: Live) -> None:
    """Every connection to the service's database is cut, in whatever it is doing."""
    admin = await asyncpg.connect(named(live.database, "postgres"))
    name = live.database.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()", name
    )
    await admin.close()


@pytest.fixture(scope="module")
async def shaken(postgres: str) -> AsyncIterator[Live]:
    """A service of its own, whose connections are cut; its rate limit is on, for that needs the database too."""
    async with serving(await new_database(postgres), rate_limit=100_000) as live:
        yield live


async def each_kind(live: Live) -> list[httpx.Response]:
    """One request of every kind, all at once."""
    client = {"client_id": live.client_id, "client_secret": live.client_secret}
    return await asyncio.gather(
        live.http.get(CLIENTS, headers=live.bearer),
        live.http.get(f"{CLIENTS}/{live.client_id}", headers=live.bearer),
        live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=live.bearer),
        live.http.post(f"{CLIENTS}/{live.client_id}/enable", headers=live.bearer),
        live.http.get(f"{CLIENTS}/{live.client_id}/secrets", headers=live.bearer),
        live.http.get(BOTS, headers=live.bearer),
        live.http.get(CLIENTS, headers={"Authorization": "Bearer x"}),
        live.http.post("/openid/token", data={"grant_type": "client_credentials", **client}),
        live.http.post("/openid/token", data={"grant_type": "client_credentials", **client, "client_secret": "wrong"}),
        live.http.post("/openid/introspect", data={"token": live.token, **client}),
        live.http.post("/openid/revoke", data={"token": "x", **client}),
    )


async def unready(live: Live) -> httpx.Response | None:
    answer = await live.http.get("/health/ready")
    return answer if answer.status_code == 503 else None


WELL = [200, 200, 201, 200, 200, 200, 401, 200, 401, 200, 200]


async def test_requests_after_the_connections_were_cut_are_answered_as_if_nothing_had_been(shaken: Live):
    for _ in range(3):
        await terminate(shaken)
        assert [answer.status_code for answer in await each_kind(shaken)] == WELL


async def test_under_load_every_answer_is_a_success_or_a_503_and_no_success_is_lost(shaken: Live):
    done = asyncio.Event()
    registered: list[tuple[str, str]] = []
    statuses: set[int] = set()

    async def keep_registering() -> None:
        while not done.is_set():
            answer = await shaken.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=shaken.bearer)
            statuses.add(answer.status_code)
            if answer.status_code == 201:
                registered.append((answer.json()["clientId"], answer.json()["clientSecret"]))

    async def keep_asking() -> None:
        while not done.is_set():
            statuses.add((await shaken.token_for(shaken.client_id, shaken.client_secret)).status_code)

    working = [asyncio.create_task(work()) for work in (keep_registering, keep_registering, keep_asking, keep_asking)]
    for cut in range(8):
        while len(registered) <= cut:  # so that something is on its way each time
            await asyncio.sleep(0.01)
        await terminate(shaken)
    done.set()
    await asyncio.gather(*working)
    assert statuses <= {200, 201, 503}
    assert {200, 201} <= statuses
    answers = await asyncio.gather(*(shaken.token_for(*client) for client in registered))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_worker_starts_although_the_database_is_away_and_says_that_it_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
):
    """A worker that ended at its start would take its siblings, who wait for the database too, with it."""
    monkeypatch.setattr("events.database.PATIENCE_SECONDS", 0.05)
    nowhere = "postgresql://nobody@/nowhere?host=/nonexistent"
    application = app(settings_for(nowhere, "http://test"))
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(verify=False, base_url="http://test", transport=httpx.ASGITransport(application)) as http,
    ):
        assert (await http.get("/health/live")).status_code == 200
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
        refused(await http.get(CLIENTS, headers={"Authorization": "Bearer x"}), 503)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory in which a Postgres of any account can live, so that all of it goes with the directory."""
    with TemporaryDirectory(dir=WHERE) as root:
        Path(root).chmod(0o711)
        made = Path(root) / "data"
        made.mkdir()
        yield made


async def test_a_database_that_is_stopped_is_a_503_and_once_started_again_everything_is_as_before(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    with ExitStack() as first, ExitStack() as second:
        url = await asyncio.to_thread(first.enter_context, running(data, settings=FAST))
        await migrate(url)
        async with serving(url, rate_limit=100_000) as live:
            client = await live.register()
            kept = await live.access_token(*client)
            await asyncio.to_thread(first.close)

            monkeypatch.setattr("events.database.PATIENCE_SECONDS", 0.2)
            for answer in await each_kind(live):
                assert answer.headers["retry-after"] == "1"
                if "/openid/" in str(answer.url):
                    oauth_error(answer, 503, "temporarily_unavailable")
                else:
                    refused(answer, 503)
            ready = await until(lambda: unready(live))  # what is known may be taken for current for a second
            assert ready.headers["retry-after"] == "1"
            keys = jwt.PyJWKSet.from_dict((await live.http.get("/openid/jwks")).json())
            assert (
                jwt.decode(kept, keys[jwt.get_unverified_header(kept)["kid"]], ["ES256"], audience=live.url)[
                    "client_id"
                ]
                == client[0]
            )
            assert (await live.http.get("/health/live")).status_code == 200
            assert (await live.http.get("/.well-known/openid-configuration")).status_code == 200

            monkeypatch.undo()
            await asyncio.to_thread(second.enter_context, running(data, settings=FAST))
            assert [answer.status_code for answer in await each_kind(live)] == WELL
            assert (await live.http.get("/health/ready")).status_code == 200
            assert (await live.token_for(*client)).status_code == 200
            form = {"token": kept, "client_id": client[0], "client_secret": client[1]}
            assert (await live.http.post("/openid/introspect", data=form)).json()["active"]
            shown = await live.http.get(CLIENTS, params={"limit": "1000"}, headers=live.bearer)
            assert (
                len(shown.json()) == 3
            )  # the operator, the client, and the one registered since: nothing was done while it was away
