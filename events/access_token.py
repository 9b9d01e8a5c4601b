"""The events of an access token after it was issued. (The issuance log has its issue.) The stream is its jti."""

from datetime import datetime

from msgspec import Struct


class AccessTokenRevoked(Struct, frozen=True, kw_only=True, gc=False, tag="access_token.revoked"):
    """The client revoked the token (RFC 7009), or an operator did with all that follows from a compromise."""

    client_id: str
    expires_at: datetime
    at: datetime


AccessTokenEvent = AccessTokenRevoked


class UnrevokedToken(Struct, frozen=True):
    pass


class RevokedToken(Struct, frozen=True):
    pass


AccessToken = UnrevokedToken | RevokedToken


def evolve(_token: AccessToken, _event: AccessTokenEvent) -> AccessToken:
    return RevokedToken()
