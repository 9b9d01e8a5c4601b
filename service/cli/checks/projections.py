"""The projections: stopped by an entry, behind, never started, left out; and whether their rows are what the log makes of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from projections.engine import status
from projections.engine.status import Status
from service.cli.checks.finding import Finding, Installation, error, warning
from service.cli.checks.thresholds import PROJECTION_LAG

UNVERIFIED = 2
"""How many of the service's own verifications of a projection may be missing."""


async def look(installation: Installation) -> list[Finding]:
    now: datetime = await installation.connection.fetchval("select clock_timestamp()")
    every = timedelta(hours=installation.settings.verification_hours)
    found = await status.statuses(installation.connection)
    return [finding for each in found for finding in (*_following(each), *_verified(each, now, every))]


def _following(each: Status) -> Iterator[Finding]:
    where = "issuance log" if each.follows == "issuance" else "event log"
    if each.state == "failed":
        yield error(
            f"The projection {each.name} stopped at position {each.failed_position} of the {where}, {each.lag:,} before its end: {each.error}.",
            f"muniment log verify, and once the cause is repaired: muniment projections resume {each.name}",
        )
    elif each.state == "not loaded":
        yield warning(f"The projection {each.name} is left out: {each.error}", f"muniment projections show {each.name}")
    elif each.error is not None:
        yield error(f"The projection {each.name} has no table: {each.error}.", "muniment db migrate")
    elif each.state == "not started" and each.lag:
        yield warning(f"The projection {each.name} was never started; a running service does that.", "muniment serve")
    elif each.lag_seconds > PROJECTION_LAG.total_seconds() and each.state == "active":
        yield warning(
            f"The projection {each.name} is {each.lag:,} behind the end of the {where}, where an entry has waited for "
            f"{each.lag_seconds:,.0f} seconds: does a service run, and is it not always busy?",
            "muniment serve; beside processes that are always busy: muniment follow",
        )


def _verified(each: Status, now: datetime, every: timedelta) -> Iterator[Finding]:
    last = each.verification
    if last is not None and last.outcome != "agrees":
        yield error(
            f"The projection {each.name} {last.said} (verified at {last.verified_at:%Y-%m-%d %H:%M:%SZ}).",
            f"muniment projections verify {each.name}, and if it still differs: muniment projections rebuild {each.name}",
        )
    elif last is not None and every and now - last.verified_at > UNVERIFIED * every:
        yield warning(
            f"The projection {each.name} was last verified at {last.verified_at:%Y-%m-%d %H:%M:%SZ}, although the service verifies it "
            f"every {every.total_seconds() / 3600:,.0f} hours: does one run?",
            f"muniment projections verify {each.name}",
        )
