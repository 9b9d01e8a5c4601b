"""The events of a user's session in a browser, and the states that they lead to."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed


class SessionStarted(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="session.started"):
    """A user signed in. `amr` says how (RFC 8176); `device` is the user's address and browser.

    `authenticated_at` is the time of the authentication, if it was earlier, at an upstream provider.
    """

    user: UUID
    token_hash: str
    amr: tuple[str, ...]
    acr: str
    device: Sealed | None
    at: datetime
    expires_at: datetime
    authenticated_at: datetime | None = None


class SessionReauthenticated(Struct, frozen=True, kw_only=True, gc=False, tag="session.reauthenticated"):
    """The same user authenticated again in the same session. The earlier cookie is no longer valid."""

    token_hash: str
    amr: tuple[str, ...]
    acr: str
    at: datetime


class SessionEnded(Struct, frozen=True, kw_only=True, gc=False, tag="session.ended"):
    """`notify` are the clients (client_id) that get a logout token."""

    why: str
    notify: tuple[str, ...]
    at: datetime


class SessionUsedAfterEnd(Struct, frozen=True, kw_only=True, gc=False, tag="session.used_after_end"):
    """The cookie of an ended session was presented, as an attacker would do. It is recorded once for each session."""

    at: datetime


class SessionClientNotified(Struct, frozen=True, kw_only=True, gc=False, tag="session.client_notified"):
    """The client accepted its logout token (OpenID Connect Back-Channel Logout 1.0)."""

    client_id: str
    at: datetime


class SessionClientNotReached(Struct, frozen=True, kw_only=True, gc=False, tag="session.client_not_reached"):
    """The client did not accept its logout token. The last attempt was made."""

    client_id: str
    why: str
    at: datetime


SessionEvent = (
    SessionStarted
    | SessionReauthenticated
    | SessionEnded
    | SessionUsedAfterEnd
    | SessionClientNotified
    | SessionClientNotReached
)


class NoSession(Struct, frozen=True):
    pass


class OpenSession(Struct, frozen=True, kw_only=True, gc=False):
    user: UUID
    token_hash: str
    expires_at: datetime


class EndedSession(Struct, frozen=True, kw_only=True, gc=False):
    """`notify` are the clients that still have to get a logout token."""

    user: UUID
    notify: tuple[str, ...]
    used_after_end: bool = False


Session = NoSession | OpenSession | EndedSession


def evolve(session: Session, event: SessionEvent) -> Session:
    """Returns the session after the event. It never refuses."""
    match event:
        case SessionStarted():
            return OpenSession(user=event.user, token_hash=event.token_hash, expires_at=event.expires_at)
        case SessionReauthenticated():
            return session.__replace__(token_hash=event.token_hash) if isinstance(session, OpenSession) else session
        case SessionEnded():
            return EndedSession(user=session.user, notify=event.notify) if isinstance(session, OpenSession) else session
        case SessionUsedAfterEnd():
            return session.__replace__(used_after_end=True) if isinstance(session, EndedSession) else session
        case SessionClientNotified() | SessionClientNotReached():
            return _told(session, event.client_id)


def _told(session: Session, client_id: str) -> Session:
    if not isinstance(session, EndedSession):
        return session
    return session.__replace__(notify=tuple(each for each in session.notify if each != client_id))
