"""The authorizations that this process exchanged a token of last. What it knows of them is enough to decide the next exchange, whose commit
finds out if something happened since.
"""

from collections.abc import Container
from uuid import UUID

from msgspec import Struct

from projections.standing import Past

MOST_KNOWN = 1024
"""About 3 kB each."""


class Known(Struct, frozen=True):
    """The past of an authorization, and its user, as of a position of the log."""

    past: Past
    position: int


class KnownAuthorizations:
    """One per process."""

    def __init__(self) -> None:
        self._known: dict[UUID, Known] = {}

    def __contains__(self, stream: UUID) -> bool:
        return stream in self._known

    def take(self, stream: UUID) -> Known | None:
        """Return what is known of the authorization, once: whoever commits something keeps what is known then."""
        return self._known.pop(stream, None)

    def keep(self, stream: UUID, known: Known) -> None:
        """The one that was kept first is forgotten for it."""
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[stream] = known

    def forget(self, users: Container[UUID] | None) -> None:
        """Something happened to these users: their data may be destroyed. None: the log lost history, so nothing is known."""
        if users is None:
            self._known.clear()
            return
        for stream in [each for each, known in self._known.items() if known.past.is_of(users)]:
            del self._known[stream]
