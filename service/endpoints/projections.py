"""/api/v1/projections: how far each table that is derived from a log is, and whether it was found to be right."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from events.database import read
from events.waiting import in_daemon_thread
from projections import registry
from projections.engine.status import Status, statuses
from projections.engine.verifications import Outcome, Verification
from service.endpoints.call import Call
from service.endpoints.responses import answered
from service.problems import NotFound

PATH = "/api/v1/projections"


class LastVerification(Struct, frozen=True, kw_only=True, rename="camel"):
    """The last comparison of the table with what the log makes of it, up to `position`."""

    verified_utc: Annotated[datetime, Meta(tz=True)]
    outcome: Annotated[Outcome, Meta(description="`failed`: the log cannot be folded, as `error` says.")]
    position: int
    rows: int
    digest: Annotated[str, Meta(description="Of the table's rows, in any order.")]
    expected_digest: Annotated[str, Meta(description="Of the rows that the log makes.")]
    differing: Annotated[tuple[str, ...], Meta(description="The keys of at most ten rows that differ.")]
    error: str | None
    seconds: Annotated[float, Meta(description="How long it took.")]


class Projection(Struct, frozen=True, kw_only=True, rename="camel"):
    """A table that is derived from a log."""

    name: str
    version: Annotated[int, Meta(description="Of its code; null for a table that is written with each event.")] | None
    follows: Annotated[str, Meta(description="The log that it follows: `events`, or `issuance` for the issued tokens.")]
    state: Annotated[
        str,
        Meta(
            description="`inline` (written with each event), `active` (follows the log), `building` (beside an earlier version), "
            "`failed` (stopped at an entry), `not started`, or `not loaded` (of a package that cannot be used)."
        ),
    ]
    position: Annotated[int, Meta(description="The last entry of its log that it has taken in.")]
    lag: Annotated[int, Meta(description="The entries that it has not taken in yet.")]
    lag_seconds: Annotated[float, Meta(description="How long the oldest of them has been in the log.")]
    rows: Annotated[int, Meta(description="An estimate if the table is large; null if there is none.")] | None
    failed_position: Annotated[int, Meta(description="The entry at which it stopped.")] | None
    error: Annotated[str, Meta(description="Why it stopped.")] | None
    updated_utc: Annotated[datetime, Meta(tz=True, description="When it last moved.")] | None
    last_verification: LastVerification | None


async def list_projections(call: Call) -> Response:
    return answered([_shown(each) for each in await _statuses(call)])


async def read_projection(call: Call) -> Response:
    """While a later version is built beside it, that has a state of its own, which the list shows."""
    found = await _statuses(call, call.request.path_params["projection"])
    if not found:
        raise NotFound("There is no projection with this name.")
    return answered(_shown(found[0]))


async def _statuses(call: Call, only: str | None = None) -> list[Status]:
    await in_daemon_thread(registry.everything)  # the first time, it imports packages, which may take long
    return await read(call.resources.ledger.pool, lambda connection: statuses(connection, only))


def _shown(status: Status) -> Projection:
    return Projection(
        name=status.name,
        version=status.version,
        follows=status.follows,
        state=status.state,
        position=status.position,
        lag=status.lag,
        lag_seconds=status.lag_seconds,
        rows=status.rows,
        failed_position=status.failed_position,
        error=status.error,
        updated_utc=status.updated_at,
        last_verification=None if status.verification is None else _verified(status.verification),
    )


def _verified(found: Verification) -> LastVerification:
    return LastVerification(
        verified_utc=found.verified_at,
        outcome=found.outcome,
        position=found.position,
        rows=found.rows,
        digest=found.digest,
        expected_digest=found.expected_digest,
        differing=found.differing,
        error=found.error,
        seconds=found.seconds,
    )
