"""`muniment serve` as its users run it: a process of its own, on a data directory of its own, that can be killed."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import open_directory
from tests.patience import PATIENCE

MUNIMENT = Path(sys.executable).with_name("muniment")


class Served:
    """One data directory and port; the service on it is started, killed and started again."""

    def __init__(self, data: Path, *, workers: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.data = data
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")},
            "PORT": str(port),
            "MUNIMENT_DATA": str(data),
            "MUNIMENT_RATE_LIMIT": "0",
        }
        self._workers = workers
        self._process: Process | None = None

    async def start(self) -> None:
        """Returns when it answers."""
        with (self.data.parent / "stderr").open("ab") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *(MUNIMENT, "serve", "--workers", str(self._workers)),
                env=self.environment,
                start_new_session=True,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
            )
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(verify=False) as http:
            while not await _answers(http, self.url):
                assert self._process.returncode is None, (self.data.parent / "stderr").read_text()
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL, to every process of the service at once; its Postgres is left behind."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def kill_parent(self) -> None:
        """SIGKILL, to the process that was started and to none of its workers: as the OOM killer does it."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, as an operator would."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    def operator(self) -> dict[str, str]:
        return json.loads((self.data / "operator.json").read_text())

    async def muniment(self, *arguments: str) -> tuple[int, str]:
        """(exit status, what it printed) of a command on the same data directory."""
        process = await asyncio.create_subprocess_exec(
            MUNIMENT, *arguments, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()


@asynccontextmanager
async def served(*, workers: int = 1) -> AsyncGenerator[Served]:
    with open_directory() as place:
        service = Served(place / "data", workers=workers)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()


async def token(http: httpx.AsyncClient, client_id: str, client_secret: str, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret, **more}
    return await http.post("/openid/token", data=form)


async def operator_bearer(http: httpx.AsyncClient, service: Served) -> dict[str, str]:
    given = service.operator()
    answer = await token(http, given["client_id"], given["client_secret"])
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def register(http: httpx.AsyncClient, bearer: dict[str, str], **more: Any) -> httpx.Response:
    return await http.post(
        "/api/v1/auth/clients", json={"m2m": True, "botUserId": "bot-abc123", **more}, headers=bearer
    )


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await http.get(f"{url}/health/ready")).status_code == 200
    return False
