"""Clients that registered themselves, as `clients` and other tables have them: which are in use, and which never were."""

from events.database import AnyConnection

NEVER_USED = """
select count(*) from (
  select from read.clients c
   where c.registration is not null and not c.registration ? 'initial_access_token'
     and not exists (select from read.last_used u where u.kind = 'client' and u.id = c.client_id)
   limit $1) as found
"""


async def never_used(connection: AnyConnection, most: int) -> int:
    """Returns how many clients that anybody could register never got a token, counting no further than `most`."""
    return await connection.fetchval(NEVER_USED, most)
