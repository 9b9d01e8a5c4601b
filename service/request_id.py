"""The id of the current request. Its events, its refusals and each of its log lines contain it."""

from contextvars import ContextVar
from uuid import UUID

from service.crypto.credentials import new_id

_current: ContextVar[UUID | None] = ContextVar("request_id", default=None)


def begin() -> None:
    """Start a new request. uvicorn handles each request in its own task, and so in its own context."""
    _current.set(new_id())


def current() -> UUID | None:
    """Return None outside of a request."""
    return _current.get()


def this_request() -> UUID:
    """Return the request's id. Work outside of a request gets a new id."""
    return _current.get() or new_id()
