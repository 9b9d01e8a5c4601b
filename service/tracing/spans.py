"""The steps of the current request as spans. If the request is not recorded, a step costs a look at a variable."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Literal, Protocol

from msgspec import Struct

Step = Literal["load", "decide", "append", "sign"]
Receiver = Literal["upstream", "webhook", "back-channel logout", "witness", "client"]


class Outgoing(Struct):
    """An outgoing request: the headers that it adds to its own (traceparent, or none), and the status of its response, once there is one."""

    headers: Mapping[str, str]
    status: int | None = None


class Recording(Protocol):
    """What is known of the trace of the work that goes on: of a request, or of a task in the background."""

    def step(self, name: Step) -> AbstractContextManager[None]: ...

    def outgoing(self, to: Receiver) -> AbstractContextManager[Outgoing]: ...


recording: ContextVar[Recording | None] = ContextVar("recording", default=None)

_NOT_RECORDED = nullcontext[None]()


def span(name: Step) -> AbstractContextManager[None]:
    here = recording.get()
    return _NOT_RECORDED if here is None else here.step(name)


def outgoing(to: Receiver) -> AbstractContextManager[Outgoing]:
    here = recording.get()
    return nullcontext(Outgoing({})) if here is None else here.outgoing(to)
