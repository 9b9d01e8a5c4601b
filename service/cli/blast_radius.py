"""muniment blast-radius: what follows from a compromise."""

from datetime import time

from events.database import Connection
from service.blast_radius import report, seeds
from service.blast_radius.bounds import bounds_of, follow_feed
from service.blast_radius.report import Affected, BlastRadius
from service.cli.opening import Plainly, ask
from service.cli.output import document, moment, note, say, table
from service.cli.selection import Place, read_place
from service.values.text import counted

KINDS = ("client", "secret", "bot", "user", "session", "authorization", "token", "change", "agent", "issuer")


def tell(
    of: str, since: str | None, kinds: list[str], limit: int, *, client_key: str | None = None, as_json: bool
) -> None:
    for kind in kinds:
        if kind not in KINDS:
            raise Plainly(f"There is no kind {kind}; there are {', '.join(KINDS)}.")
    place = None if since is None else read_place("--since", since, time.min)
    found = ask(lambda connection: _found(connection, (of, client_key), place, frozenset(kinds), limit))
    if as_json:
        document(found)
        return
    counts = ", ".join(counted(count, noun(kind)) for kind, count in found.counts.items()) or "nothing"
    say(f"From {noun(found.origin.kind)} {found.origin.id} follows: {counts}.")
    if found.affected:
        say("")
        table(("since", "kind", "id", "what", "follows from"), map(_cells, found.affected))
    if not found.complete:
        note("more follows than one walk can reach; a later --since, or a narrower ID, is complete")


async def _found(
    connection: Connection, of: tuple[str, str | None], since: Place | None, kinds: frozenset[str], limit: int
) -> BlastRadius:
    await follow_feed(connection)
    origin = await seeds.named(connection, *of)
    first = await report.moment_of(connection, since)
    radius = await report.radius(connection, origin, first, await bounds_of(connection, first))
    return await report.report(connection, radius, kinds, 0, limit)


def noun(kind: str) -> str:
    return {"signingKey": "signing key", "issuer": "trusted issuer"}.get(kind, kind)


def _cells(each: Affected) -> tuple[str, ...]:
    return (moment(each.at), each.kind, each.id, each.type or "", f"{each.via.kind} {each.via.id}")
