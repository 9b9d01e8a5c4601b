"""One process does some work for all of them: the one whose connection holds an advisory lock. Another takes over when that connection ends."""

from events.database import Connection


class Election:
    """One per process and kind of work. `query` (events/locks.py) takes the lock if it is free, and says whether it did."""

    def __init__(self, query: str, *arguments: object) -> None:
        self._query = query
        self._arguments = arguments
        self._holder: Connection | None = None

    async def is_won(self, connection: Connection) -> bool:
        """Returns whether this connection holds the lock, after an attempt to take it."""
        if self._holder is not connection and await connection.fetchval(self._query, *self._arguments):
            self._holder = connection
        return self.is_held_by(connection)

    async def resign(self, connection: Connection, query: str) -> None:
        """Gives the lock up by this query (events/locks.py), if this connection holds it."""
        if self.is_held_by(connection):
            self._holder = None
            await connection.execute(query, *self._arguments)

    def is_held_by(self, connection: Connection) -> bool:
        """Returns whether this connection holds the lock. A connection that was lost and made again does not."""
        return self._holder is connection
