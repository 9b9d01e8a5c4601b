"""Which request is being answered: the same id is in its events, in its refusals and in each line of the log about it."""

from contextvars import ContextVar
from uuid import UUID

from service.crypto.credentials import new_id

_current: ContextVar[UUID | None] = ContextVar("request_id", default=None)


def begin() -> None:
    """A request arrived; uvicorn answers each in a task, and so in a context, of its own."""
    _current.set(new_id())


def current() -> UUID | None:
    """None outside of a request."""
    return _current.get()


def this_request() -> UUID:
    """The request's id; what happens outside of a request gets one of its own."""
    return _current.get() or new_id()
