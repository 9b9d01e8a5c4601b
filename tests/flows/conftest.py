"""A live service on a socket, with an operator, and clients to speak to it with."""

import asyncio
import base64
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from msgspec import Struct, json
from starlette.applications import Starlette

from events.envelope import ByService, Meta
from service import operators, rotation
from service.app import app
from service.configuration.settings import Settings, read_settings
from service.console.api import Answer
from service.crypto.credentials import new_id
from service.embedded import login
from service.grants import refusal_events, registration_permission
from service.http.busy import Application
from service.resources import Resources, open_resources
from service.vault import private_keys
from tests.conftest import fresh_database
from tests.patience import PATIENCE, until

MASTER_KEY = b"k" * 32

PROBLEM = {"type", "title", "status", "detail", "instance"}
META = Meta(actor=ByService(why="test"), request_id="test")


@pytest.fixture(autouse=True)
def limits_of_refusals_that_others_do_not_use_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one network, and several share a service: a test's refusals are recorded whatever the others did."""
    for limit in ("MOST_OF_ALL", "MOST_OF_A_NETWORK"):
        monkeypatch.setattr(refusal_events, limit, 10_000)


@pytest.fixture(autouse=True)
def what_a_page_of_the_console_takes_is_what_it_would_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each such page of any test here fails."""
    take = Answer.of

    def both(answer: Answer, shape: type[Any]) -> Any:
        taken = take(answer, shape)
        assert taken == json.decode(answer.body, type=shape)
        return taken

    monkeypatch.setattr(Answer, "of", both)


class Live(Struct, frozen=True, kw_only=True):
    """A running service: its base URL, its database, and the operator's credentials."""

    url: str
    database: str
    client_id: str
    client_secret: str
    http: Any
    token: str
    application: Application
    beside: Resources
    """The resources of a second process on the same database; they stay open, for connecting costs more than most of what is asked."""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def register(self, **body: Any) -> tuple[str, str]:
        """(client_id, client_secret) of a new machine client."""
        asked = {"m2m": True, "botUserId": "bot-abc123", **body}
        response = await self.http.post("/api/v1/auth/clients", json=asked, headers=self.bearer)
        assert response.status_code == 201, response.text
        return response.json()["clientId"], response.json()["clientSecret"]

    async def interactive(self, **body: Any) -> tuple[str, str]:
        """(client_id, client_secret) of a new interactive client."""
        asked = {"m2m": False, "botUserId": None, "redirectUri": "https://app.example.com/cb", **body}
        return await self.register(**asked)

    async def token_for(self, client_id: str, client_secret: str, **more: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret, **more}
        return await self.http.post("/openid/token", data=form)

    async def access_token(self, client_id: str, client_secret: str, **more: str) -> str:
        response = await self.token_for(client_id, client_secret, **more)
        assert response.status_code == 200, response.text
        return response.json()["access_token"]

    async def last_change(self) -> int:
        """The last position, except for what is recorded once a minute of the reads and refusals of other tests."""
        kinds = "('audit.read', 'refusal.left_out')"
        return await self.beside.ledger.pool.fetchval(f"select max(position) from log.events where type not in {kinds}")

    async def caller(self, sub: str, *scopes: str) -> dict[str, str]:
        """The Authorization header of another caller, who acts as `sub` and holds these scopes."""
        made = await operators.create(self.beside.ledger, sub, self.url, META, scopes=scopes)
        return {"Authorization": f"Bearer {await self.access_token(made.client_id, made.secret.reveal())}"}


async def until_used(live: Live, client_id: str) -> str:
    """When the client was last used, once the projection of that has followed the log so far."""

    async def shown() -> str | None:
        answer = await live.http.get(f"/api/v1/auth/clients/{client_id}", headers=live.bearer)
        return answer.json()["lastUsedUtc"]

    return await until(shown)


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a refusal of the management API, which has this status and the form of RFC 9457."""
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(body) <= {*PROBLEM, "errors", "traceId"}
    assert body["status"] == status
    assert body["detail"]
    return body


def oauth_error(response: httpx.Response, status: int, error: str) -> str:
    """The error_description of a refusal in OAuth's dialect (RFC 6749 section 5.2), which is never stored by anybody."""
    assert response.status_code == status, (response.status_code, response.text[:500])
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error, body
    assert re.fullmatch(r"[A-Z].+\.", body["error_description"]), body  # sentences, and never nothing
    return body["error_description"]


async def is_active(live: Live, token: str) -> bool:
    """Whether the token introspects as active."""
    form = {"token": token, "client_id": live.client_id, "client_secret": live.client_secret}
    return (await live.http.post("/openid/introspect", data=form)).json()["active"]


async def exchange(live: Live, request: bytes, *, close: bool = False) -> bytes:
    """What the service says to these very bytes, until it closes the connection or has said one whole answer."""
    host, port = live.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        if close:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            return await _one_answer(reader)
    finally:
        writer.close()


async def _one_answer(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        return cut.partial
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else await reader.read())


def settings_for(database: str, url: str, **changes: Any) -> Settings:
    environment = {
        "MUNIMENT_DATABASE_URL": database,
        "MUNIMENT_MASTER_KEY": base64.urlsafe_b64encode(MASTER_KEY).decode(),
    }
    wanted: dict[str, Any] = {"issuer": url, "audience": url, "data": Path("/nonexistent"), **changes}
    return read_settings(environment).__replace__(**wanted)


async def _login(database: str) -> str:
    """What the service logs in with: on our own servers the login that `muniment serve` would use."""
    if urlsplit(database).username != "postgres":
        return database
    await login.ensure(database)
    return login.service_url(database)


_with_keys: dict[str, str] = {}
"""By server: its database from which the new ones of services are cloned."""


async def new_database(postgres: str) -> str:
    """The URL of a database that has signing keys, and nothing else: making those takes a quarter of a second, and no test is about them."""
    if postgres not in _with_keys:
        url = await fresh_database(postgres)
        async with open_resources(settings_for(url, "http://127.0.0.1"), url, MASTER_KEY) as resources:
            await rotation.prepare(resources.ledger, private_keys.wrapping(MASTER_KEY), META)
        _with_keys[postgres] = urlsplit(url).path[1:]
    return await fresh_database(postgres, template=_with_keys[postgres])


@asynccontextmanager
async def serving(database: str, metrics: Path | None = None, **changes: Any) -> AsyncGenerator[Live]:
    """The service on a free port, in this process, over real sockets. It counts in a file of the directory `metrics`."""
    listening = _listening()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    own_login = await _login(database)
    settings = settings_for(own_login, url, **changes)
    async with open_resources(settings_for(database, url), database, MASTER_KEY) as beside:
        await rotation.prepare(beside.ledger, private_keys.wrapping(MASTER_KEY), META)
        operator = await operators.create(beside.ledger, f"operator-{new_id().hex}", url, META)
        application = app(settings, metrics)
        async with _answering(application, listening), httpx.AsyncClient(verify=False, base_url=url) as http:
            secret = operator.secret.reveal()
            form = {"grant_type": "client_credentials", "client_id": operator.client_id, "client_secret": secret}
            token = (await http.post("/openid/token", data=form)).json()["access_token"]
            yield Live(
                url=url,
                database=database,
                client_id=operator.client_id,
                client_secret=secret,
                http=http,
                token=token,
                application=application,
                beside=beside,
            )


@asynccontextmanager
async def serving_registrations(database: str, mode: str) -> AsyncGenerator[Live]:
    """A service at which so many clients may register themselves that no test meets a limit."""
    limits = [each for each in vars(registration_permission) if each.startswith(("MOST_IN", "MOST_OF", "MOST_CHANGES"))]
    with pytest.MonkeyPatch.context() as patch:
        for limit in limits:
            patch.setattr(registration_permission, limit, 10_000)
        async with serving(database, dynamic_registration=mode, failed_auth_limit=0) as service:
            yield service


@asynccontextmanager
async def _answering(service: Starlette, listening: socket.socket) -> AsyncGenerator[None]:
    """The service runs as a task of this process, and is ready."""
    protocol = "service.http.protocol:BoundedProtocol"
    config = uvicorn.Config(
        service,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_keep_alive=600,  # longer than a client's: it must not use a connection in the moment in which it is closed
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        assert await _ready(listening.getsockname()[1], running)
        yield
    finally:
        server.should_exit = True
        await running


def _listening() -> socket.socket:
    """A socket that says it is TCP, for asyncio sends small answers at once (TCP_NODELAY) only where it is told so: 44 ms a request."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(2048)
    return listening


async def _ready(port: int, running: asyncio.Task[None]) -> bool:
    async with httpx.AsyncClient(verify=False, base_url=f"http://127.0.0.1:{port}") as http:
        while not running.done():
            try:
                if (await http.get("/health/ready")).status_code == 200:
                    return True
            except httpx.TransportError:
                await asyncio.sleep(0.01)
    return False


@pytest.fixture(scope="session")
async def live(postgres: str) -> AsyncIterator[Live]:
    """One service for all tests that leave each other alone; its rate limit is off.

    It does not verify its projections by itself, for some tests age a row by SQL.
    """
    database = await new_database(postgres)
    async with serving(database, rate_limit=0, failed_auth_limit=0, verification_hours=0) as live:
        yield live


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords(cheap_passwords: None) -> None:
    """For every test here."""
