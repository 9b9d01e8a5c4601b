"""The id of the current request, and the trace that it belongs to. Its events, its refusals and each of its log lines contain them."""

from contextvars import ContextVar
from uuid import UUID

from msgspec import Struct

from events.envelope import Actor, Meta
from service.crypto.credentials import new_id
from service.values.traceparent import Trace


class Current(Struct, frozen=True):
    id: UUID
    trace: Trace | None


_current: ContextVar[Current | None] = ContextVar("request_id", default=None)


def begin(trace: Trace | None = None) -> None:
    """Start a new request. uvicorn handles each request in its own task, and so in its own context."""
    _current.set(Current(new_id(), trace))


def recorded_as(trace: Trace) -> None:
    """The current request is recorded as a span of this trace."""
    _current.set(Current(this_request(), trace))


def current() -> UUID | None:
    """Return None outside of a request."""
    here = _current.get()
    return None if here is None else here.id


def this_request() -> UUID:
    """Return the request's id. Work outside of a request gets a new id."""
    here = _current.get()
    return new_id() if here is None else here.id


def trace() -> Trace | None:
    """Return the trace of the current request, if the caller named one or the request is recorded."""
    here = _current.get()
    return None if here is None else here.trace


def trace_id() -> str | None:
    known = trace()
    return None if known is None else known.trace_id


def envelope(actor: Actor, *, cause: int | None = None, address: str | None = None, reason: str | None = None) -> Meta:
    """Return the metadata of an event that the current request causes."""
    return Meta(
        actor=actor,
        request_id=str(this_request()),
        cause=cause,
        address=address,
        reason=reason,
        trace_id=trace_id(),
    )
