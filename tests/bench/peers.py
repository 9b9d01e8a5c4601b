"""The programs side by side, each ready to be asked the same things: the service and the ceiling programs."""

import asyncio
import base64
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
from msgspec import Struct, json

from events.envelope import ByService, Meta
from service import operators, rotation
from service.configuration.settings import read_settings
from service.resources import open_resources
from service.vault import private_keys
from tests.bench import proved
from tests.bench.load import Exchange, closed_loop
from tests.bench.machine import SERVER, Failed, Server, await_listening, environment, free_port, started
from tests.bench.proved import ByKey
from tests.conftest import named

MASTER_KEY = b"b" * 32
META = Meta(actor=ByService(why="bench"), request_id="bench")
CLIENTS, BY_KEY = 100, 50
KNOWN_TOKENS = 500
NEVER_REACHED = "1000000"  # counted, as in every deployment, and none refused
MUNIMENT = Path(sys.executable).with_name("muniment")
TOKEN = "/openid/token"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Issued(Struct, frozen=True):
    access_token: str
    expires_in: int


class Registered(Struct, frozen=True, rename="camel"):
    client_id: str
    client_secret: str


class Named(Struct, frozen=True, rename="camel"):
    client_id: str


class Introspected(Struct, frozen=True):
    active: bool


def post(path: str, content_type: str, body: bytes, *more: str) -> bytes:
    """The bytes of a request, as curl would send it."""
    head = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Accept: */*",
    )
    return "\r\n".join((*head, *more, "", "")).encode() + body


class Peer:
    """A running program, its clients' credentials, and an operator's: a client that may introspect every token, with its bearer."""

    def __init__(
        self,
        name: str,
        server: Server,
        *,
        credentials: Sequence[tuple[str, str]],
        operator: tuple[str, str],
        bearer: str,
        by_key: Sequence[ByKey] = (),
        by_key_path: str = TOKEN,
    ) -> None:
        self.name = name
        self.server = server
        self.credentials = credentials
        self.operator = operator
        self.bearer = bearer
        self._by_key, self._by_key_path = by_key, by_key_path
        self._numbers = count()
        self.issued: list[bytes] = []
        """The bodies of all answers to token requests that were measured: tokens that the program has not verified yet."""

    def tokens(self) -> Exchange:
        return Exchange(
            cycle([token_request(*each, scope="api:public") for each in self.credentials]),
            200,
            _issued,
            keep=self.issued,
        )

    def tokens_asked_otherwise(self) -> Exchange:
        """No request comes twice: each has a parameter more, which a server ignores (RFC 6749 section 3.2)."""
        asked = zip(cycle(self.credentials), self._numbers)
        requests = (token_request(*each, scope="api:public", number=str(number)) for each, number in asked)
        return Exchange(requests, 200, _issued, keep=self.issued)

    def tokens_by_key(self) -> Exchange:
        """By private_key_jwt, and bound by DPoP. Signed now, so they come to an end and are good for a minute."""
        asked = proved.signed_now(self._by_key)
        made = [post(self._by_key_path, FORM, form, f"DPoP: {proof}") for form, proof in asked]
        return Exchange(iter(made), 200, _issued)

    def registrations(self) -> Exchange:
        return Exchange(cycle([registration(self.bearer)]), 201, json.Decoder(Registered).decode)

    def introspections(self) -> Exchange:
        """Of tokens that the program verified not long ago."""
        tokens = self.issued[:KNOWN_TOKENS]
        return Exchange(cycle([self._introspection(body) for body in tokens]), 200, _active)

    def first_introspections(self) -> Exchange:
        """Of tokens that the program verifies for the first time; each once, so they come to an end."""
        return Exchange(self._introspection_of_rest(), 200, _active)

    def _introspection_of_rest(self) -> Iterator[bytes]:
        while len(self.issued) > KNOWN_TOKENS:
            yield self._introspection(self.issued.pop())

    def _introspection(self, body: bytes) -> bytes:
        client_id, secret = self.operator
        form = {"token": json.decode(body, type=Issued).access_token, "client_id": client_id, "client_secret": secret}
        return post("/openid/introspect", FORM, urlencode(form).encode())


def token_request(client_id: str, secret: str, **more: str) -> bytes:
    form = {"grant_type": "client_credentials", **more, "client_id": client_id, "client_secret": secret}
    return post(TOKEN, FORM, urlencode(form).encode())


def registration(bearer: str, **more: Any) -> bytes:
    body = {"displayName": "Salesforce Production Integration", "m2m": True, "botUserId": "bot-abc123", **more}
    return post("/api/v1/auth/clients", JSON, json.encode(body), f"Authorization: Bearer {bearer}")


def _issued(body: bytes) -> None:
    if json.decode(body, type=Issued).access_token.count(".") != 2:
        raise Failed(f"this is no JWT: {body.decode()}")


def _active(body: bytes) -> None:
    if not json.decode(body, type=Introspected).active:
        raise Failed("a live token was said to be inactive")


def access_token(server: Server, client_id: str, secret: str) -> str:
    bodies: list[bytes] = []
    asked = Exchange(iter([token_request(client_id, secret)]), 200, _issued, keep=bodies)
    closed_loop(server, asked, seconds=60, connections=1)
    return json.decode(bodies[0], type=Issued).access_token


def registered(server: Server, bearer: str, count: int) -> list[tuple[str, str]]:
    """(client_id, client_secret) of so many new clients."""
    bodies: list[bytes] = []
    asked = Exchange(iter([registration(bearer)] * count), 201, json.Decoder(Registered).decode, keep=bodies)
    closed_loop(server, asked, seconds=60)
    made = [json.decode(body, type=Registered) for body in bodies]
    return [(client.client_id, client.client_secret) for client in made]


def registered_by_key(server: Server, bearer: str, audience: str, count: int) -> list[ByKey]:
    """So many new clients, each with a key and without a secret."""
    keys = [proved.key_of(number) for number in range(count)]
    asked = (
        registration(
            bearer,
            tokenEndpointAuthMethod="private_key_jwt",
            dpopBoundAccessTokens=True,
            jwks={"keys": [proved.public_jwk(key)]},
        )
        for key in keys
    )
    bodies: list[bytes] = []
    closed_loop(server, Exchange(asked, 201, json.Decoder(Named).decode, keep=bodies), seconds=60, connections=1)
    ids = [json.decode(body, type=Named).client_id for body in bodies]
    return [
        ByKey(client_id=name, key=key, audience=audience, url=f"{audience}{TOKEN}")
        for name, key in zip(ids, keys, strict=True)
    ]


async def _operator(url: str) -> operators.Operator:
    settings = read_settings(settings_of(url, 8000))
    async with open_resources(settings, url, MASTER_KEY) as resources:
        await rotation.prepare(resources.ledger, private_keys.wrapping(MASTER_KEY), META)
        return await operators.create(resources.ledger, "bench", settings.issuer, META)


def settings_of(url: str, port: int) -> dict[str, str]:
    key = base64.urlsafe_b64encode(MASTER_KEY).decode()
    limits = {"MUNIMENT_RATE_LIMIT": NEVER_REACHED, "MUNIMENT_FAILED_AUTH_LIMIT": NEVER_REACHED}
    return {"MUNIMENT_DATABASE_URL": url, "MUNIMENT_MASTER_KEY": key, "PORT": str(port), **limits}


@contextmanager
def service(
    url: str,
    directory: Path,
    *,
    clients: int = CLIENTS,
    name: str = "service",
    more: Mapping[str, str] | None = None,
    workers: int = 1,
    cores: Sequence[int] = SERVER,
    program: Path = MUNIMENT,
) -> Generator[Peer]:
    """`muniment serve`, one process unless more are asked for, with limits that are never reached, so many clients, more settings."""
    operator, port, log = asyncio.run(_operator(url)), free_port(), directory / "service.log"
    settings = environment(**{**settings_of(url, port), "MUNIMENT_DATA": str(directory / "unused"), **(more or {})})
    several = ["--workers", str(workers)] if workers > 1 else []
    with started([program, "serve", *several], settings, port, log=log, cores=cores) as server:
        await_listening(server, log)
        credentials = (operator.client_id, operator.secret.reveal())
        bearer = access_token(server, *credentials)
        by_key = registered_by_key(server, bearer, f"http://127.0.0.1:{port}", BY_KEY)
        made = registered(server, bearer, clients)
        yield Peer(name, server, credentials=made, operator=credentials, bearer=bearer, by_key=by_key)


async def create_database(url: str, name: str, *, template: str = "template1") -> str:
    """The URL of a new database on this server."""
    admin = await asyncpg.connect(named(url, "postgres"))
    try:
        await admin.execute(f"create database {name} template {template}")
    finally:
        await admin.close()
    return named(url, name)
