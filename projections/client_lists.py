"""Lists of clients, and their names, from the lookup table of the token endpoint."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.database import AnyConnection
from events.ids import client_id_of
from projections.clients import COLUMNS, find_as_of, row_of

Client = TypeVar("Client")

FILTERS: Mapping[str, str] = {
    "streams": "c.stream_id = any({0}::uuid[])",
    "owner": "c.owner = {0}::text",
    "bot_user_id": "c.bot_user_id = {0}::text",
    "state": "c.state = {0}::text",
    "name": "strpos(lower(c.display_name), lower({0}::text)) > 0",
    "scope": "c.scopes @> array[{0}::text]",
    "expiring_until": "exists (select from jsonb_array_elements(c.secrets) as s where (s ->> 'expires_at')::timestamptz > now()"
    " and (s ->> 'expires_at')::timestamptz <= {0}::timestamptz)",
    "api": "c.apis @> jsonb_build_array(jsonb_build_object('identifier', {0}::text))",
    "text": "(strpos(lower(c.display_name), lower({0}::text)) > 0 or strpos(lower(c.client_id), lower({0}::text)) > 0)",
}
"""The conditions of a list, by the fields of Wanted. A statement has only those that are asked for, so its plan is made for them."""

LIST = "select {terms} from read.clients c where true {conditions} order by c.stream_id {order} limit $1"
OF_API = """
select stream_id, version from read.clients
 where apis @> jsonb_build_array(jsonb_build_object('identifier', $1::text))
    or security @> jsonb_build_object('token_exchange', jsonb_build_array(jsonb_build_object('audiences', jsonb_build_array($1::text))))
"""
OF_OWNER = "select stream_id, version from read.clients where owner = $1 order by stream_id"
OF_BOT = "select stream_id, version from read.clients where bot_user_id = $1 order by stream_id"
OF_DELETED_BOTS = """
select c.stream_id, c.version from read.bots b join read.clients c on c.bot_user_id = b.bot_id where b.state = 'deleted' order by c.stream_id
"""


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters of a list; None matches everything."""

    streams: Sequence[UUID] | None = None
    owner: str | None = None
    after: UUID | None = None
    bot_user_id: str | None = None
    state: str | None = None
    name: str | None = None
    scope: str | None = None
    api: str | None = None
    """The identifier of an API that it is granted."""

    expiring_until: datetime | None = None
    """Of a secret that is live now."""

    text: str | None = None
    """In the name or the client_id."""

    newest_first: bool = False


class View(Struct, Generic[Client], frozen=True):
    """What a list reads of each client `c`: the terms, whose parameters are `{0}`, `{1}` and so on, and the client of a record of them."""

    terms: str
    of: Callable[[asyncpg.Record], Client]
    given: Sequence[object] = ()

    def asked(self, given: list[object]) -> str:
        """Returns the terms. The values of their parameters are added to those of the statement."""
        first = len(given) + 1
        given += self.given
        return self.terms.format(*(f"${number}" for number in range(first, len(given) + 1)))


WHOLE = View(COLUMNS, row_of)


async def listed(connection: AnyConnection, wanted: Wanted, view: View[Client], *, limit: int) -> list[Client]:
    """Returns clients, at most `limit`."""
    given: list[object] = [limit]
    found = conditions(wanted, given)
    if wanted.after is not None:
        given.append(wanted.after)
        found += f" and c.stream_id {'<' if wanted.newest_first else '>'} ${len(given)}::uuid"
    order = "desc" if wanted.newest_first else "asc"
    statement = LIST.format(terms=view.asked(given), conditions=found, order=order)
    return [view.of(record) for record in await connection.fetch(statement, *given)]


def conditions(wanted: Wanted, given: list[object]) -> str:
    """Returns the conditions that are asked for. Their values are added to those of the statement."""
    found: list[str] = []
    for name, condition in FILTERS.items():
        if (value := getattr(wanted, name)) is not None:
            given.append(value)
            found.append(f"and {condition.format(f'${len(given)}')}")
    return " ".join(found)


class Standing(Struct, frozen=True):
    """A client that exists, and the number of its events."""

    stream_id: UUID
    version: int


async def of_owner(connection: AnyConnection, owner: str) -> list[Standing]:
    return [Standing(*row) for row in await connection.fetch(OF_OWNER, owner)]


async def of_api(connection: AnyConnection, identifier: str) -> list[Standing]:
    """Returns the clients that are granted this API."""
    return [Standing(*row) for row in await connection.fetch(OF_API, identifier)]


async def of_bot(connection: AnyConnection, bot_id: str) -> list[Standing]:
    return [Standing(*row) for row in await connection.fetch(OF_BOT, bot_id)]


async def of_deleted_bots(connection: AnyConnection) -> list[Standing]:
    """Returns the clients of deleted bots that are not deleted themselves yet."""
    return [Standing(*row) for row in await connection.fetch(OF_DELETED_BOTS)]


async def client_ids(connection: AnyConnection, streams: Iterable[UUID]) -> dict[UUID, str]:
    """Returns the client_id of each stream. That of a deleted client which was imported is its stream's."""
    wanted = list(set(streams))
    found, _ = await find_as_of(connection, wanted)
    return {each: found[each].client.client_id if each in found else client_id_of(each) for each in wanted}
