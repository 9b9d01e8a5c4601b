"""kill -9 of the service and of its Postgres, at random moments, under load: nothing that was answered is lost, nothing is good twice."""

import asyncio
import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import pytest

from events.ids import client_id_of
from service.embedded.cluster import running
from tests.faults.logins import LoggedIn, log_in, prepared
from tests.faults.plain_http import Connection
from tests.faults.serving import Served, operator_bearer, register, served, token
from tests.patience import PATIENCE

KILLS = ["the service"] * 8 + ["Postgres"] * 12
ALL_SECONDS = 600
"""For all kills and recoveries together; a quiet machine needs a tenth of it."""
CALLERS = 4
PAUSE = 0.03
"""Seconds between two requests of a caller: some are always under way, and the processor is left to the service."""


class Answered:
    """Everything that the service said was done."""

    def __init__(self) -> None:
        self.clients: list[str] = []
        self.tokens: list[str] = []
        self.refused: list[object] = []


async def _call(service: Served, bearer: dict[str, str], answered: Answered, over: asyncio.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            connection = await Connection.to(service.url)
            with contextlib.closing(connection):
                while not over.is_set():
                    await _register_and_use(connection, bearer, answered)
                    await asyncio.sleep(PAUSE)
        await asyncio.sleep(PAUSE)


async def _register_and_use(connection: Connection, bearer: dict[str, str], answered: Answered) -> None:
    status, given = await register(connection, bearer)
    if status == 201:
        answered.clients.append(given["clientId"])
        status, granted = await token(connection, given["clientId"], given["clientSecret"])
        if status == 200:
            claims = jwt.decode(granted["access_token"], options={"verify_signature": False})
            answered.tokens.append(claims["jti"])
        elif status != 503:
            answered.refused.append(granted)
    elif status != 503:
        answered.refused.append(given)


async def _kill_at_random(service: Served, answered: Answered, logged_in: LoggedIn, seed: int) -> None:
    chance = random.Random(seed)
    await _back_at_work(answered, logged_in)
    for killed in chance.sample(KILLS, len(KILLS)):
        await asyncio.sleep(chance.uniform(0.02, 0.25))
        if killed == "the service":
            await service.kill()
            await service.start()
        else:
            os.kill(await _postmaster(service.data), signal.SIGKILL)
        await _back_at_work(answered, logged_in)


async def _back_at_work(answered: Answered, logged_in: LoggedIn) -> None:
    """For machines and for people: a login takes several requests, and a kill sends it back to its first."""
    tokens, logins = len(answered.tokens), logged_in.count
    while len(answered.tokens) <= tokens or logged_in.count <= logins:
        await asyncio.sleep(0.02)


async def _postmaster(data: Path) -> int:
    """(For a moment, while it starts, there is none.)"""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(FileNotFoundError, ValueError):
                return int((data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
            await asyncio.sleep(0.01)


@pytest.mark.timeout(ALL_SECONDS + PATIENCE)
async def test_nothing_answered_is_lost_when_the_service_and_postgres_are_killed_twenty_times_under_load():
    seed = int(os.environ.get("TEST_SEED") or time.time_ns())
    print(f"TEST_SEED={seed}")  # noqa: T201 - shown when the test fails, to run it again
    answered, logged_in, over = Answered(), LoggedIn(), asyncio.Event()
    async with served() as service:
        bearer = await operator_bearer(service)
        async with httpx.AsyncClient(verify=False, base_url=service.url) as http:
            client_id = await prepared(http, bearer)
        callers = [asyncio.create_task(_call(service, bearer, answered, over)) for _ in range(CALLERS)]
        callers += [asyncio.create_task(log_in(service, client_id, logged_in, over)) for _ in range(2)]
        try:
            async with asyncio.timeout(ALL_SECONDS):
                await _kill_at_random(service, answered, logged_in, seed)
        finally:
            over.set()
            await asyncio.gather(*callers)
        assert answered.refused == logged_in.odd == []
        assert set(logged_in.answers.values()) <= {0, 1}
        assert await _missing(service, answered, logged_in) == (set(), set(), set(), [])
        for command in (("log", "verify"), ("projections", "verify")):
            status, printed = await service.muniment(*command)
            assert status == 0, printed


TWICE = """
select stream_id from log.events where type = 'authorization.code_redeemed' group by stream_id having count(*) > 1
"""
REFRESH_TOKENS = """
select convert_from(data, 'UTF8')::json ->> 'hash' from log.events
 where type in ('authorization.refresh_token_issued', 'authorization.refresh_token_rotated')
"""


async def _missing(
    service: Served, answered: Answered, logged_in: LoggedIn
) -> tuple[set[str], set[str], set[str], list[Any]]:
    """Clients, tokens and refresh tokens that were answered and are not in the logs; authorizations whose code was redeemed twice."""
    with running(service.data) as url:
        database = await asyncpg.connect(url)
        try:
            registered = await database.fetch("select stream_id from log.events where type = 'client.registered'")
            issued = await database.fetch("select jti from log.issuance")
            refresh_tokens = {row[0] for row in await database.fetch(REFRESH_TOKENS)}
            twice = await database.fetch(TWICE)
        finally:
            await database.close()
    clients = {client_id_of(row["stream_id"]) for row in registered}
    tokens = {*answered.tokens, *logged_in.tokens} - {str(row["jti"]) for row in issued}
    return set(answered.clients) - clients, tokens, set(logged_in.refresh_tokens) - refresh_tokens, twice
