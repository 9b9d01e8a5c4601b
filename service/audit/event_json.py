"""An event of the log as the API shows it, in answers and in what is pushed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from events.codec import Recorded, decode_meta
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser, Meta, SealedReason
from service.audit.event_fields import fields, stored_fields, subject_of


class ActorClient(Struct, frozen=True, kw_only=True, rename="camel", tag_field="by", tag="client"):
    """A client of the HTTP API, as its access token names it."""

    client_id: str
    sub: str


class ActorUser(Struct, frozen=True, kw_only=True, rename="camel", tag_field="by", tag="user"):
    """A user of the pages."""

    user_id: UUID
    session: UUID | None


class ActorOperator(Struct, frozen=True, kw_only=True, rename="camel", tag_field="by", tag="operator"):
    """An operator at the command line, by the user name in the operating system."""

    user: str


class ActorService(Struct, frozen=True, kw_only=True, rename="camel", tag_field="by", tag="service"):
    """The service itself."""

    why: str


AnyActor = ActorClient | ActorUser | ActorOperator | ActorService


class SealedFor(Struct, frozen=True, kw_only=True, rename="camel"):
    """A reason that is sealed with the data key of this user, because it may name the user."""

    sealed_for: UUID


class AuditEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event of the log.

    `subject` is the public id of what it happened to. `cause` is the position of the event that it follows from. `data` has the
    event's own fields by their names in the log, without hashes and sealed data. `traceId` is there if the request belonged to a trace.
    """

    position: int
    recorded_at: datetime
    type: str
    stream_id: UUID
    subject: str
    version: int
    actor: AnyActor
    request_id: str
    cause: int | None
    address: str | None
    reason: str | SealedFor | None
    data: dict[str, Any]
    trace_id: str | UnsetType = UNSET


def audit_event(past: Recorded) -> AuditEvent:
    place = past.position, past.recorded_at, past.stream_id, past.version
    return _audit_event(place, past.type, past.meta, fields(past.event))


def stored_event(row: asyncpg.Record) -> AuditEvent:
    """Return the same of a stored row of `replay.COLUMNS`, whose event is not made for it. Raises UnreadableEvent."""
    position, recorded_at, stream, version, schema, kind, meta, data = row
    shown: Any = stored_fields(kind, schema, data)  # A struct is written as the same JSON as a dict.
    return _audit_event((position, recorded_at, stream, version), kind, decode_meta(meta), shown)


def _audit_event(place: tuple[int, datetime, UUID, int], kind: str, meta: Meta, data: dict[str, Any]) -> AuditEvent:
    position, recorded_at, stream, version = place
    return AuditEvent(
        position=position,
        recorded_at=recorded_at,
        type=kind,
        stream_id=stream,
        subject=subject_of(kind, stream),
        version=version,
        actor=shown_actor(meta.actor),
        request_id=meta.request_id,
        cause=meta.cause,
        address=meta.address,
        reason=None if meta.reason is None else shown_reason(meta.reason),
        data=data,
        trace_id=meta.trace_id or UNSET,
    )


def shown_actor(actor: Actor) -> AnyActor:
    match actor:
        case ByClient():
            return ActorClient(client_id=actor.client_id, sub=actor.sub)
        case ByUser():
            return ActorUser(user_id=actor.user_id, session=actor.session)
        case ByOperator():
            return ActorOperator(user=actor.user)
        case ByService():
            return ActorService(why=actor.why)


def shown_reason(reason: str | SealedReason | None) -> str | SealedFor | None:
    return SealedFor(sealed_for=reason.user_id) if isinstance(reason, SealedReason) else reason
