"""A live service on a socket, with an operator, and clients to speak to it with."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from msgspec import Struct, structs

from events.envelope import ByService, Meta
from service import operators, rotation
from service.app import app
from service.credentials import new_id
from service.oauth import keys
from service.services import opened
from service.settings import Settings, read
from tests.conftest import fresh_database

MASTER_KEY = b"k" * 32
META = Meta(actor=ByService(why="test"), request_id="test")


class Live(Struct, frozen=True, kw_only=True):
    """A running service: its base URL, its database, and the operator's credentials."""

    url: str
    database: str
    client_id: str
    client_secret: str
    http: Any
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def register(self, **body: Any) -> tuple[str, str]:
        """(client_id, client_secret) of a new machine client."""
        asked = {"m2m": True, "botUserId": "bot-abc123", **body}
        response = await self.http.post("/api/v1/auth/clients", json=asked, headers=self.bearer)
        assert response.status_code == 201, response.text
        return response.json()["clientId"], response.json()["clientSecret"]

    async def token_for(self, client_id: str, client_secret: str, **more: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret, **more}
        return await self.http.post("/openid/token", data=form)

    async def access_token(self, client_id: str, client_secret: str, **more: str) -> str:
        response = await self.token_for(client_id, client_secret, **more)
        assert response.status_code == 200, response.text
        return response.json()["access_token"]

    async def caller(self, sub: str, *scopes: str) -> dict[str, str]:
        """The Authorization header of another caller, who acts as `sub` and holds these scopes."""
        settings = settings_for(self.database, self.url)
        async with opened(settings, self.database, MASTER_KEY) as services:
            made = await operators.create(services.ledger, sub, self.url, META, scopes=scopes)
        return {"Authorization": f"Bearer {await self.access_token(made.client_id, made.secret.reveal())}"}


def settings_for(database: str, issuer: str, **changes: Any) -> Settings:
    environment = {"MUNIMENT_DATABASE_URL": database, "MUNIMENT_MASTER_KEY": base64.urlsafe_b64encode(MASTER_KEY).decode()}
    return structs.replace(read(environment), issuer=issuer, audience=issuer, data=Path("/nonexistent"), **changes)


@asynccontextmanager
async def serving(database: str, **changes: Any) -> AsyncIterator[Live]:
    """The service on a free port, in this process, over real sockets."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = settings_for(database, url, **changes)
    async with opened(settings, database, MASTER_KEY) as services:
        await rotation.prepare(services.ledger, keys.wrapping(MASTER_KEY), META)
        operator = await operators.create(services.ledger, f"operator-{new_id().hex}", url, META)
    server = uvicorn.Server(uvicorn.Config(app(settings), log_config=None, access_log=False, lifespan="on"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with httpx.AsyncClient(base_url=url, timeout=10) as http:
            live = await _ready(http, running)
            assert live
            secret = operator.secret.reveal()
            form = {"grant_type": "client_credentials", "client_id": operator.client_id, "client_secret": secret}
            token = (await http.post("/openid/token", data=form)).json()["access_token"]
            yield Live(url=url, database=database, client_id=operator.client_id, client_secret=secret, http=http, token=token)
    finally:
        server.should_exit = True
        await running


async def _ready(http: httpx.AsyncClient, running: asyncio.Task[None]) -> bool:
    while not running.done():
        try:
            if (await http.get("/health/ready")).status_code == 200:
                return True
        except httpx.TransportError:
            await asyncio.sleep(0.01)
    return False


@pytest.fixture(scope="session")
async def live(postgres: str) -> AsyncIterator[Live]:
    """One service for all tests that leave each other alone; its rate limit is off."""
    async with serving(await fresh_database(postgres), rate_limit=0, failed_auth_limit=0) as live:
        yield live
