"""muniment status: an installation on one screen, with an exit status for a monitor."""

import re
from urllib.parse import urlsplit

import asyncpg
import pytest

from service.cli import status
from service.migrations.version import WANTED
from tests.flows.conftest import Live, new_database, serving
from tests.flows.test_cli import on
from tests.patience import until

NOWHERE = "http://127.0.0.1:1"

ALL_STOPPED_AND_DIFFERENT = """
with stopped as (
  update read.checkpoints set state = 'failed', failed_position = 1, error = 'by a bug' returning name
)
insert into read.verifications (name, verified_at, outcome, position, rows, digest, expected_digest, seconds)
select name, now(), 'differs', 1, 1, 'a', 'b', 1 from stopped returning name
"""


async def test_an_installation_fits_on_one_screen_of_80_columns(live: Live):
    client_id, secret = await live.register()
    await live.access_token(client_id, secret)
    ours = {"MUNIMENT_ISSUER": live.url}
    await until(lambda: live.beside.ledger.pool.fetchval("select count(distinct tree) = 2 from log.checkpoints"))
    script, told = await on(live.database, "status", "--json", **ours), await on(live.database, "status", **ours)
    found = script.json
    assert (script.status, found["ok"], found["why"]) == (0, True, None)
    assert found["service"] == {"url": live.url, "ready": True, "version": "0.1.0", "why": None}
    inside = found["installation"]
    assert inside["database"]["schema"] == WANTED
    assert inside["workers"] >= 1
    assert [head["log"] for head in inside["logs"]] == ["events", "issuance"]
    assert inside["logs"][0]["position"] >= await live.last_change()
    assert inside["tokens"]["day"] >= inside["tokens"]["hour"] >= inside["tokens"]["minute"] >= 1
    assert {key["alg"] for key in inside["keys"] if key["state"] == "active"} == {"ES256", "RS256", "EdDSA"}
    assert [each["log"] for each in inside["checkpoints"]] == ["events", "issuance"]
    lines = told.out.splitlines()
    assert (told.status, told.err) == (0, "")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"service      ready at {live.url}, version 0.1.0"


async def test_what_a_monitor_should_know_has_exit_status_1(live: Live):
    silent = await on(live.database, "status", "--json", "--url", NOWHERE)
    assert (silent.status, silent.json["service"]["ready"], silent.json["why"]) == (1, False, None)
    assert silent.json["installation"]["tokens"]["day"] >= 0
    for wrong in (
        "http://127.0.0.1:99999",
        "http://[::1",
        f"http://{'a' * 64}.example",
        f"{live.url}/ü",
        "ftp://x",
        "x",
    ):
        unusable = await on(live.database, "status", "--json", "--url", wrong)
        assert (unusable.status, unusable.json["service"]["ready"]) == (1, False)
        assert "that is not a usable URL" in unusable.json["service"]["why"]
    another = await on(live.database, "status", "--url", f"{live.url}/docs")
    assert another.status == 1
    assert "NOT ready" in another.out.splitlines()[0]
    dead = await on("postgresql://u:pa55@127.0.0.1:1/m", "status", "--url", live.url)
    assert dead.status == 1
    assert "database  NOT usable: The database cannot be used" in dead.out
    assert "pa55" not in dead.out + dead.err


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"status": "not ready", "why": "the disk is full"}', "the disk is full"),
        (b'{"status": "not ready"}', "status 200"),
        (b'{"status": "ok"}', "what answers there is not Muniment"),
        (b'{"position": 7}', "what answers there is not Muniment"),
        (b'{"status": "ready", "version": "\xff"}', "what answers there is not Muniment"),
    ],
)
def test_only_an_answer_of_muniment_that_says_ready_counts_as_ready(body: bytes, why: str):
    found = status.read(NOWHERE, 200, body)
    assert (found.ready, found.why) == (False, why)


async def test_a_database_that_is_lost_meanwhile_or_has_another_schema_is_one_fact_of_the_status(
    postgres: str,
):
    url = await new_database(postgres)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "alter table log.cosignatures rename to elsewhere; update alembic_version set version_num = '9999'"
    )
    await connection.close()
    newer = await on(url, "status", "--json", "--url", NOWHERE)
    assert (newer.status, newer.json["installation"]) == (1, None)
    assert newer.json["why"].startswith("The database cannot be used: ")


async def test_projections_that_need_an_operator_are_named_in_lines_that_fit(postgres: str):
    async with serving(await new_database(postgres), verification_hours=0) as live:
        pool = live.beside.ledger.pool
        await until(lambda: pool.fetchval("select count(*) > 10 from read.checkpoints"))
        every = [row[0] for row in await pool.fetch(ALL_STOPPED_AND_DIFFERENT)]
        told = (await on(live.database, "status", "--url", live.url)).out
    assert max(map(len, told.splitlines())) <= 80
    _, stopped, different = re.split(r"  STOPPED | DIFFERENT ", told)
    for name in every:
        assert re.search(rf"\b{name}\b", stopped)
        assert re.search(rf"\b{name}\b", different)


async def test_workers_are_unknown_to_a_login_that_may_not_see_their_sessions(postgres: str):
    url = await new_database(postgres)
    superuser = await asyncpg.connect(url)
    await superuser.execute("create role onlooker login password 'pw' in role muniment_service")
    try:
        login = url.replace(urlsplit(url).netloc, "onlooker:pw@", 1)
        script, told = [await on(login, "status", *words, "--url", NOWHERE) for words in (["--json"], [])]
    finally:
        await superuser.execute("drop role onlooker")
        await superuser.close()
    assert script.json["installation"]["workers"] is None
    assert "unknown: this login may not see" in told.out
