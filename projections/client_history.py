"""What each client was, and when: one row for each version of a client, with the positions and times between which it was so.

`as of position p` is the row with from_position <= p < to_position, and likewise for a time; the row that is so now has no end. A
deleted client has no open row.
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
    """`client` is the row of the client in that version; what proves its secrets, their hashes, is left out."""

    stream_id: UUID
    version: int
    from_position: int
    to_position: int | None
    from_time: datetime
    to_time: datetime | None
    client: clients.Row


def project(entry: Recorded, find: Callable[..., Row | None]) -> Iterable[Row]:
    """The version before ends where the event stands, and the version after, if there is one, begins there."""
    before = find(entry.stream_id, entry.version - 1) if entry.version > 1 else None
    if before is not None:
        yield before.__replace__(to_position=entry.position, to_time=entry.recorded_at)
    event: ClientEvent = entry.event  # pyright: ignore[reportAssignmentType] - the projection follows a client's events alone
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
