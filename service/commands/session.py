"""Commands on a session, and `decide`."""

from datetime import datetime
from uuid import UUID

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
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist


class StartSession(OrdinaryCommand, frozen=True, kw_only=True):
    user: UUID
    token_hash: str
    amr: tuple[str, ...]
    acr: str
    device: Sealed | None
    at: datetime
    expires_at: datetime
    authenticated_at: datetime | None = None


class Reauthenticate(OrdinaryCommand, frozen=True, kw_only=True):
    token_hash: str
    amr: tuple[str, ...]
    acr: str
    at: datetime


class EndSession(StoppingCommand, frozen=True, kw_only=True):
    """`why` is one of: signed_out, expired, ended_by_user, ended_by_operator, password_changed, user_disabled, user_erased."""

    why: str
    notify: tuple[str, ...]
    at: datetime


class ReportUseAfterEnd(OrdinaryCommand, frozen=True, kw_only=True):
    at: datetime


class ReportNotified(StoppingCommand, frozen=True, kw_only=True):
    client_id: str
    at: datetime


class GiveUpNotifying(StoppingCommand, frozen=True, kw_only=True):
    client_id: str
    why: str
    at: datetime


SessionCommand = StartSession | Reauthenticate | EndSession | ReportUseAfterEnd | ReportNotified | GiveUpNotifying


def decide(command: SessionCommand, session: Session) -> list[SessionEvent]:
    """Returns the events of the command; [] if it changes nothing. Raises DoesNotExist or Contradiction."""
    match command, session:
        case StartSession(), NoSession():
            return _start(command)
        case StartSession(), OpenSession() | EndedSession():
            raise Contradiction("A session of this id was started before.")
        case Reauthenticate(), OpenSession():
            return [
                SessionReauthenticated(token_hash=command.token_hash, amr=command.amr, acr=command.acr, at=command.at)
            ]
        case Reauthenticate(), NoSession() | EndedSession():
            raise DoesNotExist("The session is over.")
        case EndSession(), OpenSession():
            return [SessionEnded(why=command.why, notify=command.notify, at=command.at)]
        case EndSession(), NoSession() | EndedSession():
            return []
        case ReportUseAfterEnd() | ReportNotified() | GiveUpNotifying(), EndedSession():
            return _report(command, session)
        case ReportUseAfterEnd() | ReportNotified() | GiveUpNotifying(), NoSession() | OpenSession():
            return []


def _start(command: StartSession) -> list[SessionEvent]:
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


def _report(command: ReportUseAfterEnd | ReportNotified | GiveUpNotifying, ended: EndedSession) -> list[SessionEvent]:
    """Returns the event, unless it was recorded before."""
    match command:
        case ReportUseAfterEnd():
            return [] if ended.used_after_end else [SessionUsedAfterEnd(at=command.at)]
        case ReportNotified() | GiveUpNotifying() if command.client_id not in ended.notify:
            return []
        case ReportNotified():
            return [SessionClientNotified(client_id=command.client_id, at=command.at)]
        case GiveUpNotifying():
            return [SessionClientNotReached(client_id=command.client_id, why=command.why, at=command.at)]
