"""The bot that a client names as the subject of its tokens."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct

from events.database import Pool, read
from events.ids import bot_stream
from projections import bots, users
from service.commands.authority import Holder, is_reserved
from service.endpoints.fields import Fields
from service.values import identifiers
from service.values.uuids import uuid_of


class _BotId(Struct, frozen=True):
    """What an id says by itself: its fault, the user whose id it may be, and whether it has the form of our own."""

    fault: str | None
    user: UUID | None
    is_ours: bool


@lru_cache(maxsize=256)
def _read_id(bot_id: str) -> _BotId:
    """Return what this id says by itself. It is kept, because many clients of one owner act as the same bot."""
    fault = identifiers.fault_of(bot_id)
    if fault is None and is_reserved(bot_id):
        fault = "is reserved for the service; no client can act as it"
    return _BotId(fault, uuid_of(bot_id), bot_stream(bot_id) is not None)


async def check_bot(pool: Pool, by: Holder, bot_id: str, fields: Fields[Any]) -> None:
    """Report in `fields` why the caller may not name this bot.

    An id from the surrounding product's directory is accepted unchecked. A bot registered here must be the caller's, and active.
    """
    known = _read_id(bot_id)
    if known.fault is not None:
        fields.fault("botUserId", known.fault)
    elif known.user is not None and await _is_a_person(pool, known.user):
        fields.fault("botUserId", "is the id of a user; no machine client can act as a user")
    elif known.is_ours:
        row = await read(pool, lambda c: bots.find(c, bot_id))
        if row is not None and not by.reaches(row.owner):
            fields.fault("botUserId", "is a bot that is not yours")
        elif row is not None and row.state != "active":
            fields.fault("botUserId", f"is a bot that was {row.state}")


async def _is_a_person(pool: Pool, user: UUID) -> bool:
    """Whether the id is a user's, erased or not: a machine's tokens must differ from a user's in their `sub` (RFC 9700 section 4.15)."""
    return await read(pool, lambda connection: users.find(connection, user)) is not None
