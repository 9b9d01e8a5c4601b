"""Users with the data keys that open their personal data. Requests that wait at the same time are read in one round trip."""

from uuid import UUID

from msgspec import Struct

from events.database import Pool, read
from events.group_commit import Batcher
from projections import users

FIND = f"""
select u.*, p.wrapped
  from (select {users.COLUMNS} from read.users where stream_id = any($1::uuid[])) as u
  left join vault.people p on p.user_id = u.stream_id
"""


class KeyedUser(Struct, frozen=True):
    """`wrapped` is the data key as it is stored, or None if it is destroyed."""

    row: users.Row
    wrapped: bytes | None


class KeyedUsers:
    """One per process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._batches: Batcher[UUID, KeyedUser | None] = Batcher(self._read)

    async def find(self, user: UUID) -> KeyedUser | None:
        """Return the user as of this call or later, or None if there is none. Raises Unavailable."""
        return await self._batches.submit(user)

    async def _read(self, ids: list[UUID]) -> list[KeyedUser | None]:
        rows = await read(self._pool, lambda connection: connection.fetch(FIND, list(set(ids))))
        found: dict[UUID, KeyedUser] = {}
        for record in rows:
            columns = dict(record)
            wrapped = columns.pop("wrapped")
            found[record["stream_id"]] = KeyedUser(users.row_of(columns), wrapped)
        return [found.get(user) for user in ids]
