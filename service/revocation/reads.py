"""Reads what can still be used of all that follows from a compromise, and plans how to stop it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, json

from events import issued_tokens
from events.codec import Event
from events.database import AnyConnection, Pool, read
from events.ids import client_stream
from events.replay import histories
from events.waiting import in_turns
from projections import clients, revoked_tokens
from service.blast_radius import report, tokens
from service.blast_radius.bounds import Issued, Live, bounds_of, bring_feed_near
from service.blast_radius.graph import Node
from service.blast_radius.report import Radius
from service.clock import utc_now
from service.configuration.settings import LEEWAY_SECONDS, LONGEST_TOKEN
from service.revocation import plan
from service.revocation.plan import Decided, Step, Token

LONGEST = timedelta(seconds=LONGEST_TOKEN + LEEWAY_SECONDS)
STREAMS_AT_ONCE = 500

HOLDER = "select stream_id from read.clients where secrets @> $1::jsonb or keys @> $2::jsonb"
STREAMS = "select position, stream_id from log.events where position = any($1::bigint[])"


class Planned(Struct, frozen=True):
    """A step that changes something, and the events that its stream has."""

    step: Step
    past: Sequence[Event]
    decided: Decided


class Plan(Struct, frozen=True, kw_only=True):
    """What stops everything that can still be used, as far as the walk found it; `complete` says whether it found everything.

    `exp` is when the last of these tokens expires, in seconds since 1970; 0 if there are none.
    """

    position: int
    complete: bool
    steps: Sequence[Planned]
    tokens: Sequence[Token]
    exp: int

    @property
    def nodes(self) -> list[Node]:
        stopped = [node for planned in self.steps for node in planned.decided.nodes]
        return [*stopped, *(Node("token", str(token.jti)) for token in self.tokens)]

    @property
    def users(self) -> set[UUID]:
        """The users who are disabled."""
        return {planned.step.stream for planned in self.steps if planned.step.kind == "user"}

    def includes(self, client_id: str | None) -> bool:
        """Return whether this client, one of its secrets or one of its tokens is stopped."""
        stream = None if client_id is None else client_stream(client_id)
        return any(planned.step.stream == stream for planned in self.steps) or any(
            token.revoked.client_id == client_id for token in self.tokens
        )


async def everything(pool: Pool, origin: Node, since: datetime) -> tuple[Radius, Plan]:
    """Return all that follows, whether it can still be used or not, and what stops that of it which can."""
    await bring_feed_near(pool)
    radius, issued = await read(pool, lambda connection: _walked(connection, origin, since, None))
    return radius, await _plan(pool, radius, issued)


async def live(pool: Pool, origin: Node, since: datetime) -> Plan:
    """Return what stops all that can still be used. However much cannot, the walk reaches what can."""
    await bring_feed_near(pool)
    now = utc_now()
    valid = Live(now - LONGEST, int(now.timestamp()) - LEEWAY_SECONDS)
    return await _plan(pool, *await read(pool, lambda connection: _walked(connection, origin, since, valid)))


async def _walked(
    connection: AnyConnection, origin: Node, since: datetime, valid: Live | None
) -> tuple[Radius, dict[str, Issued]]:
    """Return what the walk reached, and the tokens whose rows it read."""
    bounds = await bounds_of(connection, since, valid)
    return await report.radius(connection, origin, since, bounds), bounds.issued


async def _plan(pool: Pool, radius: Radius, known: Mapping[str, Issued]) -> Plan:
    """Each part is a read of its own, because one that takes long counts as lost."""
    now = utc_now()
    found = [radius.origin, *(node for node, _ in radius.reached)]
    issued = {**await read(pool, lambda connection: _redeemed(connection, radius, known, now)), **known}
    alive = await read(pool, lambda connection: _alive(connection, found, issued, now))
    gone = await read(pool, lambda connection: _gone(connection, alive))
    holders = await read(pool, lambda connection: _holders(connection, radius))
    return Plan(
        position=radius.position,
        complete=radius.complete,
        steps=await _that_change(pool, plan.steps(found, holders, now)),
        tokens=plan.tokens(found, alive, gone, now),
        exp=_latest(radius, issued),
    )


async def _redeemed(
    connection: AnyConnection, radius: Radius, known: Mapping[str, Issued], now: datetime
) -> dict[str, Issued]:
    """Return the tokens that only an event names, and the one from which the walk began."""
    origin = UUID(radius.origin.id) if radius.origin.kind == "token" else None
    first = {} if origin is None else {origin: issued_tokens.made_at(origin)}
    return await tokens.of_ids(
        connection,
        first
        | {
            UUID(node.id): reached.at
            for node, reached in radius.reached
            if node.kind == "token" and node.id not in known and reached.at > now - LONGEST
        },
    )


async def _holders(connection: AnyConnection, radius: Radius) -> dict[str, UUID]:
    """Return the clients of the secrets: that from which the walk came, or whose stream has the event; of the origin the one that has it."""
    found: dict[str, UUID] = {}
    added: dict[str, int] = {}
    for node, reached in radius.reached:
        if node.kind == "secret" and reached.via is not None:
            if reached.via.kind == "change":
                added[node.id] = int(reached.via.id)
            elif (stream := client_stream(reached.via.id)) is not None:
                found[node.id] = stream
    rows = await connection.fetch(STREAMS, list(added.values())) if added else []
    streams = {row["position"]: row["stream_id"] for row in rows}
    found |= {secret: streams[position] for secret, position in added.items()}
    if radius.origin.kind == "secret":
        asked = [json.encode([{name: radius.origin.id}]).decode() for name in ("secret_id", "key_id")]
        holder = await connection.fetchval(HOLDER, *asked)
        found |= {} if holder is None else {radius.origin.id: holder}
    return found


async def _alive(
    connection: AnyConnection, found: Sequence[Node], issued: Mapping[str, Issued], now: datetime
) -> dict[str, Issued]:
    """Return the tokens of the set that have not expired and are not revoked themselves."""
    after = now.timestamp() - LEEWAY_SECONDS
    tokens = {
        UUID(node.id): token
        for node in found
        if node.kind == "token" and (token := issued.get(node.id)) is not None and token.exp > after
    }
    revoked = await revoked_tokens.find(connection, list(tokens)) if tokens else {}
    return {str(jti): token for jti, token in tokens.items() if jti not in revoked}


async def _gone(connection: AnyConnection, tokens: Mapping[str, Issued]) -> set[str]:
    """Return the deleted ones of the tokens' clients: nothing, not even restoring it, makes a token of a deleted client valid again."""
    ids = {token.client_id for token in tokens.values()}
    by_stream = {stream: client_id for client_id in ids if (stream := client_stream(client_id)) is not None}
    there, _ = await clients.find_as_of(connection, list(by_stream))
    return {client_id for stream, client_id in by_stream.items() if stream not in there}


async def _that_change(pool: Pool, steps: Sequence[Step]) -> list[Planned]:
    found: list[Planned] = []
    async for part in in_turns(steps, STREAMS_AT_ONCE):
        past: dict[UUID, list[Event]] = {step.stream: [] for step in part}
        for each in await read(pool, lambda connection, streams=list(past): histories(connection, streams)):
            past[each.stream_id].append(each.event)
        planned = [Planned(step, past[step.stream], step.decide(past[step.stream])) for step in part]
        found += [each for each in planned if each.decided.events]
    return found


def _latest(radius: Radius, issued: Mapping[str, Issued]) -> int:
    return max(
        (issued[node.id].exp for node, _ in radius.reached if node.kind == "token" and node.id in issued), default=0
    )
