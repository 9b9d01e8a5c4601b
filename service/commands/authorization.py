"""Commands on an authorization, and `decide`.

A misuse raises nothing, because it has to be recorded as events. The caller reads the events to see what happened.
"""

from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events.authorization import (
    Authorization,
    AuthorizationEvent,
    AuthorizationGranted,
    AuthorizationRevoked,
    Authorized,
    CodeIssued,
    CodeRedeemed,
    CodeReplayed,
    RedemptionRefused,
    RefreshTokenIssued,
    RefreshTokenReplayed,
    RefreshTokenRotated,
    Revoked,
    Unauthorized,
)
from service.commands.command import OrdinaryCommand, StoppingCommand
from service.refusals import Contradiction, DoesNotExist

CODE_REPLAYED = "code_replayed"

GRACE = timedelta(seconds=30)
"""For this long after a refresh, the same refresh token gets the same response again, which may have been lost."""

MOST_REFRESHES = 9_900
"""Of one authorization: more than one every five minutes in the 30 days of a refresh token. Each is an event that names its access token, so
the stream would be full a little later. Whoever presents an earlier refresh token costs 0.07 s of a processor then, to fold them all.
"""


class GrantAuthorization(OrdinaryCommand, frozen=True, kw_only=True):
    granted: AuthorizationGranted
    code: CodeIssued


class AuthorizeByAssertion(OrdinaryCommand, frozen=True, kw_only=True):
    """A trusted issuer asserted the user to the client, so there is no code."""

    granted: AuthorizationGranted


class NewRefreshToken(Struct, frozen=True, kw_only=True):
    """`jkt` is the thumbprint of the key that it is bound to; UNSET is none."""

    hash: str
    expires_at: datetime
    jkt: str | UnsetType = UNSET


class RedeemCode(OrdinaryCommand, frozen=True, kw_only=True):
    """With `refresh`, a refresh token is issued too."""

    jti: UUID
    refresh: NewRefreshToken | None
    at: datetime


class RefuseRedemption(OrdinaryCommand, frozen=True, kw_only=True):
    """A valid code or refresh token was presented in a request that is not valid."""

    client_id: str
    why: str
    at: datetime


class RotateRefreshToken(OrdinaryCommand, frozen=True, kw_only=True):
    """`presented` and `next` are hashes. If they are the same, the client keeps its refresh token."""

    presented: str
    next: str
    jti: UUID
    at: datetime


class RevokeAuthorization(StoppingCommand, frozen=True, kw_only=True):
    """`why` is one of: client, user, operator, session_ended, consent_withdrawn, user_disabled, user_erased, password_changed,
    expired, device_answered_before.
    """

    why: str
    at: datetime


AuthorizationCommand = (
    GrantAuthorization | AuthorizeByAssertion | RedeemCode | RefuseRedemption | RotateRefreshToken | RevokeAuthorization
)


def decide(command: AuthorizationCommand, authorization: Authorization) -> list[AuthorizationEvent]:
    """Returns the events of the command. A replay is an event and revokes all tokens. Raises DoesNotExist or Contradiction."""
    match command, authorization:
        case RotateRefreshToken(), Authorized():
            return _rotate(command, authorization)
        case RedeemCode(), Authorized():
            return _redeem(command, authorization)
        case GrantAuthorization(), Unauthorized():
            return [command.granted, command.code]
        case AuthorizeByAssertion(), Unauthorized():
            return [command.granted]
        case GrantAuthorization() | AuthorizeByAssertion(), Authorized() | Revoked():
            raise Contradiction("An authorization of this id was granted before.")
        case RefuseRedemption(), Authorized():
            return _refuse(command)
        case RevokeAuthorization(), Authorized():
            return [AuthorizationRevoked(why=command.why, at=command.at)]
        case RedeemCode() | RefuseRedemption() | RotateRefreshToken() | RevokeAuthorization(), Revoked():
            return []  # A misuse is recorded only if it changes something.
        case RedeemCode() | RefuseRedemption() | RotateRefreshToken() | RevokeAuthorization(), Unauthorized():
            raise DoesNotExist("There is no authorization with this id.")


def _redeem(command: RedeemCode, authorization: Authorized) -> list[AuthorizationEvent]:
    if authorization.redeemed:
        return [CodeReplayed(at=command.at), AuthorizationRevoked(why=CODE_REPLAYED, at=command.at)]
    if authorization.code is None or command.at >= authorization.code.expires_at:
        return []
    redeemed = CodeRedeemed(jti=command.jti, at=command.at)
    if command.refresh is None:
        return [redeemed]
    return [
        redeemed,
        RefreshTokenIssued(
            hash=command.refresh.hash, expires_at=command.refresh.expires_at, at=command.at, jkt=command.refresh.jkt
        ),
    ]


def _refuse(command: RefuseRedemption) -> list[AuthorizationEvent]:
    """A client that presents a code or token of another client, or a wrong verifier, may have stolen it, so all tokens are revoked."""
    refused = RedemptionRefused(client_id=command.client_id, why=command.why, at=command.at)
    return [refused, AuthorizationRevoked(why="redemption_refused", at=command.at)]


def _rotate(command: RotateRefreshToken, authorization: Authorized) -> list[AuthorizationEvent]:
    refresh = authorization.refresh
    if refresh is None:
        return []
    if compare_digest(refresh.hash, command.presented):
        if command.at >= refresh.expires_at:
            return []
        if is_used_up(authorization):
            raise Contradiction(f"This authorization was refreshed {MOST_REFRESHES:,} times, which is the most.")
        return [RefreshTokenRotated(hash=command.next, jti=command.jti, at=command.at)]
    if command.presented not in refresh.exchanged_ever():
        return []
    replayed = RefreshTokenReplayed(at=command.at)
    return [replayed, AuthorizationRevoked(why="refresh_token_replayed", at=command.at)]


def is_used_up(authorization: Authorized) -> bool:
    """Returns whether its refresh token was used as often as it may be."""
    return authorization.refresh is not None and authorization.refresh.uses >= MOST_REFRESHES


def may_have_been_lost(presented: str, authorization: Authorized, now: datetime) -> bool:
    """Returns whether `presented` is the hash of the last exchanged refresh token, and its response may have been lost."""
    refresh = authorization.refresh
    if refresh is None or refresh.rotated_at is None or not refresh.exchanged:
        return False
    return compare_digest(refresh.exchanged[-1], presented) and now < refresh.rotated_at + GRACE
