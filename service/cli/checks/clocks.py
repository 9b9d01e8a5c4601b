"""The clocks: that of this machine, that of the database, and the last time in each log, which never runs backwards."""

import time
from datetime import datetime

from events.transparency.trees import BOTH
from service.cli.checks.finding import Finding, Installation, error, warning
from service.configuration.settings import LEEWAY_SECONDS

MEND = "timedatectl status (and chronyc tracking) on both machines"
LAST = "select recorded_at, clock_timestamp() from {batches} order by last_position desc limit 1"


async def look(installation: Installation) -> list[Finding]:
    before = time.time()
    theirs: datetime = await installation.connection.fetchval("select clock_timestamp()")
    found = of_this_machine((before + time.time()) / 2, theirs.timestamp())
    for tree in BOTH:
        row = await installation.connection.fetchrow(LAST.format(batches=tree.batches))
        if row is not None:
            found += _of_the_log(tree.of, row[0], row[1])
    return found


def of_this_machine(ours: float, theirs: float) -> list[Finding]:
    """In seconds since 1970."""
    apart = abs(ours - theirs)
    if apart <= LEEWAY_SECONDS:
        return []
    side = "behind" if ours < theirs else "ahead of"
    return [
        warning(
            f"The clock of this machine is {apart:,.0f} seconds {side} that of the database: tokens are refused as expired, or as not yet issued.",
            MEND,
        )
    ]


def _of_the_log(log: str, last: datetime, now: datetime) -> list[Finding]:
    ahead = (last - now).total_seconds()
    if ahead <= 1:
        return []
    return [
        error(
            f"The last entry of the {log} has the time {last:%Y-%m-%d %H:%M:%SZ}, {ahead:,.0f} seconds ahead of the database's clock: "
            "until then every entry gets that time.",
            "timedatectl status on the machine of the database",
        )
    ]
