"""What may be asked of an authorization, and what comes of asking.

Nothing is refused by raising where a misuse has to be remembered: the caller looks at what happened.
"""

from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from msgspec import Struct

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
from service.problems import Clash, NotFound

CODE_REPLAYED = "code_replayed"

GRACE = timedelta(seconds=30)
"""How long the answer to a refresh may have been lost on its way: until then the same refresh token gets the same answer again."""


class GrantAuthorization(Struct, frozen=True, kw_only=True):
    granted: AuthorizationGranted
    code: CodeIssued


class NewRefreshToken(Struct, frozen=True, kw_only=True):
    hash: str
    expires_at: datetime


class RedeemCode(Struct, frozen=True, kw_only=True):
    """With `refresh` a refresh token comes of it too."""

    jti: UUID
    refresh: NewRefreshToken | None
    at: datetime


class RefuseRedemption(Struct, frozen=True, kw_only=True):
    """A code or refresh token that is good came with something that is not."""

    client_id: str
    why: str
    at: datetime


class RotateRefreshToken(Struct, frozen=True, kw_only=True):
    """`presented` and `next` are hashes."""

    presented: str
    next: str
    jti: UUID
    at: datetime


class RevokeAuthorization(Struct, frozen=True, kw_only=True):
    """`why` is one of: client, user, operator, session_ended, consent_withdrawn, user_disabled, user_erased, password_changed."""

    why: str
    at: datetime


AuthorizationCommand = GrantAuthorization | RedeemCode | RefuseRedemption | RotateRefreshToken | RevokeAuthorization


def decide(command: AuthorizationCommand, authorization: Authorization) -> list[AuthorizationEvent]:
    """What happens. Raises NotFound or Clash; a replay is not refused but happens, and revokes everything."""
    match command:
        case GrantAuthorization():
            if not isinstance(authorization, Unauthorized):
                raise Clash("An authorization of this id was granted before.")
            return [command.granted, command.code]
        case RedeemCode():
            return _redeem(command, _existing(authorization))
        case RefuseRedemption():
            return _refuse(command, _existing(authorization))
        case RotateRefreshToken():
            return _rotate(command, _existing(authorization))
        case RevokeAuthorization():
            if isinstance(_existing(authorization), Revoked):
                return []
            return [AuthorizationRevoked(why=command.why, at=command.at)]


def _redeem(command: RedeemCode, authorization: Authorized | Revoked) -> list[AuthorizationEvent]:
    was = _was(authorization)
    if was.redeemed:
        return _replayed(CodeReplayed(at=command.at), authorization, CODE_REPLAYED, command.at)
    if isinstance(authorization, Revoked) or was.code is None or command.at >= was.code.expires_at:
        return []
    redeemed = CodeRedeemed(jti=command.jti, at=command.at)
    if command.refresh is None:
        return [redeemed]
    return [
        redeemed,
        RefreshTokenIssued(hash=command.refresh.hash, expires_at=command.refresh.expires_at, at=command.at),
    ]


def _refuse(command: RefuseRedemption, authorization: Authorized | Revoked) -> list[AuthorizationEvent]:
    """Whoever has the code and not what belongs to it has stolen it: it is good for nobody from here on. Remembered once."""
    if isinstance(authorization, Revoked):
        return []
    refused = RedemptionRefused(client_id=command.client_id, why=command.why, at=command.at)
    return [refused, AuthorizationRevoked(why="redemption_refused", at=command.at)]


def _rotate(command: RotateRefreshToken, authorization: Authorized | Revoked) -> list[AuthorizationEvent]:
    refresh = _was(authorization).refresh
    if refresh is None or isinstance(authorization, Revoked):
        return []
    if compare_digest(refresh.hash, command.presented):
        if command.at >= refresh.expires_at:
            return []
        return [RefreshTokenRotated(hash=command.next, jti=command.jti, at=command.at)]
    if command.presented not in refresh.exchanged:
        return []
    return _replayed(RefreshTokenReplayed(at=command.at), authorization, "refresh_token_replayed", command.at)


def may_have_been_lost(presented: str, authorization: Authorized, now: datetime) -> bool:
    """Whether this (hash of a) refresh token was the last one exchanged, so lately that its answer may not have arrived."""
    refresh = authorization.refresh
    if refresh is None or refresh.rotated_at is None or not refresh.exchanged:
        return False
    return compare_digest(refresh.exchanged[-1], presented) and now < refresh.rotated_at + GRACE


def _replayed(
    replay: CodeReplayed | RefreshTokenReplayed, authorization: Authorized | Revoked, why: str, at: datetime
) -> list[AuthorizationEvent]:
    """Remembered while it changes something: of a revoked authorization no further replay is."""
    if isinstance(authorization, Revoked):
        return []
    return [replay, AuthorizationRevoked(why=why, at=at)]


def _existing(authorization: Authorization) -> Authorized | Revoked:
    if isinstance(authorization, Unauthorized):
        raise NotFound("There is no authorization of that id.")
    return authorization


def _was(authorization: Authorized | Revoked) -> Authorized:
    return authorization.was if isinstance(authorization, Revoked) else authorization
