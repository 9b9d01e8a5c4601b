"""The ceiling program of DESIGN section 5: the least that a durable answer costs with the parts that we build on.

Uvicorn, a Starlette route per endpoint, the body parsed, clients in a dict, the secret checked, ES256 by cryptography itself, and
one row (registration: two) group-committed and acknowledged before the reply. No order, no chain, no roles, no refusals but one.
Introspection is as certain as ours: one shared round trip asks whether the token was revoked; signatures found good are remembered.
"""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg
import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from msgspec import Struct, json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

from tests.bench import ceiling_keys, proved

ISSUER = "http://127.0.0.1"
URL = f"{ISSUER}/openid/token"
CLIENTS = 100
ES256 = ec.ECDSA(SHA256())
BEARER = "the-ceiling-program-knows-one-bearer"

SCHEMA = Path(__file__).with_suffix(".sql").read_text()
ISSUE = "insert into issued (client, jti, data) select * from unnest($1::uuid[], $2::uuid[], $3::bytea[])"
REGISTER = """
with event as (
  insert into events (stream_id, version, type, meta, data)
  select s, 1, 'client.registered', m, d from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as r(s, m, d)
)
insert into clients
select r.* from unnest($4::jsonb[]) as c(row), jsonb_populate_record(null::clients, c.row) as r
"""
REVOKED = "select jti from revoked where jti = any($1::uuid[])"


def credentials(number: int) -> tuple[str, str]:
    """(client_id, client_secret) of a client that the program knows."""
    return f"oauth_client_{number:032x}", f"secret_{sha256(str(number).encode()).hexdigest()}"


class Registration(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    m2m: bool
    bot_user_id: str
    display_name: str | None = None


class Registered(Struct, frozen=True, kw_only=True, tag="client.registered"):
    owner: str
    bot_user_id: str
    display_name: str | None
    scopes: tuple[str, ...]
    secret: dict[str, str]


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    iss: str
    sub: str
    aud: str
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: UUID
    cnf: dict[str, str] | None = None


class Group:
    """All rows that come while one statement is in flight go in the next."""

    def __init__(self, connection: Any, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._waiting: list[tuple[Sequence[Any], asyncio.Future[Any]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, *row: Any) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            answer = await self._connection.fetch(
                self._statement, *map(list, zip(*(row for row, _ in batch), strict=True))
            )
            for _, future in batch:
                future.set_result(answer)
        self._running = None


class Program:
    def __init__(self, issuing: Any, registering: Any, asking: Any, using: Any) -> None:
        self.issue, self.register, self.revoked, self.use = (
            Group(issuing, ISSUE),
            Group(registering, REGISTER),
            Group(asking, REVOKED),
            Group(using, ceiling_keys.USE),
        )
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key()
        self.header = urlsafe_b64encode(json.encode({"alg": "ES256", "kid": "ceiling", "typ": "at+jwt"}))
        self.clients = {i: (UUID(i[13:]), sha256(s.encode()).digest()) for i, s in map(credentials, range(CLIENTS))}
        self.by_key = {i: proved.key_of(n).public_key() for n, (i, _) in enumerate(map(credentials, range(CLIENTS)))}
        self.good: dict[str, Claims] = {}

    def proved(self, form: dict[str, str]) -> UUID | None:
        client, digest = self.clients[form["client_id"]]
        return client if compare_digest(sha256(form["client_secret"].encode()).digest(), digest) else None

    def sign(self, claims: Claims) -> str:
        signed = self.header + b"." + urlsafe_b64encode(json.encode(claims))
        r, s = decode_dss_signature(self.key.sign(signed, ES256))
        return (signed + b"." + urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()

    def verified(self, token: str) -> Claims | None:
        signed, _, signature = token.rpartition(".")
        raw = urlsafe_b64decode(signature.encode())
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            self.public.verify(der, signed.encode(), ES256)
        except InvalidSignature:
            return None
        claims = json.decode(urlsafe_b64decode(signed.split(".")[1].encode()), type=Claims)
        if len(self.good) >= 10_000:
            self.good.pop(next(iter(self.good)))
        self.good[token] = claims
        return claims


async def token(request: Request) -> Response:
    program: Program = request.app.state.program
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    client = program.proved(form)
    if client is None:
        return Response(status_code=401)
    return await issued(program, client, form["client_id"], "Bearer", None)


async def token_by_key(request: Request) -> Response:
    program: Program = request.app.state.program
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    by = ceiling_keys.proved(form, request.headers["dpop"], program.by_key, ISSUER, URL)
    if by is None:
        return Response(status_code=401)
    until = ceiling_keys.until()
    fresh = await asyncio.gather(*(program.use(key, until) for key in by.used))
    if any(key not in {row[0] for row in rows} for key, rows in zip(by.used, fresh, strict=True)):
        return Response(status_code=401)
    return await issued(program, program.clients[by.client_id][0], by.client_id, "DPoP", {"jkt": by.jkt})


async def issued(program: Program, client: UUID, client_id: str, kind: str, cnf: dict[str, str] | None) -> Response:
    now = int(time.time())
    claims = Claims(
        iss=ISSUER,
        sub="bot-abc123",
        aud=ISSUER,
        client_id=client_id,
        scope="api:public",
        iat=now,
        exp=now + 3600,
        jti=uuid7(),
        cnf=cnf,
    )
    told = {"sub": claims.sub, "scope": claims.scope, "kid": "ceiling", "exp": claims.exp, "address": "127.0.0.1"}
    await program.issue(client, claims.jti, json.encode(told))
    answer = {"access_token": program.sign(claims), "token_type": kind, "expires_in": 3600, "scope": claims.scope}
    return Response(json.encode(answer), headers={"Cache-Control": "no-store", "Content-Type": "application/json"})


async def register(request: Request) -> Response:
    program: Program = request.app.state.program
    if request.headers["authorization"] != f"Bearer {BEARER}":
        return Response(status_code=401)
    asked = json.decode(await request.body(), type=Registration)
    stream, secret = uuid7(), "secret_" + secrets.token_urlsafe(32)
    client_id = f"oauth_client_{stream.hex}"
    stored = {"hash": sha256(secret.encode()).hexdigest(), "hint": secret[-4:], "name": "first"}
    event = Registered(
        owner="bench",
        bot_user_id=asked.bot_user_id,
        display_name=asked.display_name,
        scopes=("api:public",),
        secret=stored,
    )
    row = {"stream_id": stream, "client_id": client_id, "owner": "bench", "bot_user_id": asked.bot_user_id,
           "display_name": asked.display_name, "scopes": event.scopes, "secrets": [stored], "state": "active", "version": 1}  # fmt: skip
    meta = {
        "actor": {"by": "client", "client_id": "bench", "sub": "bench"},
        "request_id": str(uuid7()),
        "address": "127.0.0.1",
    }
    await program.register(stream, json.encode(meta), json.encode(event), json.encode(row).decode())
    return Response(
        json.encode({"clientId": client_id, "clientSecret": secret}),
        201,
        {
            "Location": f"/api/v1/auth/clients/{client_id}",
            "Cache-Control": "no-store",
            "Content-Type": "application/json",
        },
    )


async def introspect(request: Request) -> Response:
    program: Program = request.app.state.program
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    if program.proved(form) is None:
        return Response(status_code=401)
    claims = program.good.get(form["token"]) or program.verified(form["token"])
    alive = claims is not None and claims.exp > time.time() and claims.client_id in program.clients
    if claims is None or not alive or claims.jti in {row[0] for row in await program.revoked(claims.jti)}:
        return Response(b'{"active":false}', headers={"Content-Type": "application/json"})
    answer = {"active": True, "token_type": "Bearer", "iss": claims.iss, "sub": claims.sub, "aud": claims.aud, "client_id": claims.client_id,
              "scope": claims.scope, "iat": claims.iat, "exp": claims.exp, "jti": claims.jti}  # fmt: skip
    return Response(json.encode(answer), headers={"Cache-Control": "no-store", "Content-Type": "application/json"})


@asynccontextmanager
async def lifespan(application: Starlette) -> AsyncGenerator[None]:
    url = os.environ["CEILING_DATABASE_URL"]
    settings = {"plan_cache_mode": "force_generic_plan"}
    connections = [await asyncpg.connect(url, server_settings=settings) for _ in range(4)]
    await connections[0].execute(SCHEMA)
    application.state.program = Program(*connections)
    yield
    for connection in connections:
        await connection.close()


ROUTES = [
    Route("/openid/token", token, methods=["POST"]),
    Route("/openid/token-by-key", token_by_key, methods=["POST"]),
    Route("/api/v1/auth/clients", register, methods=["POST"]),
    Route("/openid/introspect", introspect, methods=["POST"]),
]

if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=ROUTES, lifespan=lifespan),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
