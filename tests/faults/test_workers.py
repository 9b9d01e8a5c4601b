"""Several processes, one truth: what one worker registered, every other one knows at once; and all leave together."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.faults.plain_http import Connection
from tests.faults.serving import Served, operator_bearer, register, served, token
from tests.patience import PATIENCE

REGISTRATIONS = 2000
CALLERS = 20


async def _register_then_token(url: str, bearer: dict[str, str], times: int, failures: list[object]) -> None:
    """Each request over one of several connections at random, so that it meets a worker at random."""
    connections = [await Connection.to(url) for _ in range(4)]
    for _ in range(times):
        asked = {"m2m": True, "botUserId": "bot-abc123"}
        status, given = await random.choice(connections).post_json("/api/v1/auth/clients", bearer, asked)
        if status != 201:
            failures.append(given)
            continue
        form = {
            "grant_type": "client_credentials",
            "client_id": given["clientId"],
            "client_secret": given["clientSecret"],
        }
        status, granted = await random.choice(connections).post_form("/openid/token", {**form, "scope": "api:public"})
        if status != 200:
            failures.append(granted)
    for connection in connections:
        await connection.close()


@pytest.fixture(scope="module")
async def service() -> AsyncGenerator[Served]:
    """Four workers."""
    async with served(workers=4) as service:
        yield service


@pytest.mark.timeout(200)
async def test_a_client_registered_on_one_of_four_workers_gets_a_token_on_any_other_at_once(service: Served):
    failures: list[object] = []
    async with httpx.AsyncClient(verify=False, base_url=service.url) as http:
        bearer = await operator_bearer(http, service)
        each = REGISTRATIONS // CALLERS
        await asyncio.gather(*(_register_then_token(service.url, bearer, each, failures) for _ in range(CALLERS)))
    assert failures == []


async def test_a_client_disabled_or_deleted_on_one_of_four_workers_gets_no_token_on_any_from_the_answer_on(
    service: Served,
):
    connections = [httpx.AsyncClient(verify=False, base_url=service.url) for _ in range(12)]
    bearer = await operator_bearer(connections[0], service)
    for verb in ("disable", "delete"):
        for _ in range(10):
            given = (await register(connections[0], bearer)).json()
            client_id, secret = given["clientId"], given["clientSecret"]
            warm = await asyncio.gather(*(token(c, client_id, secret) for c in connections))
            assert {answer.status_code for answer in warm} == {200}
            path = f"/api/v1/auth/clients/{client_id}"
            stopped = (
                await connections[1].post(f"{path}/disable", headers=bearer)
                if verb == "disable"
                else await connections[1].delete(path, headers=bearer)
            )
            assert stopped.status_code in (200, 204)
            after = await asyncio.gather(*(token(c, client_id, secret) for c in connections))
            assert {answer.status_code for answer in after} == {401}
    for connection in connections:
        await connection.aclose()


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


async def test_workers_whose_parent_was_killed_leave_and_the_next_service_has_the_port():
    async with served(workers=2) as service:
        port = int(service.environment["PORT"])
        assert not _is_free(port)
        await service.kill_parent()
        async with asyncio.timeout(PATIENCE):
            while not _is_free(port):
                await asyncio.sleep(0.02)
        await service.start()
        async with httpx.AsyncClient(verify=False, base_url=service.url) as http:
            assert (await register(http, await operator_bearer(http, service))).status_code == 201
