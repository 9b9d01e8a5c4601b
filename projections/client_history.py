"""The history of clients: one row for each version of a client, with the range of positions and times in which it was current.

The row of position p has from_position <= p < to_position, and likewise for a time. The current row has no end. A deleted client
has no current row.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct

from events.client import ClientEvent
from events.codec import Recorded
from projections import clients
from projections.catch_up import CatchUp, events


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """`client` is the row of the client in that version, without the hashes of its secrets."""

    stream_id: UUID
    version: int
    from_position: int
    to_position: int | None
    from_time: datetime
    to_time: datetime | None
    client: clients.Row


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row]:
    """Yields the earlier version, which ends at the event, and the new version, if there is one, which begins there."""
    before = find(entry.stream_id, entry.version - 1) if entry.version > 1 else None
    if before is not None:
        yield before.__replace__(to_position=entry.position, to_time=entry.recorded_at)
    event: ClientEvent = entry.event  # pyright: ignore[reportAssignmentType] - the projection follows only events of clients
    client = clients.project(before and before.client, entry.stream_id, event)
    if client is not None:
        yield Row(
            stream_id=entry.stream_id,
            version=entry.version,
            from_position=entry.position,
            to_position=None,
            from_time=entry.recorded_at,
            to_time=None,
            client=_without_hashes(client),
        )


def _without_hashes(client: clients.Row) -> clients.Row:
    kept = tuple(secret.__replace__(hash="", imported=UNSET) for secret in client.secrets)
    return client.__replace__(secrets=kept)


PROJECTION = CatchUp(
    name="client_history",
    version=1,
    follows=events(ClientEvent),
    row=Row,
    key=("stream_id", "version"),
    project=project,
    indexes=(("from_position", "to_position"), ("from_time", "to_time")),
)
