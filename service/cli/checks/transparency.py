"""The checkpoints of both logs, the quorum of their witnesses, and each witness."""

import asyncio
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from events.batches import recorded_at
from events.database import Connection
from events.transparency import kept
from events.transparency.kept import Kept
from events.transparency.trees import BOTH, Tree
from service.cli.checks.finding import Finding, Installation, error, warning
from service.cli.checks.thresholds import CHECKPOINT_LAG, WITNESS_LAG
from service.configuration.issuer import DEFAULT_PORTS
from service.configuration.witnesses import Witness

CONNECTION_SECONDS = 3.0

MADE = "select made_at from log.checkpoints where tree = $1 and size > $2 order by size limit 1"


async def look_at_checkpoints(installation: Installation) -> list[Finding]:
    found: list[Finding] = []
    for tree in BOTH:
        newest = await kept.newest(installation.connection, tree)
        found += await _uncovered(installation, tree, newest)
        if newest is not None:
            found += await _without_quorum(installation, tree)
    return found


async def _uncovered(installation: Installation, tree: Tree, newest: Kept | None) -> list[Finding]:
    """An entry that no checkpoint covers, although it is no longer new."""
    first = await recorded_at(installation.connection, tree.batches, 1 + (newest.size if newest else 0))
    if first is None or await installation.age(first) <= CHECKPOINT_LAG:
        return []
    return [
        warning(
            f"No checkpoint covers the entries of the {tree.of} since {first:%Y-%m-%d %H:%M:%SZ}, so they cannot be proved: does a service run?",
            "muniment serve; if one runs, muniment projections list says whether its tiles are behind",
        )
    ]


async def _without_quorum(installation: Installation, tree: Tree) -> list[Finding]:
    quorum = installation.settings.quorum
    if not quorum.least:
        return []
    witnessed = await kept.witnessed(installation.connection, tree, quorum)
    since = await _since(installation.connection, tree, witnessed.size if witnessed else 0)
    if since is None or await installation.age(since) <= WITNESS_LAG:
        return []
    last = f"the last that has is of size {witnessed.size}" if witnessed else "none has"
    return [
        error(
            f"The checkpoints of the {tree.of} since {since:%Y-%m-%d %H:%M:%SZ} have no quorum of {quorum.least} of {len(quorum.keys)} witnesses; {last}.",
            "ask the operators of the witnesses below; or set MUNIMENT_WITNESS_QUORUM lower",
        )
    ]


async def look_at_witnesses(installation: Installation) -> list[Finding]:
    witnesses = installation.settings.witnesses
    answers = await asyncio.gather(*map(_answers, witnesses))
    found: list[Finding] = []
    for witness, answer in zip(witnesses, answers, strict=True):
        late = [each for tree in BOTH for each in await _lagging(installation, tree, witness)]
        if not answer:
            found.append(
                warning(f"The witness {witness.key.name} does not answer at {witness.url}.", f"curl -v {witness.url}")
            )
        elif late:
            found.append(
                warning(
                    f"The witness {witness.key.name} answers, but has not cosigned {' and '.join(late)}; the service's log says why.",
                    "look for “muniment.witnesses” in the service's log",
                )
            )
    return found


async def _lagging(installation: Installation, tree: Tree, witness: Witness) -> list[str]:
    size = await kept.last_cosigned(installation.connection, tree, witness.key)
    since = await _since(installation.connection, tree, size)
    if since is None or await installation.age(since) <= WITNESS_LAG:
        return []
    return [f"the {tree.of} since {since:%Y-%m-%d %H:%M:%SZ}"]


async def _answers(witness: Witness) -> bool:
    """Whether something accepts connections there."""
    url = urlsplit(witness.url)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(CONNECTION_SECONDS):
            _, writer = await asyncio.open_connection(url.hostname, url.port or DEFAULT_PORTS[url.scheme])
        writer.close()
        return True
    return False


async def _since(connection: Connection, tree: Tree, size: int) -> datetime | None:
    """When the first checkpoint after this size was made."""
    return await connection.fetchval(MADE, tree.name, size)
