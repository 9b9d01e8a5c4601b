"""A bot's deletion, carried on to its clients. They get no token from the bot's deletion on, whether this came to its end or not."""

from uuid import UUID

from events.envelope import Meta
from service.commands.authority import EVERYBODY
from service.commands.client import DeleteClient
from service.commands.handle import CLIENT, Ledger, handle
from service.problems import NotFound


async def delete_clients(ledger: Ledger, streams: list[UUID], meta: Meta) -> None:
    """Harmless to repeat: a client that somebody else deleted meanwhile is passed over."""
    for stream in streams:
        try:
            await handle(ledger, CLIENT, stream, DeleteClient(by=EVERYBODY), meta)
        except NotFound:
            continue
