"""Reads what follows from trusted issuers: authorizations by their assertions, and workload identities of clients that trusted them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from events.authorization import Assertion, AuthorizationGranted
from events.client import ClientDeleted
from events.client_security import ClientSecurityChanged
from events.codec import Recorded, tags
from events.database import AnyConnection
from events.extent import Extent
from events.issued_tokens import WINDOWS
from events.replay import COLUMNS, recorded
from events.secrets_given import CREDENTIALS, security_given
from events.trusted_issuer import TrustedIssuerRegistered
from projections import audit_events
from projections.audit_events import Wanted
from service.blast_radius.bounds import Bounds
from service.blast_radius.consequences import agent, credential_node
from service.blast_radius.graph import Edge, Node
from service.blast_radius.holdings import Frontier, held
from service.blast_radius.tokens import client_ids

EVENT = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))
FIRST = f"select {COLUMNS} from log.events where stream_id = any($1::uuid[]) and version = 1"
# A walk of the index authorizations_asserted, which is in the order of time, for streams have UUIDv7; and each event one probe.
ASSERTED = f"""
select {EVENT} from (select stream_id from read.authorizations
                      where asserted_by = $1 and stream_id >= $2 and ($3 or state = 'active') order by stream_id limit $4) as a
  cross join lateral (select {COLUMNS} from log.events where stream_id = a.stream_id and version = 1 limit 1) as e
"""
# Whose tokens have expired may have acted with them: one row for each client and user, however many authorizations there were.
AGENTS = """
select client, user_id, min(granted_at) as at, count(*) as authorizations
  from (select client, user_id, granted_at from read.authorizations
         where asserted_by = $1 and stream_id >= $2 and granted_at >= $3 order by stream_id desc limit $4) as latest
 group by 1, 2 limit $5
"""
MOST_ASSERTED = 1_000_000
"""So many of the latest authorizations of an issuer are asked who acted with them. If there are more, the walk is not complete."""

HOLDERS = """
select stream_id from read.clients
 where security ? 'workload_identities' and security -> 'workload_identities' @> jsonb_build_array(jsonb_build_object('issuer', $1::text))
 limit $2
"""
OF_CLIENTS = (
    f"select {COLUMNS} from log.events where stream_id = any($1::uuid[]) and type = any($2::text[]) order by position"
)
ENDING = tags(ClientSecurityChanged | ClientDeleted)
"""The types of the events that take a workload identity from a client."""

OWN = sorted(tags(CREDENTIALS) | ENDING)


async def of_issuers(connection: AnyConnection, nodes: Frontier, bounds: Bounds) -> list[Edge]:
    found: list[Edge] = []
    by_stream = {UUID(node.id): node for node in nodes}
    for row in await connection.fetch(FIRST, list(by_stream)):
        first = recorded(row)
        if isinstance(first.event, TrustedIssuerRegistered):
            node, issuer = by_stream[first.stream_id], first.event.issuer
            found += await _asserted(connection, node, issuer, nodes[node], bounds)
            found += await _workloads(connection, node, issuer, nodes[node], bounds)
    return found


async def _asserted(connection: AnyConnection, node: Node, issuer: str, since: datetime, bounds: Bounds) -> list[Edge]:
    live = bounds.live
    earliest = since if live is None else max(since, live.issued_after)
    rows = await bounds.rows(connection, ASSERTED, issuer, _first_id(earliest), live is None, bounds.most)
    found = [Edge(node, Node("authorization", str(past.stream_id)), past.recorded_at) for past in _of(rows, node)]
    return found if live is None else [*found, *await _acting(connection, node, issuer, since, bounds)]


def _of(rows: Iterable[asyncpg.Record], node: Node) -> Iterable[Recorded]:
    """Yield the events that say that this issuer asserted a user: another one may have had its identifier."""
    for past in map(recorded, rows):
        match past.event:
            case AuthorizationGranted(assertion=Assertion(issuer_id=issuer)) if str(issuer) == node.id:
                yield past
            case _:
                pass


async def _acting(connection: AnyConnection, node: Node, issuer: str, since: datetime, bounds: Bounds) -> list[Edge]:
    rows = await bounds.rows(connection, AGENTS, issuer, _first_id(since), since, MOST_ASSERTED, bounds.most)
    bounds.partial |= sum(row["authorizations"] for row in rows) >= MOST_ASSERTED
    names = await client_ids(connection, {row["client"] for row in rows})
    return [Edge(node, agent(names[row["client"]], str(row["user_id"])), row["at"]) for row in rows]


def _first_id(since: datetime) -> UUID:
    """Return what the ids of streams that began by then or later are not below, even if the clocks of two hosts differ."""
    milliseconds = int((since - WINDOWS[-1]).timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


async def _workloads(connection: AnyConnection, node: Node, issuer: str, since: datetime, bounds: Bounds) -> list[Edge]:
    """Return the edges to the workload identities of this issuer that clients have, or lost from `since` on."""
    streams = {row["stream_id"] for row in await bounds.rows(connection, HOLDERS, issuer, bounds.most)}
    streams |= {past.stream_id for past in await _endings(connection, bounds) if _may_end(past, issuer)}
    bounds.cut |= len(streams) >= bounds.most
    rows = await connection.fetch(OF_CLIENTS, list(streams), OWN) if streams else []
    past = [recorded(row) for row in rows]
    return of_holders(past, node, issuer, since)


def of_holders(past: Sequence[Recorded], node: Node, issuer: str, since: datetime) -> list[Edge]:
    """Return the edges from the issuer to the workload identities that clients with these events have from that time on."""
    by_stream = {stream: Node("client", str(stream)) for stream in {each.stream_id for each in past}}
    wanted = {credential_node(id_) for each in past for id_ in _identities(each, issuer)}
    edges = held(past, dict.fromkeys(by_stream.values(), since), by_stream)
    return [Edge(node, edge.target, edge.at) for edge in edges if edge.target in wanted]


async def _endings(connection: AnyConnection, bounds: Bounds) -> list[Recorded]:
    extent = Extent(after=bounds.after, upto=bounds.upto, limit=bounds.most, newest_first=False)
    found = await audit_events.find(connection, Wanted(types=tuple(sorted(ENDING))), extent)
    bounds.cut |= len(found) >= bounds.most
    return [*found, *(past for _, past in bounds.tail if past.type in ENDING)]


def _may_end(past: Recorded, issuer: str) -> bool:
    """A deletion does not say what the client had."""
    if isinstance(past.event, ClientSecurityChanged):
        return any(each.issuer == issuer for each in past.event.was.workload_identities)
    return isinstance(past.event, ClientDeleted)


def _identities(past: Recorded, issuer: str) -> Iterable[UUID]:
    security = security_given(past.event)
    every = () if security is None else security.workload_identities
    return (each.id_for(past.stream_id) for each in every if each.issuer == issuer)
