"""The seals of users whose personal data was opened in the last minute: to make one takes longer than to open something by it."""

from collections.abc import Callable
from uuid import UUID

from service.crypto.sealing import Seal

MOST_SEALS = 1000
"""About a kilobyte each."""


class RecentSeals:
    """One per process. Its callers have just read the data key as it is stored, so that of an erased user is not found."""

    def __init__(self, make: Callable[[UUID, bytes], Seal]) -> None:
        self._make = make
        self._made: dict[bytes, Seal] = {}

    def find(self, user: UUID, wrapped: bytes) -> Seal:
        """Return the seal of a data key as it is stored. Raises what `make` raises."""
        key = user.bytes + wrapped
        seal = self._made.get(key)
        if seal is None:
            seal = self._make(user, wrapped)
            if len(self._made) >= MOST_SEALS:
                self._made.clear()
            self._made[key] = seal
        return seal

    async def forget(self) -> None:
        """Is called every minute, so that a destroyed key is soon in no memory either."""
        self._made.clear()
