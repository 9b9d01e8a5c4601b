"""What can have happened to an authorization: one person's yes to one client, its code, and the tokens that came of it.

The code and the refresh tokens are named by the authorization's id and proved by a random part, of which only the SHA-256 is here.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

Binding = Literal["pkce", "nonce"]


class AuthorizationGranted(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.granted"):
    """Who said yes to what, and how they had proved who they are.

    `bound_by` says what ties the code to the browser that asked for it (RFC 9700 section 2.1.1); UNSET is from before it was recorded.
    """

    client: UUID
    user: UUID
    session: UUID
    scopes: tuple[str, ...]
    resource: str | None
    nonce: str | None
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    id_token_claims: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    bound_by: tuple[Binding, ...] | UnsetType = UNSET


class CodeIssued(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.code_issued"):
    """`redirect_uri` is the one that the code was sent to; `named` says whether the client's request named it."""

    hash: str
    redirect_uri: str
    named: bool
    code_challenge: str | None
    expires_at: datetime
    at: datetime


class CodeRedeemed(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.code_redeemed"):
    jti: UUID
    at: datetime


class CodeReplayed(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.code_replayed"):
    """The code came a second time: somebody else has it too (RFC 9700 section 2.1.1)."""

    at: datetime


class RedemptionRefused(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.redemption_refused"):
    """The code or refresh token was good and what came with it was not: another client, a wrong verifier, another redirect URI."""

    client_id: str
    why: str
    at: datetime


class RefreshTokenIssued(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.refresh_token_issued"):
    hash: str
    expires_at: datetime
    at: datetime


class RefreshTokenRotated(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.refresh_token_rotated"):
    """The refresh token was exchanged for the next one, whose hash this is."""

    hash: str
    jti: UUID
    at: datetime


class RefreshTokenReplayed(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.refresh_token_replayed"):
    """A refresh token that had been exchanged came again: one of the two who have it is a thief (RFC 9700 section 4.14)."""

    at: datetime


class AuthorizationRevoked(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.revoked"):
    """Every token that came of it is worth nothing from here on."""

    why: str
    at: datetime


AuthorizationEvent = (
    AuthorizationGranted
    | CodeIssued
    | CodeRedeemed
    | CodeReplayed
    | RedemptionRefused
    | RefreshTokenIssued
    | RefreshTokenRotated
    | RefreshTokenReplayed
    | AuthorizationRevoked
)


class Unauthorized(Struct, frozen=True):
    pass


class RefreshToken(Struct, frozen=True, kw_only=True, gc=False):
    """The one that is good now, and the hashes of those that were exchanged."""

    hash: str
    expires_at: datetime
    rotated_at: datetime | None = None
    exchanged: tuple[str, ...] = ()


class Authorized(Struct, frozen=True, kw_only=True, gc=False):
    granted: AuthorizationGranted
    code: CodeIssued | None = None
    redeemed: bool = False
    refresh: RefreshToken | None = None


class Revoked(Struct, frozen=True, kw_only=True, gc=False):
    was: Authorized
    why: str


Authorization = Unauthorized | Authorized | Revoked


def evolve(authorization: Authorization, event: AuthorizationEvent) -> Authorization:
    """What the authorization is after the event. Total: it never refuses."""
    match event:
        case AuthorizationGranted():
            return Authorized(granted=event)
        case CodeReplayed() | RedemptionRefused() | RefreshTokenReplayed():
            return authorization
        case _:
            return _with(authorization, event) if isinstance(authorization, Authorized) else authorization


def _with(
    authorization: Authorized,
    event: CodeIssued | CodeRedeemed | RefreshTokenIssued | RefreshTokenRotated | AuthorizationRevoked,
) -> Authorized | Revoked:
    match event:
        case CodeIssued():
            return authorization.__replace__(code=event)
        case CodeRedeemed():
            return authorization.__replace__(redeemed=True)
        case RefreshTokenIssued():
            return authorization.__replace__(refresh=RefreshToken(hash=event.hash, expires_at=event.expires_at))
        case RefreshTokenRotated():
            return authorization.__replace__(refresh=_rotated(authorization.refresh, event))
        case AuthorizationRevoked():
            return Revoked(was=authorization, why=event.why)


def _rotated(before: RefreshToken | None, event: RefreshTokenRotated) -> RefreshToken | None:
    return before and before.__replace__(
        hash=event.hash, rotated_at=event.at, exchanged=(*before.exchanged, before.hash)
    )
