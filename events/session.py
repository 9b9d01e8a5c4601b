"""What can have happened to a login session of a person in a browser, and what the session then is."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed


class SessionStarted(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="session.started"):
    """Somebody logged in. `amr` says how (RFC 8176), `device` is where and with what browser.

    `authenticated_at` is when they proved who they are, if that was before, elsewhere.
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
    """The same person logged in again in the same session; the cookie from before is worth nothing from here on."""

    token_hash: str
    amr: tuple[str, ...]
    acr: str
    at: datetime


class SessionEnded(Struct, frozen=True, kw_only=True, gc=False, tag="session.ended"):
    """`notify` are the clients (client_id) that are to be told by back-channel logout."""

    why: str
    notify: tuple[str, ...]
    at: datetime


class SessionUsedAfterEnd(Struct, frozen=True, kw_only=True, gc=False, tag="session.used_after_end"):
    """Somebody came with the cookie of a session that was over, as a thief would. Kept once for each session."""

    at: datetime


class SessionClientNotified(Struct, frozen=True, kw_only=True, gc=False, tag="session.client_notified"):
    """The client took its logout token (OpenID Connect Back-Channel Logout 1.0)."""

    client_id: str
    at: datetime


class SessionClientNotReached(Struct, frozen=True, kw_only=True, gc=False, tag="session.client_not_reached"):
    """The client did not take its logout token, however often it was tried; nobody tries any more."""

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
    """`notify` are the clients that have yet to be told."""

    user: UUID
    notify: tuple[str, ...]
    used_after_end: bool = False


Session = NoSession | OpenSession | EndedSession


def evolve(session: Session, event: SessionEvent) -> Session:
    """What the session is after the event. Total: it never refuses."""
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
