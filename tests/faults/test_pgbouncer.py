"""PgBouncer in front of the database: in session mode everything works; another mode is refused at the start with a sentence."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from events.database import connect
from projections import registry
from projections.engine.rebuild import rebuild
from service import fitness
from tests.conftest import WHERE, fresh_database
from tests.flows.conftest import serving

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed (Debian's package of this name)")

CONFIGURATION = """
[databases]
{databases}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
max_client_conn = 100
default_pool_size = 40
"""
MODES = ("session", "transaction", "statement")


@pytest.fixture(scope="module")
def pooled(postgres: str) -> Iterator[dict[str, str]]:
    """For each mode the URL of the same database through a pooler in this mode; and the database's own, under ""."""
    url = asyncio.run(fresh_database(postgres))
    parts, directory = urlsplit(url), Path(parse_qs(urlsplit(url).query)["host"][0])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    there = f"host={directory} port=5432 dbname={parts.path[1:]} user={parts.username} password={unquote(parts.password or '')}"
    databases = "\n".join(f"{mode} = {there} pool_mode={mode}" for mode in MODES)
    account = directory.stat()  # PgBouncer does not run as root, and only this account reaches the socket
    file = WHERE / f"muniment-pgbouncer-{port}.ini"
    file.touch(0o600)
    file.write_text(CONFIGURATION.format(databases=databases, port=port))
    shutil.chown(file, account.st_uid, account.st_gid)
    assert PGBOUNCER is not None
    process = subprocess.Popen(
        [PGBOUNCER, "-q", file], user=account.st_uid, group=account.st_gid, extra_groups=[], stderr=subprocess.DEVNULL
    )
    try:
        asyncio.run(_listening(port, process))
        yield {"": url, **{mode: f"postgresql://anybody@127.0.0.1:{port}/{mode}" for mode in MODES}}
    finally:
        process.terminate()
        process.wait()
        file.unlink()


async def _listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    pytest.fail("pgbouncer did not start")


async def test_in_session_mode_the_service_works_as_its_role_and_its_tables_stay_its_own(pooled: dict[str, str]):
    url = pooled["session"]
    await fitness.check_pooler(url)
    async with serving(url) as live:
        await live.access_token(*await live.register())
        for name in registry.everything():
            await rebuild(url, name, lambda _done, _total: None)
        await live.access_token(*await live.register())
        assert (await live.http.get("/health/ready")).status_code == 200
    connection = await asyncpg.connect(pooled[""])
    owners = "select distinct tableowner from pg_tables where schemaname in ('read', 'vault', 'limits')"
    assert [row[0] for row in await connection.fetch(owners)] == ["muniment_service"]
    await connection.close()


async def test_a_session_that_is_handed_on_has_forgotten_whose_it_was(pooled: dict[str, str]):
    for zone in ("UTC", "Asia/Tokyo"):
        connection = await connect(pooled["session"], timezone=zone)
        assert await connection.fetchrow("select current_user, current_setting('timezone')") == (
            "muniment_service",
            zone,
        )
        await connection.close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_another_mode_is_refused_with_a_sentence(pooled: dict[str, str], mode: str):
    with pytest.raises(fitness.Unfit, match=r"is not in session mode.*pool_mode = session"):
        await fitness.check_pooler(pooled[mode])


async def test_postgres_itself_is_no_pooler(pooled: dict[str, str]):
    await fitness.check_pooler(pooled[""])


async def test_of_several_hosts_the_first_that_answers_is_taken(pooled: dict[str, str]):
    port = urlsplit(pooled["session"]).port
    connection = await connect(f"postgresql://anybody@127.0.0.1:1,127.0.0.1:{port}/session?connect_timeout=3")
    assert await connection.fetchval("select current_user") == "muniment_service"
    await connection.close()
    with pytest.raises(OSError, match=r"127\.0\.0\.1:1: .*; 127\.0\.0\.1:2: "):
        await connect("postgresql://anybody@127.0.0.1:1,127.0.0.1:2/session")
