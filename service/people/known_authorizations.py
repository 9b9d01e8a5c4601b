"""The authorizations of which this process gave a code, or exchanged a token, last. What it knows of them is enough to decide the next
exchange, whose commit finds out if something happened since.
"""

from collections.abc import Callable, Container, Sequence
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from events.authorization import AuthorizationEvent, RefreshTokenIssued, RefreshTokenRotated
from projections.keyed_users import KeyedUser
from projections.standing import Past

MOST_KNOWN = 1024
"""Authorizations, of about 3 kB each, and as many users."""

Kept = TypeVar("Kept")


class Known(Struct, frozen=True):
    """The past of an authorization, and its user, as of a position of the log or later."""

    past: Past
    position: int


class KnownAuthorizations:
    """One per process. `heard` is up to which position of the log it was told of users to whom something happened."""

    def __init__(self, heard: Callable[[], int]) -> None:
        self._heard = heard
        self._known: dict[UUID, Known] = {}
        self._users: dict[UUID, tuple[KeyedUser, int]] = {}

    def __contains__(self, stream: UUID) -> bool:
        return stream in self._known

    def take(self, stream: UUID) -> Known | None:
        """Return what is known of the authorization, once: whoever commits something keeps what is known then."""
        return self._known.pop(stream, None)

    def keep(self, stream: UUID, known: Known) -> None:
        """Keep the user, and the authorization if it has a refresh token. Nothing is kept that should have been forgotten since."""
        user, last = known.past.user, known.past.events[-1]
        if user is None or self._heard() > known.position:
            return
        _put(self._users, user.stream_id, (user, known.position))
        if isinstance(last, RefreshTokenIssued | RefreshTokenRotated):
            _put(self._known, stream, known)

    def began(self, stream: UUID, user: UUID, events: Sequence[AuthorizationEvent]) -> None:
        """Keep what is known of an authorization that was just made, if the user is known."""
        found = self._users.get(user)
        if found is not None:
            _put(self._known, stream, Known(Past(events, found[0]), found[1]))

    def forget(self, users: Container[UUID] | None) -> None:
        """Something happened to these users: their data may be destroyed. None: the log lost history, so nothing is known."""
        for user in [each for each in self._users if users is None or each in users]:
            del self._users[user]
        for stream in [each for each, known in self._known.items() if users is None or known.past.is_of(users)]:
            del self._known[stream]


def _put(kept: dict[UUID, Kept], key: UUID, value: Kept) -> None:
    """The one that was put first is forgotten for one too many."""
    kept.pop(key, None)
    if len(kept) >= MOST_KNOWN:
        del kept[next(iter(kept))]
    kept[key] = value
