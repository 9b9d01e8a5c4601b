"""The audit webhook: whether its endpoint accepts the events of the log."""

from datetime import datetime

from events.replay import head
from service.cli.checks.finding import Finding, Installation, warning
from service.cli.checks.thresholds import WEBHOOK_LAG
from service.reactions.audit_push import NAME

ACCEPTED = "select position from push.checkpoints where name = $1"
WAITING = """
select recorded_at, clock_timestamp() - recorded_at from log.batches where last_position > $1 order by last_position limit 1
"""


async def look(installation: Installation) -> list[Finding]:
    if installation.settings.webhook is None:
        return []
    connection = installation.connection
    accepted: int = await connection.fetchval(ACCEPTED, NAME) or 0
    first = await connection.fetchrow(WAITING, accepted)
    if first is None or first[1] <= WEBHOOK_LAG:
        return []
    since: datetime = first[0]
    waiting = (await head(connection)).position - accepted
    return [
        warning(
            f"The audit webhook has not accepted {waiting:,} events since {since:%Y-%m-%d %H:%M:%SZ}: does a service run, and what does "
            "the endpoint answer it?",
            "look for “muniment.push” in the service's log",
        )
    ]
