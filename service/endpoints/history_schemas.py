"""The response about one change in a history."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from service.audit.event_json import AnyActor, SealedFor, shown_actor, shown_reason
from service.endpoints.differences import Difference, Version


class HistoryEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One change: what happened, who caused it and why, and which fields it changed."""

    position: Annotated[int, Meta(description="Where the change is in the log.")]
    version: Annotated[int, Meta(description="The number of the change. The `ETag` of what is changed has it.")]
    recorded_at: datetime
    type: Annotated[str, Meta(description="What happened, such as `client.disabled`.")]
    actor: AnyActor
    request_id: str
    cause: Annotated[int, Meta(description="The position of the change that this one follows from.")] | None
    address: (
        Annotated[
            str, Meta(description="Where the request came from. Only a caller with the scope audit:read sees it.")
        ]
        | None
    )
    reason: (
        Annotated[
            str, Meta(description="The `Muniment-Reason` of the request. Of an erased user, only that there was one.")
        ]
        | SealedFor
        | None
    )
    changes: Annotated[
        dict[str, Difference],
        Meta(description="The changed fields by their names. It is empty if no field that is shown has changed."),
    ]
    trace_id: (
        Annotated[str, Meta(description="The trace (W3C Trace Context) of the request, if it belonged to one.")]
        | UnsetType
    ) = UNSET


def entry(version: Version, changes: dict[str, Difference], *, with_address: bool) -> HistoryEntry:
    past, meta = version.past, version.past.meta
    return HistoryEntry(
        position=past.position,
        version=past.version,
        recorded_at=past.recorded_at,
        type=past.type,
        actor=shown_actor(meta.actor),
        request_id=meta.request_id,
        cause=meta.cause,
        address=meta.address if with_address else None,
        reason=shown_reason(meta.reason),
        changes=changes,
        trace_id=meta.trace_id or UNSET,
    )
