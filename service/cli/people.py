"""What happened to people, their sessions, consents, authorizations and devices, in sentences. No encrypted value is shown."""

from msgspec import UNSET, UnsetType

from events.authorization import (
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRevoked,
    CodeIssued,
    CodeRedeemed,
    CodeReplayed,
    RedemptionRefused,
    RefreshTokenIssued,
    RefreshTokenReplayed,
    RefreshTokenRotated,
)
from events.consent import ConsentEvent, ConsentGiven, ConsentWithdrawn
from events.device_authorization import (
    DeviceAuthorizationApproved,
    DeviceAuthorizationDenied,
    DeviceAuthorizationEvent,
    DeviceAuthorizationRequested,
)
from events.ids import client_id_of
from events.session import (
    SessionClientNotified,
    SessionClientNotReached,
    SessionEnded,
    SessionEvent,
    SessionReauthenticated,
    SessionStarted,
    SessionUsedAfterEnd,
)
from events.user import (
    UserDisabled,
    UserEnabled,
    UserErased,
    UserEvent,
    UserFactorAdded,
    UserFactorRemoved,
    UserPasswordChanged,
    UserProfileChanged,
    UserRegistered,
    UserRoleGiven,
    UserRoleTaken,
    UserVerified,
)
from service.cli.output import moment


def what(event: UserEvent | SessionEvent | ConsentEvent | AuthorizationEvent | DeviceAuthorizationEvent) -> str:
    """The event in a sentence."""
    if isinstance(event, UserEvent):
        return _user(event)
    if isinstance(event, SessionEvent):
        return _session(event)
    if isinstance(event, ConsentEvent):
        return _consent(event)
    if isinstance(event, DeviceAuthorizationEvent):
        return _device(event)
    return _authorization(event)


def _user(event: UserEvent) -> str:
    match event:
        case UserRegistered():
            return "registered" + (", with a password" if event.password else ", from the upstream provider")
        case UserVerified():
            return "e-mail address verified"
        case UserPasswordChanged():
            return "password changed"
        case UserProfileChanged():
            return "profile changed"
        case UserFactorAdded():
            return f"second factor added: {event.factor.kind} {event.factor.factor_id}"
        case UserFactorRemoved():
            return f"second factor {event.factor_id} removed"
        case UserRoleGiven():
            return f"role {event.role} given" + (" through a group" if event.source == "group" else "")
        case UserRoleTaken():
            return f"role {event.role} taken away" + (", which came through a group" if event.source == "group" else "")
        case UserDisabled():
            return "disabled"
        case UserEnabled():
            return "enabled"
        case UserErased():
            return "erased: the encrypted values above can no longer be read"


def _session(event: SessionEvent) -> str:
    match event:
        case SessionStarted():
            return f"user {event.user} logged in ({', '.join(event.amr)}), until {moment(event.expires_at)}"
        case SessionReauthenticated():
            return f"logged in again ({', '.join(event.amr)})"
        case SessionEnded():
            told = f"; to be told: {', '.join(event.notify)}" if event.notify else ""
            return f"ended: {_words(event.why)}{told}"
        case SessionUsedAfterEnd():
            return "its cookie was used after it ended"
        case SessionClientNotified():
            return f"{event.client_id} was notified of the end"
        case SessionClientNotReached():
            return f"{event.client_id} could not be notified of the end: {event.why}"


def _consent(event: ConsentEvent) -> str:
    match event:
        case ConsentGiven():
            return f"user {event.user} allowed {event.client_id}{_at(event.resource)}: {_scopes(event.scopes)}"
        case ConsentWithdrawn():
            return "withdrawn"


def _device(event: DeviceAuthorizationEvent) -> str:
    match event:
        case DeviceAuthorizationRequested():
            client = client_id_of(event.client)
            return f"a device asked for {client}{_at(event.resource)}, with {_scopes(event.scopes)}, until {moment(event.expires_at)}"
        case DeviceAuthorizationApproved():
            return f"user {event.user} let the device in, by the authorization {event.authorization}"
        case DeviceAuthorizationDenied():
            return f"user {event.user} denied it"


def _by_key(jkt: str | UnsetType) -> str:
    return f", for the key {jkt} alone" if jkt else ""


def _authorization(event: AuthorizationEvent) -> str:
    match event:
        case AuthorizationGranted():
            client = client_id_of(event.client)
            return (
                f"user {event.user} let {client} in{_at(event.resource)}, with {_scopes(event.scopes)}{_bound(event)}"
            )
        case CodeIssued():
            return f"code issued for {event.redirect_uri or f'the device {event.device}'}{_by_key(event.dpop_jkt)}"
        case CodeRedeemed():
            return f"code redeemed for the token {event.jti}"
        case CodeReplayed():
            return "the code came a second time"
        case RedemptionRefused():
            return f"refused to {event.client_id}: {event.why}"
        case RefreshTokenIssued():
            return f"refresh token issued, good until {moment(event.expires_at)}{_by_key(event.jkt)}"
        case RefreshTokenRotated():
            return f"refresh token exchanged for the next one and the token {event.jti}"
        case RefreshTokenReplayed():
            return "a refresh token that had been exchanged came again"
        case AuthorizationRevoked():
            return f"revoked, with all tokens issued from it: {_words(event.why)}"


def _scopes(scopes: tuple[str, ...]) -> str:
    return " ".join(scopes) or "no scope"


def _bound(event: AuthorizationGranted) -> str:
    if event.bound_by is UNSET:
        return ""
    return (
        f"; code bound by {' and '.join(event.bound_by)}"
        if event.bound_by
        else "; code bound by neither pkce nor nonce"
    )


def _at(resource: str | None) -> str:
    return f" at {resource}" if resource else ""


def _words(why: str) -> str:
    """A reason that the log has as one word, such as password_changed."""
    return why.replace("_", " ")
