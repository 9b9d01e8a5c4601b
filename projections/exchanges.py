"""The tokens that were exchanged for others (RFC 8693), how often, and when last."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.codec import tags
from events.exchange import ExchangeEvent
from projections.table import Table


class Row(Struct, frozen=True, kw_only=True, gc=False):
    stream_id: UUID
    subject: UUID
    subject_client: str
    exchanged_at: datetime
    version: int


def project(row: Row | None, stream: UUID, event: ExchangeEvent) -> Row:
    """Returns the row of the token that was exchanged."""
    return Row(
        stream_id=stream,
        subject=event.subject,
        subject_client=event.subject_client,
        exchanged_at=event.at,
        version=1 if row is None else row.version + 1,
    )


TABLE = Table(name="exchanges", row=Row, tags=tags(ExchangeEvent), project=project)
