"""The metrics of `muniment serve` with several workers, of which one is killed."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from tests.conftest import open_directory
from tests.faults.serving import Served
from tests.flows.alerting import samples_of
from tests.patience import until

WORKERS = 2
ISSUED = (
    'muniment_token_requests_total{job="muniment",instance="127.0.0.1:9464",grant="client_credentials",result="issued"}'
)
OF = '{job="muniment",instance="127.0.0.1:9464"}'


@pytest.fixture
async def service() -> AsyncGenerator[Served]:
    """Its files of metrics are beside its data."""
    with open_directory() as place:
        service = Served(place / "data")
        (place / "tmp").mkdir()
        service.environment["TMPDIR"] = str(place / "tmp")
        await _start(service)
        yield service
        await service.stop()
        assert not list((place / "tmp").glob("muniment-metrics-*"))


async def _start(service: Served) -> None:
    """On a free port; when somebody else takes it first, on another."""
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as free:
            service.environment["MUNIMENT_METRICS_ADDRESS"] = f"127.0.0.1:{free.getsockname()[1]}"
        try:
            await service.start(workers=WORKERS)
        except AssertionError as fault:
            if "cannot answer on" not in str(fault):
                raise
        else:
            return
    raise AssertionError("no port stays free")


async def test_what_all_workers_counted_is_one_number_that_no_death_makes_smaller(service: Served):
    given = service.operator()
    form = {
        "grant_type": "client_credentials",
        "client_id": given["client_id"],
        "client_secret": given["client_secret"],
    }

    async def samples() -> dict[str, float]:
        async with httpx.AsyncClient() as http:
            address = service.environment["MUNIMENT_METRICS_ADDRESS"]
            return samples_of((await http.get(f"http://{address}/metrics")).text)

    async def issue(number: int) -> None:
        async def issue_one() -> int:  # over a connection of its own, so that it meets any worker
            async with httpx.AsyncClient(base_url=service.url) as http:
                return (await http.post("/openid/token", data=form)).status_code

        assert await asyncio.gather(*(issue_one() for _ in range(number))) == [200] * number

    async def shows(issued: int, **more: float) -> bool:
        found = await samples()
        return found[ISSUED] == issued and all(found[name + OF] == value for name, value in more.items())

    await issue(20)
    await until(lambda: shows(20, muniment_workers=WORKERS, muniment_workers_ended_total=0))
    os.kill(_workers(service)[0], signal.SIGKILL)
    await until(lambda: shows(20, muniment_workers=WORKERS, muniment_workers_ended_total=1))
    await issue(5)
    await until(lambda: shows(25))


def _workers(service: Served) -> list[int]:
    """The workers, by the names of the files that they count in."""
    [directory] = Path(service.environment["TMPDIR"]).glob("muniment-metrics-*")
    return [int(file.name.partition("-")[0]) for file in directory.glob("*.cells")]
