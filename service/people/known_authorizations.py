"""The authorizations of which this process gave a code, or exchanged a token, last. What it knows of them is enough to decide the next
exchange, whose commit finds out if something happened since.
"""

from collections import OrderedDict
from collections.abc import Callable, Container, Sequence
from uuid import UUID

from msgspec import Struct

from events.authorization import Authorization, AuthorizationEvent, RefreshTokenIssued, RefreshTokenRotated
from projections.keyed_users import KeyedUser
from projections.standing import Past
from service.commands.handle import Loaded
from service.values.latest import put

MOST_KNOWN = 1024
"""Authorizations, of about 3 kB each, and as many users."""


class Known(Struct, frozen=True):
    """The past of an authorization, and its user, as of a position of the log or later.

    `loaded` is that past with what follows from it, as it was left by what was committed here: otherwise it is folded.
    """

    past: Past
    position: int
    loaded: Loaded[Authorization] | None = None


class KnownAuthorizations:
    """One per process. `heard` is up to which position of the log it was told of users to whom something happened."""

    def __init__(self, heard: Callable[[], int]) -> None:
        self._heard = heard
        self._known: OrderedDict[UUID, Known] = OrderedDict()
        self._users: OrderedDict[UUID, tuple[KeyedUser, int]] = OrderedDict()

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
        put(self._users, user.stream_id, (user, known.position), MOST_KNOWN)
        if isinstance(last, RefreshTokenIssued | RefreshTokenRotated):
            put(self._known, stream, known, MOST_KNOWN)

    def began(self, stream: UUID, user: UUID, events: Sequence[AuthorizationEvent]) -> None:
        """Keep what is known of an authorization that was just made, if the user is known."""
        found = self._users.get(user)
        if found is not None:
            put(self._known, stream, Known(Past(events, found[0]), found[1]), MOST_KNOWN)

    def forget(self, users: Container[UUID] | None) -> None:
        """Something happened to these users: their data may be destroyed. None: the log lost history, so nothing is known."""
        for user in [each for each in self._users if users is None or each in users]:
            del self._users[user]
        for stream in [each for each, known in self._known.items() if users is None or known.past.is_of(users)]:
            del self._known[stream]
