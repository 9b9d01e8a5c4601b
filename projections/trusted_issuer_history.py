"""The history of trusted issuers: each version of what this server accepts of each."""

from uuid import UUID

from events.database import AnyConnection
from events.trusted_issuer import TrustedIssuerEvent
from projections import history, trusted_issuers
from projections.history import History


class Row(history.Row[trusted_issuers.Row], frozen=True, kw_only=True, gc=False):
    state: str


HISTORY = History(
    name="trusted_issuer_history",
    version=1,
    table=trusted_issuers.TABLE,
    follows=TrustedIssuerEvent,
    row=Row,
    keep=lambda issuer: issuer,
    filters=lambda issuer: {"state": issuer.state},
    swept=False,
)

PROJECTION = HISTORY.catch_up()

NAMED = "select distinct stream_id from read.trusted_issuer_history where snapshot ->> 'issuer' = $1 order by stream_id"


async def streams_named(connection: AnyConnection, issuer: str) -> list[UUID]:
    """Returns a stream for each time that the issuer with this identifier was trusted, also for those that are over."""
    return [record["stream_id"] for record in await connection.fetch(NAMED, issuer)]
