"""No secret and no token is ever to be found in a log line, in the database or in a URL."""

import base64
import logging
from collections.abc import AsyncIterator
from urllib.parse import quote

import asyncpg
import pytest
from msgspec import Struct

from service.app import create
from tests.flows.conftest import MASTER_KEY, Live, new_database, serving, until_used

CLIENTS = "/api/v1/auth/clients"
TABLES = "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v') and n.nspname in ('log', 'read', 'vault', 'limits', 'public')"


class Traces(Struct):
    """What a day of a service leaves behind, and what must be nowhere in it."""

    secrets: list[str]
    lines: list[str]
    database: str
    notified: list[str]
    headers: list[str]


class Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s %(args)s %(exc_text)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("httpx", "httpcore", "asyncio")):  # what the test's own client says of itself
            self.lines.append(self.format(record))


@pytest.fixture(scope="module")
async def traces(postgres: str) -> AsyncIterator[Traces]:
    database = await new_database(postgres)
    listener, root = Listener(), logging.getLogger()
    before = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    watching, notified = await asyncpg.connect(database), list[str]()
    await watching.add_listener("muniment_log", lambda *heard: notified.append(str(heard[-1])))
    try:
        async with serving(database, log_level="debug", access_log=True) as live:
            secrets, headers = await everything(live)
            client_id, secret = await live.register()
            await live.access_token(client_id, secret)
            await until_used(live, client_id)  # by now the catch-up projections have had their turn
        yield Traces(
            secrets=secrets, lines=listener.lines, database=await dumped(database), notified=notified, headers=headers
        )
    finally:
        root.removeHandler(listener)
        root.setLevel(before)
        await watching.close()


async def everything(live: Live) -> tuple[list[str], list[str]]:
    """Does all that there is to do, well and badly; answers the secrets it met, and the headers."""
    secrets, headers = [live.client_secret, live.token], list[str]()

    async def heard(response: object) -> None:
        headers.append(str(response.headers))  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]

    live.http.event_hooks["response"] = [heard]
    keyed = {**live.bearer, "Idempotency-Key": "the-key-of-an-idempotent-answer"}
    made = (await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=keyed)).json()
    await live.http.post(CLIENTS, json={"m2m": True, "botUserId": "b"}, headers=keyed)
    client = (made["clientId"], made["clientSecret"])
    added = (
        await live.http.post(f"{CLIENTS}/{client[0]}/secrets", json={"name": "second"}, headers=live.bearer)
    ).json()["clientSecret"]
    secrets += [client[1], added]
    basic = base64.b64encode(":".join(client).encode()).decode()
    secrets += [await live.access_token(*client), await live.access_token(client[0], added), basic]
    form = {"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]}
    for path in ("/openid/token", "/openid/introspect", "/openid/revoke"):
        for body in (
            form,
            {**form, "token": secrets[-2]},
            {**form, "scope": client[1]},
            {**form, "grant_type": client[1]},
            {client[1]: "x"},
            {**form, "token": client[1]},
        ):
            await live.http.post(path, data=body)
            await live.http.post(path, data=body, headers={"Authorization": f"Basic {basic}"})
            await live.http.post(f"{path}?client_secret={client[1]}", json=body)
    for wrong in (client[1] + "\0", client[1][:-1], f"{client[1]}\ud800".encode("utf-8", "replace").decode()):
        await live.token_for(client[0], wrong)
    for value in (
        f"Bearer {live.token}x",
        live.token,
        f"Basic {basic}",
        f"Bearer {client[1]}",
        f"Bearer {live.token} x",
    ):
        await live.http.get(f"{CLIENTS}?{client[1]}=x", headers={"Authorization": value})
    for body in ({"clientSecret": client[1]}, {client[1]: 1}, {"m2m": client[1]}, {"redirectUri": f"x:{client[1]}"}):
        await live.http.post(CLIENTS, json=body, headers=live.bearer)
    await live.http.get(f"{CLIENTS}/{client[1]}", headers=live.bearer)
    await live.http.get(f"{CLIENTS}/no-client", headers=live.bearer)
    await live.http.get(f"/{client[1]}")
    await live.http.post(f"{CLIENTS}/{client[0]}/disable", headers=live.bearer)
    await live.token_for(*client)
    await live.http.delete(f"{CLIENTS}/{client[0]}", headers=live.bearer)
    return secrets, headers


async def dumped(database: str) -> str:
    """Every row of every table as text, and what is stored as bytes as the text that it is."""
    connection = await asyncpg.connect(database)
    rows: list[str] = []
    for (table,) in await connection.fetch(TABLES):
        rows += [row[0] for row in await connection.fetch(f"select t::text from {table} t")]
        for name, kind in (
            await connection.fetch(
                "select attname::text, format_type(atttypid, null) from pg_attribute where attrelid = $1::regclass and attnum > 0",
                str(table),
            )
            if "." in table
            else ()
        ):
            if kind == "bytea":
                rows += [
                    bytes(row[0]).decode("latin-1")
                    for row in await connection.fetch(f"select {name} from {table} where {name} is not null")
                ]
    await connection.close()
    assert len(rows) > 50
    return "\n".join(rows)


def forms(secret: str) -> list[str]:
    """The secret, and how else it might be written."""
    plain = secret.removeprefix("secret_")
    written = [secret, plain, plain.encode().hex(), base64.b64encode(secret.encode()).decode(), quote(secret)]
    return [*written, secret.rsplit(".", 1)[-1]] if secret.count(".") == 2 else written


def test_the_traces_are_there_to_be_looked_at(traces: Traces):
    assert len(traces.secrets) == 7
    assert any(line.startswith("DEBUG authlib") for line in traces.lines)
    assert any(line.startswith("INFO muniment.access GET (no route) 404 in ") for line in traces.lines)
    for status in (400, 404):
        logged = f"INFO muniment.access GET /api/v1/auth/clients/{{client_id}} {status} in "
        assert any(line.startswith(logged) for line in traces.lines)
    assert any(line.startswith("INFO muniment.access POST /openid/token 401 in ") for line in traces.lines)
    assert len(traces.headers) > 50
    assert len(traces.notified) >= 4
    assert "client.secret_added" in traces.database
    assert "the-key-of-an-idempotent-answer" not in traces.database


def test_no_secret_and_no_token_is_in_the_database(traces: Traces):
    assert [form for secret in traces.secrets for form in forms(secret) if form in traces.database] == []
    assert MASTER_KEY.decode() not in traces.database


def test_no_secret_and_no_token_is_in_a_log_line_even_at_debug(traces: Traces):
    assert [line for secret in traces.secrets for form in forms(secret) for line in traces.lines if form in line] == []


def test_no_secret_and_no_token_is_in_a_notification_or_a_header(traces: Traces):
    said = "\n".join(traces.notified + traces.headers)
    assert [form for secret in traces.secrets for form in forms(secret) if form in said] == []
    assert all(note.isdigit() for note in traces.notified)


def test_authlib_s_own_lines_are_never_below_info(monkeypatch: pytest.MonkeyPatch):
    """At DEBUG it logs whole tokens."""
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", "postgresql://nowhere/x")
    monkeypatch.setenv("MUNIMENT_MASTER_KEY", base64.b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("MUNIMENT_LOG_LEVEL", "debug")
    root, authlib = logging.getLogger(), logging.getLogger("authlib")
    before = root.level, authlib.level
    try:
        root.setLevel(logging.DEBUG)
        create()
        assert authlib.getEffectiveLevel() == logging.INFO
        assert not logging.getLogger("authlib.oauth2.rfc6749.authorization_server").isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(before[0])
        authlib.setLevel(before[1])
