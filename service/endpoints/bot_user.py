"""As whom a machine may act: the bot that its client names."""

from typing import Any
from uuid import UUID

from events.database import Pool, read
from events.ids import bot_stream
from projections import bots, users
from service.commands.authority import is_reserved
from service.endpoints.fields import Fields
from service.values import identifiers


async def check_bot(pool: Pool, reach: str | None, bot_id: str, fields: Fields[Any]) -> None:
    """Whether somebody who reaches these owners' bots (None: everybody's) may name it.

    An id of the surrounding product's directory is taken at its word; a bot registered here must be the caller's, and well.
    """
    fault = identifiers.fault_of(bot_id)
    if fault is not None:
        fields.fault("botUserId", fault)
    elif is_reserved(bot_id):
        fields.fault("botUserId", "is the service's own name; nobody's machine acts as the service")
    elif await _is_a_person(pool, bot_id):
        fields.fault("botUserId", "is a person's id; nobody's machine acts as a person")
    elif bot_stream(bot_id) is not None:
        row = await read(pool, lambda c: bots.find(c, bot_id))
        if row is not None and reach not in (None, row.owner):
            fields.fault("botUserId", "is a bot that is not yours")
        elif row is not None and row.state != "active":
            fields.fault("botUserId", f"is a bot that was {row.state}")


async def _is_a_person(pool: Pool, bot_id: str) -> bool:
    """Else a machine's tokens could not be told from a person's by their `sub` (RFC 9700 section 4.15). Erased people count too."""
    try:
        user = UUID(bot_id)
    except ValueError:
        return False
    return await read(pool, lambda connection: users.find(connection, user)) is not None
