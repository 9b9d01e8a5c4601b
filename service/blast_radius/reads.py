"""Reads the edges that begin at some nodes, a query for each kind of node, by the indexes of the audit feed and of the logs."""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import asyncpg
from msgspec import Struct

from events.authorization import AuthorizationGranted, token_named
from events.client import ClientRegistered
from events.codec import Recorded, tags
from events.database import AnyConnection
from events.envelope import ByClient
from events.exchange import TokenExchanged, stream_of
from events.ids import client_stream
from events.replay import COLUMNS, histories, recorded
from events.secrets_given import CREDENTIALS
from projections.audit_events import Row
from service.blast_radius import issuers, tokens
from service.blast_radius.bounds import Bounds, Live
from service.blast_radius.consequences import agent, client_node, of_agent, of_event
from service.blast_radius.graph import Edge, Kind, Node
from service.blast_radius.holdings import LOSSES, Frontier, held

EVENT = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))
PROBE = f"cross join lateral (select {COLUMNS} from log.events where position = a.position limit 1) as e"
# Each name is a walk of its index, and each event one probe, whatever the planner expects: `offset 0` keeps it from another index.
_BY = f"""
select {EVENT}, w.name from unnest($1::text[]) as w (name)
  cross join lateral (select position, type from read.audit_events
                       where {{column}} = w.name and position > $2 and position <= $3 offset 0) as a {PROBE}
 where $5::text[] is null or a.type = any($5) limit $4
"""
_BY_BOTH = f"""
select {EVENT}, w.agent || ' ' || w.actor as name from unnest($1::text[], $6::text[]) as w (agent, actor)
  cross join lateral (select position, type from read.audit_events
                       where agent = w.agent and actor = w.actor and position > $2 and position <= $3 offset 0) as a {PROBE}
 where $5::text[] is null or a.type = any($5) limit $4
"""
_OF = f"""
select {EVENT} from unnest($1::{{type}}[]) as w (name)
  cross join lateral (select position, type from read.audit_events where {{column}} = w.name and position <= $3 offset 0) as a {PROBE}
 where a.type = any($2::text[]) order by e.position limit $4
"""
OF_CLIENTS, OF_BOTS = _OF.format(type="uuid", column="client"), _OF.format(type="text", column="bot")
OF_A_CLIENT = sorted(tags(CREDENTIALS | AuthorizationGranted) | LOSSES)


class Acts(Struct, frozen=True):
    """How the events of an actor are found: by a statement, or, among those that the audit feed has not reached, by this name."""

    statement: str
    name: Callable[[Row], str | None]


BY_AGENT = Acts(_BY.format(column="agent"), lambda row: row.agent)
BY_ACTOR = Acts(_BY.format(column="actor"), lambda row: row.actor)
BY_AGENT_AND_ACTOR = Acts(_BY_BOTH, lambda row: row.agent and f"{row.agent} {row.actor}")


async def edges(connection: AnyConnection, frontier: Frontier, bounds: Bounds) -> list[Edge]:
    found: list[Edge] = []
    for kind, read in READS.items():
        nodes = {node: at for node, at in frontier.items() if node.kind == kind}
        if nodes:
            found += await read(connection, nodes, bounds)
    return found if bounds.live is None else _of_live(found, bounds.live)


def _of_live(found: list[Edge], live: Live) -> list[Edge]:
    """Return the edges without those to tokens that must have expired."""
    return [edge for edge in found if edge.target.kind != "token" or edge.at >= live.issued_after]


async def _of_clients(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    by_stream = {stream: node for node in nodes if (stream := client_stream(node.id)) is not None}
    rows = await bounds.rows(connection, OF_CLIENTS, list(by_stream), OF_A_CLIENT, bounds.upto, bounds.most)
    later = [past for row, past in bounds.tail if row.client in by_stream and row.type in OF_A_CLIENT]
    return [
        *held([*map(recorded, rows), *later], nodes, by_stream),
        *await tokens.of_public_clients(connection, nodes, bounds),
        *await _acted(connection, BY_AGENT, nodes, bounds),
    ]


async def _of_bots(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    """A bot acts only through its clients."""
    ids = [node.id for node in nodes]
    rows = await bounds.rows(connection, OF_BOTS, ids, ["client.registered"], bounds.upto, bounds.most)
    found: list[Edge] = []
    for past in [*map(recorded, rows), *(past for row, past in bounds.tail if row.bot in ids)]:
        if isinstance(past.event, ClientRegistered) and past.event.grant.bot_user_id is not None:
            source = Node("bot", past.event.grant.bot_user_id)
            found.append(Edge(source, client_node(past.stream_id, past.event), max(nodes[source], past.recorded_at)))
    return found


async def _of_authorizations(connection: AnyConnection, nodes: Frontier, _bounds: Bounds) -> list[Edge]:
    found: list[Edge] = []
    for past in await histories(connection, [UUID(node.id) for node in nodes]):
        if (jti := token_named(past.event)) is not None:
            source, actor = Node("authorization", str(past.stream_id)), past.meta.actor
            found.append(Edge(source, Node("token", str(jti)), past.recorded_at))
            if isinstance(actor, ByClient):
                found.append(Edge(source, agent(actor.client_id, actor.sub), past.recorded_at))
    return found


async def _of_tokens(connection: AnyConnection, nodes: Frontier, _bounds: Bounds) -> list[Edge]:
    """Return the edges to the tokens for which these were exchanged (RFC 8693), and to who acts with those."""
    found: list[Edge] = []
    for past in await histories(connection, [stream_of(UUID(node.id)) for node in nodes]):
        if isinstance(past.event, TokenExchanged):
            made = Node("token", str(past.event.jti))
            found.append(Edge(Node("token", str(past.event.subject)), made, past.recorded_at))
            found.append(Edge(made, agent(past.event.client_id, past.event.sub), past.recorded_at))
    return found


async def _of_sessions(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    return await _acted(connection, BY_AGENT, nodes, bounds)


async def _of_actors(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    return await _acted(connection, BY_ACTOR, nodes, bounds)


async def _of_agents(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    pairs = [of_agent(node) for node in nodes]
    return await _acted(
        connection, BY_AGENT_AND_ACTOR, nodes, bounds, [client_id for client_id, _ in pairs], [sub for _, sub in pairs]
    )


READS: Mapping[Kind, Callable[[AnyConnection, Frontier, Bounds], Awaitable[list[Edge]]]] = {
    "client": _of_clients,
    "secret": tokens.of_secrets,
    "signingKey": tokens.of_keys,
    "bot": _of_bots,
    "authorization": _of_authorizations,
    "session": _of_sessions,
    "token": _of_tokens,
    "user": _of_actors,
    "actor": _of_actors,
    "agent": _of_agents,
    "issuer": issuers.of_issuers,
}
"""From a change, everything follows at once (service/blast_radius/consequences.py), so it needs no read."""


async def _acted(  # noqa: PLR0917 - the names are those of the nodes, unless a pair is looked for
    connection: AnyConnection,
    acts: Acts,
    nodes: Frontier,
    bounds: Bounds,
    names: list[str] | None = None,
    actors: list[str] | None = None,
) -> list[Edge]:
    """Return the edges of the events that these nodes caused."""
    by_name = {node.id: node for node in nodes}
    values = (names or list(by_name), bounds.after, bounds.upto, bounds.most, bounds.types)
    more = () if actors is None else (actors,)
    rows = await bounds.rows(connection, acts.statement, *values, *more)
    caused = [(row["name"], _recorded(row)) for row in rows]
    caused += [(name, past) for row, past in bounds.tail if (name := acts.name(row)) in by_name]
    return [edge for name, past in caused for edge in of_event(by_name[name], past)]


def _recorded(row: asyncpg.Record) -> Recorded:
    """Return the event of a row that has the name of its node behind it."""
    return recorded(row[: len(COLUMNS.split(", "))])
