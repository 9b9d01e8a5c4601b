"""What follows from the leaked secret, and what a stricter policy would have refused of everything."""

import time
from datetime import timedelta
from itertools import pairwise

from msgspec import Struct, json

from events.database import Connection
from service.rehearsal import replay
from service.rehearsal.policy import Policy
from tests.bench.history.asking import Asker, at
from tests.bench.history.figures import Figure, Group, several, single
from tests.bench.history.samples import Samples

BLAST_RADIUS = "/api/v1/audit/blast-radius"
REVOCATIONS = "/api/v1/audit/revocations"
REPEATED = 5
MOST_SECONDS = 2
STRICTER = Policy(require_pkce=True, max_token_lifetime=900, deny_scopes=frozenset({"crm:write"}), max_secret_age=10)


class Radius(Struct, frozen=True):
    counts: dict[str, int]
    complete: bool


async def measure(asker: Asker, samples: Samples, connection: Connection) -> Group:
    return Group(
        title="What follows from a secret, and a rehearsal",
        figures=[*_radius(asker, samples), *await _rehearsal(connection, samples)],
    )


def _radius(asker: Asker, samples: Samples) -> list[Figure]:
    since = (samples.leaked_since - timedelta(seconds=1)).isoformat()
    path = at(BLAST_RADIUS, id=samples.leaked_secret, since=since)
    answers = [asker.get(path) for _ in range(REPEATED)]
    found = json.decode(answers[0].body, type=Radius)
    what = f"the blast radius of a secret, {sum(found.counts.values()):,} descendants"
    return [several(what, "s", [answer.seconds for answer in answers], MOST_SECONDS)]


def revocation(asker: Asker, samples: Samples) -> Group:
    """Comes last, because it changes what there is."""
    since = (samples.leaked_since - timedelta(seconds=1)).isoformat()
    wanted = {"id": str(samples.leaked_secret), "since": since}
    headers = {"Content-Type": "application/json"}
    previewed, revoked = (
        [
            asker.ask("POST", REVOCATIONS, json.encode({**wanted, "dryRun": dry_run}), headers).seconds
            for _ in range(times)
        ]
        for dry_run, times in ((True, REPEATED), (False, 1))
    )
    figures = [
        several("previewed", "s", previewed, MOST_SECONDS),
        single("revoked", "s", revoked[0], MOST_SECONDS),
    ]
    return Group(title="Revocation of all that follows from the secret, over HTTP", figures=figures)


async def _rehearsal(connection: Connection, samples: Samples) -> list[Figure]:
    """`muniment policy rehearse` without its start. Its progress moves when a day is over."""
    moved = [time.perf_counter()]
    begun = moved[0]
    async with replay.reading(connection):
        span = await replay.span(connection, samples.extent.since - timedelta(days=1), samples.extent.until)
        found = await replay.rehearse(
            connection, STRICTER, span, lambda _done, _total: moved.append(time.perf_counter())
        )
    seconds = time.perf_counter() - begun
    longest = max(later - earlier for earlier, later in pairwise(moved))
    return [
        single(f"a rehearsal over {found.tokens:,} tokens and {found.others:,} events", "s", seconds),
        single("its rate", "entries/s", (found.tokens + found.others) / seconds),
        single(f"its longest pause of {len(moved) - 1} moves of the progress bar", "s", longest),
    ]
