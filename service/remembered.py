"""What was found for a request, for the next one that says the same: it holds as long as nothing happens that the lookup caches.

A request is known by a digest of all that it says, so that no secret of it stays in memory. Of one that came once, only that it came is kept:
most of those never come again, and to keep more of each would cost it a twentieth of a token.
"""

import time
from collections import OrderedDict
from typing import Generic, TypeVar

from msgspec import Struct

from service.lookup import Lookup
from service.values.latest import put

MOST = 2048
"""Of responses to introspections, so many take 1.5 MB, of tokens for machines 2 MB."""

Found = TypeVar("Found")


class _Kept(Struct, Generic[Found], frozen=True, gc=False):
    found: Found
    changes: int
    until: float


class Remembered(Generic[Found]):
    """One per process and kind of request. The oldest of MOST is dropped."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._kept: OrderedDict[bytes, _Kept[Found] | None] = OrderedDict()

    def __contains__(self, request: bytes) -> bool:
        """Whether something was found, which may hold no longer."""
        return self._kept.get(request) is not None

    def find(self, request: bytes) -> Found | None:
        """Return what would be found again from all that the lookup knows."""
        kept = self._kept.get(request)
        if kept is None or kept.changes != self._lookup.changes or kept.until <= time.time():
            return None
        return kept.found

    def keep(self, request: bytes, found: Found, *, changes: int, until: float) -> None:
        """Keep it, if the request came before. `changes` are those of the lookup before anything was looked up.

        From `until` on, in seconds since 1970, something else may be found.
        """
        put(self._kept, request, _Kept(found, changes, until) if request in self._kept else None, MOST)
