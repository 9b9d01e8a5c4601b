"""The audit webhook: whether its endpoint accepts the events of the log."""

from events.batches import recorded_at
from events.replay import head
from service.cli.checks.finding import Finding, Installation, warning
from service.cli.checks.thresholds import WEBHOOK_LAG
from service.reactions.audit_push import NAME

ACCEPTED = "select position from push.checkpoints where name = $1"


async def look(installation: Installation) -> list[Finding]:
    if installation.settings.webhook is None:
        return []
    connection = installation.connection
    accepted: int = await connection.fetchval(ACCEPTED, NAME) or 0
    since = await recorded_at(connection, "log.batches", accepted + 1)
    if since is None or await installation.age(since) <= WEBHOOK_LAG:
        return []
    waiting = (await head(connection)).position - accepted
    return [
        warning(
            f"The audit webhook has not accepted {waiting:,} events since {since:%Y-%m-%d %H:%M:%SZ}: does a service run, and what does "
            "the endpoint answer it?",
            "look for “muniment.push” in the service's log",
        )
    ]
