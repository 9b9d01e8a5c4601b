"""The bot that a client names as the subject of its tokens."""

from typing import Any
from uuid import UUID

from events.database import Pool, read
from events.ids import bot_stream
from projections import bots, users
from service.commands.authority import Holder, is_reserved
from service.endpoints.fields import Fields
from service.values import identifiers
from service.values.uuids import uuid_of


async def check_bot(pool: Pool, by: Holder, bot_id: str, fields: Fields[Any]) -> None:
    """Report in `fields` why the caller may not name this bot.

    An id from the surrounding product's directory is accepted unchecked. A bot registered here must be the caller's, and active.
    """
    fault = identifiers.fault_of(bot_id)
    if fault is not None:
        fields.fault("botUserId", fault)
    elif is_reserved(bot_id):
        fields.fault("botUserId", "is reserved for the service; no client can act as it")
    elif (user := uuid_of(bot_id)) is not None and await _is_a_person(pool, user):
        fields.fault("botUserId", "is the id of a user; no machine client can act as a user")
    elif bot_stream(bot_id) is not None:
        row = await read(pool, lambda c: bots.find(c, bot_id))
        if row is not None and not by.reaches(row.owner):
            fields.fault("botUserId", "is a bot that is not yours")
        elif row is not None and row.state != "active":
            fields.fault("botUserId", f"is a bot that was {row.state}")


async def _is_a_person(pool: Pool, user: UUID) -> bool:
    """Whether the id is a user's, erased or not: a machine's tokens must differ from a user's in their `sub` (RFC 9700 section 4.15)."""
    return await read(pool, lambda connection: users.find(connection, user)) is not None
