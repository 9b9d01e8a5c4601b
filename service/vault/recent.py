"""What was made of a user's personal data, or of its key, in the last minute: to make it takes longer than to find it."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

MOST = 1000
"""About a kilobyte each."""

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Recent(Generic[Key, Made]):
    """One per process for each kind of thing. A key is all that the thing is made of, and has the data key of the user as it is stored. Its
    callers have that of now, so what was made of an erased user's is not found.
    """

    def __init__(self, make: Callable[[Key], Made]) -> None:
        self._make = make
        self._made: dict[Key, Made] = {}

    def find(self, key: Key) -> Made:
        """Return what is made of this. Raises what `make` raises."""
        if key in self._made:
            return self._made[key]
        made = self._make(key)
        if len(self._made) >= MOST:
            self._made.clear()
        self._made[key] = made
        return made

    def forget(self) -> None:
        """Is called every minute, so that what was of an erased user is soon in no memory either."""
        self._made.clear()
