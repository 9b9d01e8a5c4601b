"""What tests append."""

from uuid import UUID

from events.client import ClientDisplayNameChanged
from events.codec import Event
from events.envelope import ByService, Meta
from events.log import Append, Receipt
from tests.rules.samples import REGISTERED


def meta(request_id: str = "test") -> Meta:
    return Meta(actor=ByService(why="test"), request_id=request_id)


def renamed(name: str) -> ClientDisplayNameChanged:
    return ClientDisplayNameChanged(display_name=name, was=None)


def events(count: int, *, after: int = 0) -> list[Event]:
    """A registration if the stream is empty, and names after it."""
    return [
        REGISTERED if version == 1 else renamed(f"name {version}") for version in range(after + 1, after + count + 1)
    ]


def item(
    stream: UUID, expected: int = 0, count: int = 1, *, request_id: str = "test", command: UUID | None = None
) -> Append:
    receipt = None if command is None else Receipt(command_id=command, fingerprint=b"f" * 32, response=b"sealed")
    return Append(
        stream=stream, expected=expected, events=events(count, after=expected), meta=meta(request_id), receipt=receipt
    )
