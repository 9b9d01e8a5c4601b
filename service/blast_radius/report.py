"""The report on a blast radius: how much of each kind follows, and a page of it, in the order in which it was reached."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from events.batches import recorded_at
from events.database import AnyConnection
from events.replay import head
from events.verify import BEGINNING
from events.waiting import in_turns
from service.blast_radius import reads
from service.blast_radius.bounds import Bounds
from service.blast_radius.consequences import of_agent
from service.blast_radius.graph import Edge, Node, Reached, Walk
from service.refusals import InvalidValue

TYPES = "select position, type from log.events where position = any($1::bigint[])"


class Named(Struct, frozen=True, kw_only=True, rename="camel"):
    kind: str
    id: str


class Affected(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that follows: since when, and from what it follows. A change has the type of its event; its id is the position.

    An agent is a client that acted for a `sub`; its id is both, with a space between them.
    """

    kind: str
    id: str
    at: datetime
    via: Named
    type: str | None


class BlastRadius(Struct, frozen=True, kw_only=True, rename="camel"):
    """`counts` are by kind. If there is more than one walk can reach, `complete` is false."""

    origin: Named
    since: datetime
    position: int
    counts: dict[str, int]
    complete: bool
    affected: list[Affected]


class Radius(Struct, frozen=True, kw_only=True):
    """What was reached, without the origin, in the order of time. Agents are among it if the origin is an issuer."""

    origin: Node
    since: datetime
    position: int
    complete: bool
    reached: Sequence[tuple[Node, Reached]]

    def of(self, kinds: frozenset[str]) -> Sequence[tuple[Node, Reached]]:
        """Return what is of one of these kinds; of all, if none is named."""
        return [each for each in self.reached if each[0].kind in kinds] if kinds else self.reached

    @property
    def counts(self) -> dict[str, int]:
        return {**Counter(node.kind for node, _ in self.reached)}


async def moment_of(connection: AnyConnection, since: int | datetime | None) -> datetime:
    """Return the time of a position of the log, or the time itself; the beginning of the log for None."""
    match since:
        case None:
            return BEGINNING
        case int():
            return await recorded_at(connection, "log.batches", since) or datetime.now(UTC)
        case datetime():
            return max(since, BEGINNING)


async def past_moment_of(connection: AnyConnection, since: int | datetime | None) -> datetime:
    """Return the same, unless it is still to come. Raises InvalidValue."""
    end = (await head(connection)).position
    if isinstance(since, int) and since > end:
        raise _to_come(f"is beyond the end of the log, which is position {end}")
    if isinstance(since, datetime) and since > datetime.now(UTC):
        raise _to_come("is in the future")
    return await moment_of(connection, since)


def _to_come(fault: str) -> InvalidValue:
    return InvalidValue(f"The time since when it follows {fault}.", {"since": [fault]})


async def radius(connection: AnyConnection, origin: Node, since: datetime, within: Bounds) -> Radius:
    """Walks from the origin, within these bounds."""
    walk = Walk({origin: since}, within.most - 1)
    while walk.frontier and not walk.full and not within.cut:
        await take(walk, await reads.edges(connection, walk.frontier, within))
    reached = [(node, at) for node, at in walk.reached.items() if node != origin and _is_shown(node, origin)]
    reached.sort(key=lambda each: (each[1].at, each[0].kind, each[0].id))
    complete = not (walk.full or within.cut or within.partial)
    return Radius(origin=origin, since=since, position=within.position, complete=complete, reached=reached)


def _is_shown(node: Node, origin: Node) -> bool:
    """An agent follows from a token of its client, which is there. Only of an issuer is it asked whom it asserted to whom."""
    return node.kind != "agent" or origin.kind == "issuer"


async def take(walk: Walk, edges: Sequence[Edge]) -> None:
    """Give the walk these edges as one step of it, with pauses in which other requests have their turns."""
    frontier: dict[Node, datetime] = {}
    async for part in in_turns(edges):
        walk.take(part)
        frontier |= walk.frontier
    walk.frontier = frontier


async def report(
    connection: AnyConnection, found: Radius, kinds: frozenset[str], first: int, limit: int
) -> BlastRadius:
    page = found.of(kinds)[first : first + limit]
    changes = [int(node.id) for node, _ in page if node.kind == "change"]
    types = {row["position"]: row["type"] for row in await connection.fetch(TYPES, changes)} if changes else {}
    return BlastRadius(
        origin=_named(found.origin),
        since=found.since,
        position=found.position,
        counts=found.counts,
        complete=found.complete,
        affected=[_affected(node, reached, types) for node, reached in page],
    )


def _affected(node: Node, reached: Reached, types: dict[int, str]) -> Affected:
    assert reached.via is not None
    kind = types.get(int(node.id)) if node.kind == "change" else None
    return Affected(kind=node.kind, id=node.id, at=reached.at, via=_named(reached.via), type=kind)


def _named(node: Node) -> Named:
    """An agent is shown as its client."""
    return Named(kind="client", id=of_agent(node)[0]) if node.kind == "agent" else Named(kind=node.kind, id=node.id)
