"""Clients as a list shows them: each with its last use and its tokens of each day, which the statement that finds it reads, too."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType, json

from events.client_document import Document
from projections import last_used
from projections.client_lists import View
from projections.joined import named

PLAIN = "stream_id, client_id, owner, bot_user_id, display_name, redirect_uris, scopes, state, created_at"
TOKENS = """
(select array_agg(array[d.day - {0}::date, d.tokens]) from
  (select day, sum(tokens)::bigint as tokens from read.usage_daily where client = c.stream_id and day between {0} and {1}::date group by day) as d)
"""


class Lifetime(Struct, frozen=True, gc=False):
    """Of a secret."""

    created_at: datetime
    expires_at: datetime | None = None


class Listed(Struct, frozen=True, gc=False):
    """`tokens` are those of each day that is asked for."""

    used_at: datetime | None
    tokens: list[int] | UnsetType
    secrets: Sequence[Lifetime]
    document: Document | None
    stream_id: UUID
    client_id: str
    owner: str
    bot_user_id: str | None
    display_name: str | None
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    state: str
    created_at: datetime


_lifetimes = json.Decoder(tuple[Lifetime, ...]).decode
_document = json.Decoder(Document).decode


def view(days: Sequence[date]) -> View[Listed]:
    """Returns what is read of each client, with its tokens of these successive days, if there are any."""
    terms = f"{last_used.OF_CLIENT}, {TOKENS if days else 'null'}, c.secrets, c.document, {named('c', PLAIN)}"
    return View(terms, partial(_listed, len(days)), (days[0], days[-1]) if days else ())


def _listed(days: int, record: asyncpg.Record) -> Listed:
    used_at, tokens, secrets, document, *plain = record[: len(Listed.__struct_fields__)]
    each = _each(days, tokens or ()) if days else UNSET
    return Listed(used_at, each, _lifetimes(secrets), document and _document(document), *plain)


def _each(days: int, tokens: Sequence[tuple[int, int]]) -> list[int]:
    found = [0] * days
    for day, number in tokens:
        found[day] = number
    return found
