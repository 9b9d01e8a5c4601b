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

from tests.conftest import open_directory
from tests.faults.plain_http import Connection
from tests.patience import PATIENCE

MUNIMENT = Path(sys.executable).with_name("muniment")
ANSWERS = b"Ctrl-C stops it."
"""The end of what the service says once it answers."""


class Served:
    """One data directory and port; the service on it is started, killed and started again."""

    def __init__(self, data: Path) -> None:
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
        self._process: Process | None = None
        self.answers = asyncio.Event()
        """Set while it is not known to be away."""

    async def start(self, *, workers: int = 1) -> None:
        """Returns when it answers."""
        said = self.data.parent / "stdout"
        with said.open("wb") as stdout, (self.data.parent / "stderr").open("ab") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *(MUNIMENT, "serve", "--workers", str(workers)),
                env=self.environment,
                start_new_session=True,
                stdout=stdout,
                stderr=stderr,
            )
        async with asyncio.timeout(PATIENCE):
            while ANSWERS not in said.read_bytes():
                assert self._process.returncode is None, (self.data.parent / "stderr").read_text()
                await asyncio.sleep(0.02)
        self.answers.set()

    async def kill(self) -> None:
        """SIGKILL, to every process of the service at once; its Postgres is left behind."""
        assert self._process is not None
        self.answers.clear()
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
async def served(*, workers: int = 1, **settings: str) -> AsyncGenerator[Served]:
    with open_directory() as place:
        service = Served(place / "data")
        service.environment |= settings
        await service.start(workers=workers)
        try:
            yield service
        finally:
            await service.stop()


async def token(connection: Connection, client_id: str, client_secret: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return await connection.post_form("/openid/token", {**form, "scope": "api:public"})


async def operator_bearer(service: Served) -> dict[str, str]:
    given = service.operator()
    connection = await Connection.to(service.url)
    form = {
        "grant_type": "client_credentials",
        "client_id": given["client_id"],
        "client_secret": given["client_secret"],
    }
    _, granted = await connection.post_form("/openid/token", form)
    connection.close()
    return {"Authorization": f"Bearer {granted['access_token']}"}


async def register(connection: Connection, bearer: dict[str, str]) -> tuple[int, dict[str, Any]]:
    return await connection.post_json("/api/v1/auth/clients", bearer, {"m2m": True, "botUserId": "bot-abc123"})
