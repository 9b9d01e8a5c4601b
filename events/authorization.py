"""The events of an authorization: one user's grant to one client, its code, and the tokens that are issued from it.

A code or refresh token consists of the authorization's id and a random part. Events have only the SHA-256 of the random part.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

Binding = Literal["pkce", "nonce"]


class Assertion(Struct, frozen=True, kw_only=True, gc=False):
    """A trusted issuer asserted the user, by the token with this `jti`. `issuer_id` is the stream of the issuer.

    `token` is the jti of the token that was issued for it. Older events have UNSET.
    """

    issuer_id: UUID
    issuer: str
    jti: str | None
    at: datetime | UnsetType = UNSET
    token: UUID | UnsetType = UNSET


NO_SESSION = UUID(int=0)
"""The session of an authorization that a trusted issuer's assertion gave: there is none here."""


class AuthorizationGranted(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.granted"):
    """A user granted a client these scopes; `auth_time`, `acr` and `amr` say how the user had authenticated.

    `bound_by` says what binds the code to the browser that requested it (RFC 9700 section 2.1.1). Older events have UNSET.
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
    access_token_claims: tuple[str, ...] | UnsetType = UNSET
    """Claims about the user that the APIs wanted in their access tokens."""

    restored: int | UnsetType = UNSET
    """How often the client had been restored; UNSET is never. After the next restoration, nothing can be issued from it."""

    assertion: Assertion | UnsetType = UNSET
    """What gave it instead of the user's sign-in here."""

    @property
    def life(self) -> int:
        return 0 if self.restored is UNSET else self.restored


class CodeIssued(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.code_issued"):
    """`redirect_uri` is where the code was sent; `named` says whether the authorization request contained it.

    `dpop_jkt` is the thumbprint of the only key with which the code can be redeemed (RFC 9449 section 10); UNSET is any, or none.
    A device code (RFC 8628) was sent nowhere: `device` is its device authorization, and `redirect_uri` is empty.
    """

    hash: str
    redirect_uri: str
    named: bool
    code_challenge: str | None
    expires_at: datetime
    at: datetime
    dpop_jkt: str | UnsetType = UNSET
    device: UUID | UnsetType = UNSET


class CodeRedeemed(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.code_redeemed"):
    jti: UUID
    at: datetime


class CodeReplayed(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.code_replayed"):
    """The code was presented a second time, so an attacker may have it too (RFC 9700 section 2.1.1)."""

    at: datetime


class RedemptionRefused(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.redemption_refused"):
    """The code or refresh token was valid, but not the request: another client, a wrong verifier or another redirect URI."""

    client_id: str
    why: str
    at: datetime


class RefreshTokenIssued(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.refresh_token_issued"):
    """`jkt` is the thumbprint of the key to which this refresh token and those after it are bound (RFC 9449 section 5); UNSET is none."""

    hash: str
    expires_at: datetime
    at: datetime
    jkt: str | UnsetType = UNSET


class RefreshTokenRotated(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.refresh_token_rotated"):
    """The refresh token was exchanged for the next one; `hash` is of the next one. The same `hash`: the client keeps the refresh token."""

    hash: str
    jti: UUID
    at: datetime


class RefreshTokenReplayed(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.refresh_token_replayed"):
    """A refresh token was presented again after its exchange, so an attacker may have it (RFC 9700 section 4.14)."""

    at: datetime


class AuthorizationRevoked(Struct, frozen=True, kw_only=True, gc=False, tag="authorization.revoked"):
    """Every token that was issued from the authorization is revoked."""

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


NAMING = AuthorizationGranted | CodeRedeemed | RefreshTokenRotated
"""The events that name a token which was issued from the authorization."""


def token_named(event: object) -> UUID | None:
    """Returns the jti of the token that the event names."""
    match event:
        case CodeRedeemed() | RefreshTokenRotated():
            return event.jti
        case AuthorizationGranted(assertion=Assertion(token=UUID() as jti)):
            return jti
        case _:
            return None


class Unauthorized(Struct, frozen=True):
    pass


MOST_LATEST = 64
"""Each event of a stream copies one of the two tuples, so both stay short: in one, thousands of exchanges took 90 ms to fold."""


class RefreshToken(Struct, frozen=True, kw_only=True, gc=False):
    """`hash` is of the current refresh token; `exchanged` are the hashes of the latest of those before it, and `long_exchanged` of the
    earlier ones, by the MOST_LATEST. `uses` counts the refreshes.
    """

    hash: str
    expires_at: datetime
    rotated_at: datetime | None = None
    exchanged: tuple[str, ...] = ()
    long_exchanged: tuple[tuple[str, ...], ...] = ()
    uses: int = 0
    jkt: str | UnsetType = UNSET

    def exchanged_ever(self) -> Iterator[str]:
        """Yields the hashes of all earlier refresh tokens."""
        return chain(self.exchanged, *self.long_exchanged)


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
    """Returns the authorization after the event. It never refuses. Of a long stream most are rotations, so these are matched first."""
    if isinstance(event, AuthorizationGranted):
        return Authorized(granted=event)
    if not isinstance(authorization, Authorized):
        return authorization
    match event:
        case RefreshTokenRotated():
            return authorization.__replace__(refresh=_rotated(authorization.refresh, event))
        case CodeIssued():
            return authorization.__replace__(code=event)
        case CodeRedeemed():
            return authorization.__replace__(redeemed=True)
        case RefreshTokenIssued():
            refresh = RefreshToken(hash=event.hash, expires_at=event.expires_at, jkt=event.jkt)
            return authorization.__replace__(refresh=refresh)
        case AuthorizationRevoked():
            return Revoked(was=authorization, why=event.why)
        case CodeReplayed() | RedemptionRefused() | RefreshTokenReplayed():
            return authorization


def refreshed(authorization: Authorization, times: int) -> Authorization:
    """Returns an authorization that was refreshed so many times more, by refresh tokens that are not known here."""
    if not times or not isinstance(authorization, Authorized) or authorization.refresh is None:
        return authorization
    refresh = authorization.refresh
    return authorization.__replace__(refresh=refresh.__replace__(uses=refresh.uses + times))


def without_exchanged(authorization: Authorization) -> Authorization:
    """Returns the authorization without the refresh tokens before the current one, which are many: enough to decide by the current one."""
    if not isinstance(authorization, Authorized):
        return authorization
    refresh = authorization.refresh
    if refresh is None or not refresh.exchanged:
        return authorization
    return authorization.__replace__(refresh=refresh.__replace__(exchanged=(), long_exchanged=()))


def _rotated(before: RefreshToken | None, event: RefreshTokenRotated) -> RefreshToken | None:
    if before is None:
        return None
    uses = before.uses + 1
    if before.hash == event.hash:
        return before.__replace__(uses=uses)
    exchanged, long_exchanged = (*before.exchanged, before.hash), before.long_exchanged
    if len(before.exchanged) >= MOST_LATEST:
        exchanged, long_exchanged = (before.hash,), (*long_exchanged, before.exchanged)
    return before.__replace__(
        hash=event.hash, rotated_at=event.at, exchanged=exchanged, long_exchanged=long_exchanged, uses=uses
    )
