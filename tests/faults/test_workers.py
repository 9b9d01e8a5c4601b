"""Several processes, one truth: what one worker registered, every other one knows at once; and all leave together."""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncGenerator, Iterator

import httpx
import pytest

from tests.faults.plain_http import Connection
from tests.faults.serving import Served, operator_bearer, register, served, token
from tests.flows.collector import Collector, collecting
from tests.patience import PATIENCE, until

CALLERS = 10
TIMES = 30


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
async def service(collector: Collector) -> AsyncGenerator[Served]:
    """Four workers."""
    async with served(workers=4, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, MUNIMENT_ACCESS_LOG="on") as service:
        yield service


@contextlib.asynccontextmanager
async def connected(service: Served, number: int) -> AsyncGenerator[list[Connection]]:
    """Connections, each of which meets a worker at random."""
    connections = [await Connection.to(service.url) for _ in range(number)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def _register_then_token(service: Served, bearer: dict[str, str], failures: list[object]) -> None:
    """Each request over one of several connections at random, so that it meets a worker at random."""
    async with connected(service, 4) as connections:
        for _ in range(TIMES):
            status, given = await register(random.choice(connections), bearer)
            if status != 201:
                failures.append(given)
                continue
            status, granted = await token(random.choice(connections), given["clientId"], given["clientSecret"])
            if status != 200:
                failures.append(granted)


async def test_a_client_registered_on_one_of_four_workers_gets_a_token_on_any_other_at_once(service: Served):
    failures: list[object] = []
    bearer = await operator_bearer(service)
    await asyncio.gather(*(_register_then_token(service, bearer, failures) for _ in range(CALLERS)))
    assert failures == []


async def test_a_client_disabled_or_deleted_on_one_of_four_workers_gets_no_token_on_any_from_the_answer_on(
    service: Served,
):
    bearer = await operator_bearer(service)
    async with (
        connected(service, 12) as connections,
        httpx.AsyncClient(verify=False, base_url=service.url, headers=bearer) as http,
    ):
        for verb in ("disable", "delete") * 5:
            _, given = await register(connections[0], bearer)
            client_id, secret = given["clientId"], given["clientSecret"]
            warm = await asyncio.gather(*(token(c, client_id, secret) for c in connections))
            assert {status for status, _ in warm} == {200}
            path = f"/api/v1/auth/clients/{client_id}"
            stopped = await (http.post(f"{path}/disable") if verb == "disable" else http.delete(path))
            assert stopped.status_code in (200, 204)
            after = await asyncio.gather(*(token(c, client_id, secret) for c in connections))
            assert {status for status, _ in after} == {401}


async def test_each_worker_sends_its_own_traces_and_its_lines_name_them(service: Served, collector: Collector):
    async def all_sent() -> bool:
        async with connected(service, 12) as connections:
            await asyncio.gather(*(token(connection, "nobody", "wrong") for connection in connections))
        return len(collector.processes) >= 4

    await until(all_sent)
    requests = {(span.trace_id.hex(), span.span_id.hex()) for span in collector.spans if not span.parent_span_id}
    text = (service.data.parent / "stderr").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    named = {(line["trace_id"], line["span_id"], line["worker"]) for line in lines if "span_id" in line}
    assert requests
    assert requests <= {(trace_id, span_id) for trace_id, span_id, _ in named}
    assert collector.processes == {worker for _, _, worker in named}


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


async def test_workers_whose_parent_was_killed_leave_and_the_next_service_has_the_port(service: Served):
    """(The last test here: of the service that the others asked, only the data stays.)"""
    port = int(service.environment["PORT"])
    assert not _is_free(port)
    await service.kill_parent()
    async with asyncio.timeout(PATIENCE):
        while not _is_free(port):
            await asyncio.sleep(0.02)
    await service.start(workers=1)
    async with connected(service, 1) as [connection]:
        status, _ = await register(connection, await operator_bearer(service))
    assert status == 201
