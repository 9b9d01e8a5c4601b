"""A client is registered: its event and its row of the lookup are committed together."""

import secrets
from hashlib import sha256

from msgspec import Struct, json
from uuid_utils.compat import uuid7

from tests.bench.ceiling.known import BEARER, SCOPE
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import JSON, Answer, Asked, Refused

AUTHORIZATION = f"Bearer {BEARER}".encode()


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


async def register(program: Program, asked: Asked) -> Answer:
    if asked.headers.get(b"authorization") != AUTHORIZATION:
        raise Refused(401)
    said = json.decode(asked.body, type=Registration)
    stream, secret = uuid7(), "secret_" + secrets.token_urlsafe(32)
    client_id = f"oauth_client_{stream.hex}"
    stored = {"hash": sha256(secret.encode()).hexdigest(), "hint": secret[-4:], "name": "first"}
    event = Registered(
        owner="bench",
        bot_user_id=said.bot_user_id,
        display_name=said.display_name,
        scopes=(SCOPE,),
        secret=stored,
    )
    row = {"stream_id": stream, "client_id": client_id, "owner": "bench", "bot_user_id": said.bot_user_id,
           "display_name": said.display_name, "scopes": event.scopes, "secrets": [stored], "state": "active", "version": 1}  # fmt: skip
    await program.register(stream, meta(), json.encode(event), json.encode(row).decode())
    answer = json.encode({"clientId": client_id, "clientSecret": secret})
    return Answer(answer, 201, JSON, f"/api/v1/auth/clients/{client_id}")


def meta() -> bytes:
    """Who asked for what happened, as each event says it."""
    actor = {"by": "client", "client_id": "bench", "sub": "bench"}
    return json.encode({"actor": actor, "request_id": str(uuid7()), "address": "127.0.0.1"})
