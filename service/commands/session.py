"""What may be asked of a login session, and what comes of asking."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from events.sealed import Sealed
from events.session import (
    EndedSession,
    NoSession,
    OpenSession,
    Session,
    SessionClientNotified,
    SessionClientNotReached,
    SessionEnded,
    SessionEvent,
    SessionReauthenticated,
    SessionStarted,
    SessionUsedAfterEnd,
)
from service.problems import Clash, NotFound


class StartSession(Struct, frozen=True, kw_only=True):
    user: UUID
    token_hash: str
    amr: tuple[str, ...]
    acr: str
    device: Sealed | None
    at: datetime
    expires_at: datetime
    authenticated_at: datetime | None = None


class Reauthenticate(Struct, frozen=True, kw_only=True):
    token_hash: str
    amr: tuple[str, ...]
    acr: str
    at: datetime


class EndSession(Struct, frozen=True, kw_only=True):
    """`why` is one of: signed_out, expired, ended_by_user, ended_by_operator, password_changed, user_disabled, user_erased."""

    why: str
    notify: tuple[str, ...]
    at: datetime


class ReportUseAfterEnd(Struct, frozen=True, kw_only=True):
    at: datetime


class ReportNotified(Struct, frozen=True, kw_only=True):
    client_id: str
    at: datetime


class GiveUpNotifying(Struct, frozen=True, kw_only=True):
    client_id: str
    why: str
    at: datetime


SessionCommand = StartSession | Reauthenticate | EndSession | ReportUseAfterEnd | ReportNotified | GiveUpNotifying


def decide(command: SessionCommand, session: Session) -> list[SessionEvent]:
    """What happens. Asking for what already is gives []. Raises NotFound or Clash."""
    match command:
        case StartSession():
            return _start(command, session)
        case Reauthenticate():
            _open(session)
            return [
                SessionReauthenticated(token_hash=command.token_hash, amr=command.amr, acr=command.acr, at=command.at)
            ]
        case EndSession():
            if not isinstance(session, OpenSession):
                return []
            return [SessionEnded(why=command.why, notify=command.notify, at=command.at)]
        case ReportUseAfterEnd():
            first = isinstance(session, EndedSession) and not session.used_after_end
            return [SessionUsedAfterEnd(at=command.at)] if first else []
        case ReportNotified():
            return (
                [SessionClientNotified(client_id=command.client_id, at=command.at)] if _waits(command, session) else []
            )
        case GiveUpNotifying():
            if not _waits(command, session):
                return []
            return [SessionClientNotReached(client_id=command.client_id, why=command.why, at=command.at)]


def _start(command: StartSession, session: Session) -> list[SessionEvent]:
    if not isinstance(session, NoSession):
        raise Clash("A session of this id was started before.")
    return [
        SessionStarted(
            user=command.user,
            token_hash=command.token_hash,
            amr=command.amr,
            acr=command.acr,
            device=command.device,
            at=command.at,
            expires_at=command.expires_at,
            authenticated_at=command.authenticated_at,
        )
    ]


def _open(session: Session) -> OpenSession:
    if not isinstance(session, OpenSession):
        raise NotFound("The session is over.")
    return session


def _waits(command: ReportNotified | GiveUpNotifying, session: Session) -> bool:
    return isinstance(session, EndedSession) and command.client_id in session.notify
