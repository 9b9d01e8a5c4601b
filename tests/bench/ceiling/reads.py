"""What operators read by the API: a client as it was, and a page of events."""

from base64 import urlsafe_b64decode
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from msgspec import Struct, json

from tests.bench.ceiling.known import BEARER
from tests.bench.ceiling.program import Program
from tests.bench.ceiling.requests import Answer, Asked, Refused, bearer_of, pairs_of

NUMBERS = count()
MOST_NUMBER = 2**31


class OfClient(Struct, frozen=True, rename="camel"):
    by: str
    client_id: str
    sub: str


class Actor(Struct, frozen=True):
    by: str
    client_id: str
    sub: str


class Meta(Struct, frozen=True):
    actor: Actor
    request_id: str
    address: str | None = None
    cause: int | None = None
    reason: str | None = None


class Secret(Struct, frozen=True):
    """Without its hash, which nobody may read."""

    secret_id: UUID
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime | None


class Registered(Struct, frozen=True):
    owner: str
    grant: dict[str, str]
    display_name: str | None
    redirect_uris: list[str]
    scopes: list[str]
    secret: Secret
    at: datetime


class Event(Struct, frozen=True, rename="camel"):
    position: int
    recorded_at: datetime
    type: str
    stream_id: UUID
    subject: str
    version: int
    actor: OfClient
    request_id: str
    cause: int | None
    address: str | None
    reason: str | None
    data: Registered


_meta, _registered = json.Decoder(Meta).decode, json.Decoder(Registered).decode


def _is_operator(asked: Asked) -> None:
    """Raises Refused."""
    if bearer_of(asked) != BEARER:
        raise Refused(401)


async def client(program: Program, asked: Asked) -> Answer:
    """As of a position."""
    _is_operator(asked)
    position = int(pairs_of(asked.query)["as_of"].removeprefix("position:"))
    number = next(NUMBERS) % MOST_NUMBER
    row = (await program.as_of(number, UUID(asked.path[-32:]), position)).get(number)
    if row is None:
        raise Refused(404)
    return Answer(json.encode(json.decode(row[1], type=dict[str, Any])))


async def events(program: Program, asked: Asked) -> Answer:
    _is_operator(asked)
    cursor = pairs_of(asked.query).get("cursor") if asked.query else None
    rows = await program.events(int(urlsafe_b64decode(cursor)) if cursor else 0)
    return Answer(json.encode([_event(*row) for row in rows]))


def _event(position: int, at: datetime, stream: UUID, version: int, kind: str, meta: bytes, data: bytes) -> Event:  # noqa: PLR0917 - a row
    said = _meta(meta)
    actor, subject = OfClient(said.actor.by, said.actor.client_id, said.actor.sub), f"oauth_client_{stream.hex}"
    about = said.request_id, said.cause, said.address, said.reason
    return Event(position, at, kind, stream, subject, version, actor, *about, _registered(data))
