"""A bot by its id, and a command on it, with refusals that name the bot."""

from typing import Annotated
from uuid import UUID

import typer

from events.database import read
from events.envelope import Meta
from events.ids import bot_stream
from projections.bots import Row, find
from service.cli.fault import Plainly
from service.cli.ledger import changed, only_at
from service.commands.bot import BotCommand
from service.commands.handle import BOT, Handled, Ledger, handle
from service.refusals import DoesNotExist, VersionMismatch

BotId = Annotated[str, typer.Argument(metavar="BOT_ID", help="bot_…", show_default=False)]


def stream_of(bot_id: str) -> UUID:
    """Raises Plainly."""
    stream = bot_stream(bot_id)
    if stream is None:
        raise Plainly(f"{bot_id} is not the id of a bot: those are bot_ and 32 hexadecimal digits.")
    return stream


async def row_of(ledger: Ledger, bot_id: str) -> Row:
    """Raises Plainly."""
    row = await read(ledger.pool, lambda connection: find(connection, bot_id))
    if row is None or row.state == "deleted":
        raise _no_bot(bot_id)
    return row


async def carry_out(ledger: Ledger, bot_id: str, command: BotCommand, meta: Meta, at_version: int | None) -> Handled:
    """Raises Plainly, and what `decide` raises. The command is decided again if somebody else changes the bot meanwhile."""
    try:
        return await handle(ledger, BOT, stream_of(bot_id), command, meta, only_at=only_at(at_version))
    except VersionMismatch as fault:
        raise changed(bot_id, "bots", fault) from fault
    except DoesNotExist as fault:
        raise _no_bot(bot_id) from fault


def _no_bot(bot_id: str) -> Plainly:
    return Plainly(
        f"There is no bot {bot_id}. muniment bots list has those that there are, and muniment bots restore brings back a deleted one."
    )
