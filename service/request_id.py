"""The id of the current request, and the trace that it belongs to. Its events, its refusals and each of its log lines contain them."""

from collections.abc import Iterable
from contextvars import ContextVar
from uuid import UUID

from events.envelope import Actor, Meta
from service.crypto.credentials import new_id
from service.values import traceparent
from service.values.traceparent import Trace

Headers = Iterable[tuple[bytes, bytes]]


class _Request:
    """A request, whose id and trace are known once somebody asks: most requests cause no event and no log line."""

    __slots__ = ("_headers", "_id", "_trace")

    def __init__(self, headers: Headers) -> None:
        self._headers: Headers | None = headers
        self._id: UUID | None = None
        self._trace: Trace | None = None

    @property
    def id(self) -> UUID:
        if self._id is None:
            self._id = new_id()
        return self._id

    @property
    def trace(self) -> Trace | None:
        if self._headers is not None:
            self._trace, self._headers = traceparent.read(self._headers), None
        return self._trace

    def recorded_as(self, trace: Trace) -> None:
        self._trace, self._headers = trace, None


_current: ContextVar[_Request | None] = ContextVar("request_id", default=None)


def begin(headers: Headers = ()) -> None:
    """Start a new request with these headers. uvicorn handles each request in its own task, and so in its own context."""
    _current.set(_Request(headers))


def recorded_as(trace: Trace) -> None:
    """The current request is recorded as a span of this trace."""
    here = _current.get()
    if here is None:
        _current.set(here := _Request(()))
    here.recorded_as(trace)


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
