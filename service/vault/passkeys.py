"""The owner of each passkey, by the keyed name of its credential: one account only (WebAuthn Level 2 section 7.1)."""

from uuid import UUID

from events.database import AnyConnection
from service.refusals import Contradiction

ADD = """
insert into vault.passkeys (name, user_id, factor_id)
  select $1, user_id, $3 from vault.people where user_id = $2 for key share on conflict do nothing
"""
FACTOR = "select factor_id from vault.passkeys where name = $1"
REMOVE_LEFT = """
delete from vault.passkeys p
 where p.name = $1 and p.created_at < clock_timestamp() - interval '1 minute' and not exists
  (select from read.users u where u.stream_id = p.user_id and u.factors @> jsonb_build_array(jsonb_build_object('factor_id', p.factor_id)))
"""
"""Deletes the row of a passkey that was removed, or that was never added because the process was killed."""


class PasskeyTaken(Contradiction):
    """An account already has this passkey; it may be the same user's."""

    def __init__(self) -> None:
        super().__init__("This passkey is registered already; make another one.")


async def add(connection: AnyConnection, name: bytes, user: UUID, factor: UUID) -> None:
    """Assign the passkey to this factor of the user. Safe to repeat. Raises PasskeyTaken."""
    await connection.execute(ADD, name, user, factor)
    if await connection.fetchval(FACTOR, name) == factor:
        return
    await connection.execute(REMOVE_LEFT, name)
    await connection.execute(ADD, name, user, factor)
    if await connection.fetchval(FACTOR, name) != factor:
        raise PasskeyTaken
