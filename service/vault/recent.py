"""What was computed from a user's personal data, or from its key, in the last minute: to compute it takes longer than to find it."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

MOST = 1000

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Recent(Generic[Key, Made]):
    """One per process and kind of value. A key has all that the value is computed from, also the user's stored data key: after an erasure
    callers no longer have that, so they cannot find the value.
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
        """Is called every minute, so that the data of an erased user does not stay in memory."""
        self._made.clear()
