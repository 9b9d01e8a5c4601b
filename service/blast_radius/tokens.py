"""Reads the tokens that secrets, public clients and signing keys got, and who acts with them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
from msgspec import Struct

from events import issued_token_lists
from events.client import ClientRegistered
from events.database import AnyConnection
from events.extent import Extent
from events.ids import client_id_of, client_stream
from events.issuance import decode
from events.issued_token_lists import Conditions
from events.issued_tokens import WINDOWS
from events.replay import COLUMNS, recorded
from events.waiting import in_turns
from projections.catch_up import Issuance
from service.blast_radius.bounds import Bounds, Issued
from service.blast_radius.consequences import agent, client_node, of_token
from service.blast_radius.graph import Edge, Node
from service.blast_radius.holdings import Frontier

Key = TypeVar("Key", UUID, str)

SOON = "now() + interval '1 hour'"
"""Later than any token: Postgres then leaves out the partitions of the days to come."""

# Each source is a walk of its index, and each token one probe, whatever the planner expects.
_OF_EACH = """
select t.* from unnest($1::{type}[], $2::timestamptz[]) as w (source, since)
  cross join lateral (select position, issued_at, client, secret, jti, data from log.issuance i
                       where {condition} and i.issued_at >= w.since and i.issued_at < {soon}{more} order by i.position limit $3) as t
 limit $3
"""
# Of tokens that have expired, a walk over what is live needs only who acted with them: one row for each, however many tokens there were.
_VALID = """ and i.issued_at >= $4 and (convert_from(i.data, 'UTF8')::json ->> 'exp')::bigint > $5
  and (select r.stream_id from read.revoked_tokens r where r.stream_id = i.jti) is null"""
_AGENTS = """
select w.source, t.* from unnest($1::{type}[], $2::timestamptz[]) as w (source, since)
  cross join lateral (select l.client, convert_from(l.data, 'UTF8')::json ->> 'sub' as sub, min(l.issued_at) as at, count(*) as tokens
                        from (select i.client, i.data, i.issued_at from log.issuance i
                               where {condition} and i.issued_at >= w.since and i.issued_at < {soon}
                               order by i.position desc limit $4) as l group by 1, 2) as t
 limit $3
"""
MOST_TOKENS = 1_000_000
"""So many of the latest tokens of a source are asked who acts with them, which takes seconds. If there are more, the walk is not complete."""

NAMES = f"select {COLUMNS} from log.events where stream_id = any($1::uuid[]) and version = 1"


class Reading(Struct, frozen=True):
    """The statements that find the tokens of one kind of source, and who acts with them."""

    found: str
    live: str
    agents: str


def _reading(kind: str, condition: str) -> Reading:
    return Reading(
        _OF_EACH.format(type=kind, condition=condition, more="", soon=SOON),
        _OF_EACH.format(type=kind, condition=condition, more=_VALID, soon=SOON),
        _AGENTS.format(type=kind, condition=condition, soon=SOON),
    )


# The condition of the index issuance_public. All other tokens of a client are found by its secrets.
PUBLIC = _reading("uuid", "i.client = w.source and i.secret = '00000000-0000-0000-0000-000000000000'")
SECRETS = _reading("uuid", "i.secret = w.source")
KEYS = _reading("text", "convert_from(i.data, 'UTF8')::json ->> 'kid' = w.source")


async def of_public_clients(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    by_stream = {stream: node for node in nodes if (stream := client_stream(node.id)) is not None}
    return await _edges(connection, PUBLIC, _Sources(nodes, by_stream, lambda token: token.client), bounds)


async def of_secrets(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    by_id = {UUID(node.id): node for node in nodes}
    return await _edges(connection, SECRETS, _Sources(nodes, by_id, lambda token: token.secret), bounds)


async def of_keys(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    by_kid = {node.id: node for node in nodes}
    return await _edges(connection, KEYS, _Sources(nodes, by_kid, lambda token: token.token.kid), bounds)


async def of_ids(connection: AnyConnection, jtis: Mapping[UUID, datetime]) -> dict[str, Issued]:
    """Return the tokens of these ids, each of which was issued about its time."""
    every = Extent(after=0, upto=2**63 - 1, limit=len(jtis), newest_first=False)
    rows = await issued_token_lists.of_ids(connection, jtis, WINDOWS, every, Conditions()) if jtis else []
    tokens = [_issuance(row[:6]) for row in rows]
    names = await client_ids(connection, {token.client for token in tokens})
    return {str(each.jti): Issued(names[each.client], each.token.exp, each.token.authorization) for each in tokens}


class _Sources(Struct, Generic[Key], frozen=True):
    """The nodes by what the issuance log has of them, and what it has of them in a token."""

    nodes: Frontier
    by_key: Mapping[Key, Node]
    key_of: Callable[[Issuance], Key]

    @property
    def since(self) -> list[datetime]:
        return [self.nodes[node] for node in self.by_key.values()]


async def _edges(connection: AnyConnection, reading: Reading, sources: _Sources[Key], bounds: Bounds) -> list[Edge]:
    live = bounds.live
    statement = reading.found if live is None else reading.live
    more = () if live is None else (live.issued_after, live.expires_after)
    rows = await bounds.rows(connection, statement, list(sources.by_key), sources.since, bounds.most, *more)
    tokens: list[Issuance] = []
    async for part in in_turns(rows):
        tokens += map(_issuance, part)
    found = await _issued(connection, tokens, sources, bounds)
    return found if live is None else [*found, *await _acting(connection, reading, sources, bounds)]


async def _issued(
    connection: AnyConnection, tokens: Sequence[Issuance], sources: _Sources[Key], bounds: Bounds
) -> list[Edge]:
    names = await client_ids(connection, {token.client for token in tokens})
    found: list[Edge] = []
    async for part in in_turns(tokens):
        for each in part:
            client_id, token = names[each.client], each.token
            found += of_token(sources.by_key[sources.key_of(each)], each, client_id)
            bounds.issued[str(each.jti)] = Issued(client_id, token.exp, token.authorization)
    return found


async def _acting(connection: AnyConnection, reading: Reading, sources: _Sources[Key], bounds: Bounds) -> list[Edge]:
    """Return edges from the sources to those who act with any of their tokens."""
    values = (list(sources.by_key), sources.since, bounds.most, MOST_TOKENS)
    rows = await bounds.rows(connection, reading.agents, *values)
    tokens = Counter[object]()
    for row in rows:
        tokens[row["source"]] += row["tokens"]
    bounds.partial |= any(count >= MOST_TOKENS for count in tokens.values())
    names = await client_ids(connection, {row["client"] for row in rows})
    return [Edge(sources.by_key[row["source"]], agent(names[row["client"]], row["sub"]), row["at"]) for row in rows]


def _issuance(row: asyncpg.Record | tuple[Any, ...]) -> Issuance:
    position, issued_at, client, secret, jti, data = row
    return Issuance(position=position, issued_at=issued_at, client=client, secret=secret, jti=jti, token=decode(data))


async def client_ids(connection: AnyConnection, streams: Iterable[UUID]) -> dict[UUID, str]:
    """Return the client_ids of these streams: that of an imported client cannot be computed."""
    wanted = list(streams)
    first = map(recorded, await connection.fetch(NAMES, wanted) if wanted else [])
    known = {e.stream_id: client_node(e.stream_id, e.event).id for e in first if isinstance(e.event, ClientRegistered)}
    return {stream: known.get(stream) or client_id_of(stream) for stream in wanted}
