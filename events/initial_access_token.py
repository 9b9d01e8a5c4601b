"""The events of an initial access token, with which clients register themselves (RFC 7591 section 3), and the states that they lead to."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Allowance(Struct, frozen=True, kw_only=True, gc=False):
    """What the token allows. `owner` owns the clients; `scopes` are those that they may have, besides the scopes about users.

    `machines` says that they may be machine clients (grant client_credentials). `uses` is how many it may register.
    """

    owner: str
    scopes: tuple[str, ...]
    machines: bool
    uses: int
    expires_at: datetime | None


class InitialAccessTokenIssued(Struct, frozen=True, kw_only=True, gc=False, tag="initial_access_token.issued"):
    """`hash` is the SHA-256 (hex) of the token, and `hint` its last characters."""

    name: str
    allows: Allowance
    hash: str
    hint: str
    at: datetime


class InitialAccessTokenUsed(Struct, frozen=True, kw_only=True, gc=False, tag="initial_access_token.used"):
    """It allowed the registration of this client, which the client's first event names as its cause."""

    client: UUID
    at: datetime


class InitialAccessTokenRevoked(Struct, frozen=True, kw_only=True, gc=False, tag="initial_access_token.revoked"):
    """The clients that it registered stay."""

    owner: str
    at: datetime


InitialAccessTokenEvent = InitialAccessTokenIssued | InitialAccessTokenUsed | InitialAccessTokenRevoked


class NoInitialAccessToken(Struct, frozen=True):
    pass


class UsableInitialAccessToken(Struct, frozen=True, kw_only=True, gc=False):
    """`used` counts its uses. It may be used up or expired."""

    allows: Allowance
    hash: str
    used: int = 0


class RevokedInitialAccessToken(Struct, frozen=True, kw_only=True, gc=False):
    owner: str


InitialAccessToken = NoInitialAccessToken | UsableInitialAccessToken | RevokedInitialAccessToken


def evolve(token: InitialAccessToken, event: InitialAccessTokenEvent) -> InitialAccessToken:
    """Returns the token after the event. It never refuses."""
    match event:
        case InitialAccessTokenIssued():
            return UsableInitialAccessToken(allows=event.allows, hash=event.hash)
        case InitialAccessTokenUsed():
            return token.__replace__(used=token.used + 1) if isinstance(token, UsableInitialAccessToken) else token
        case InitialAccessTokenRevoked():
            return RevokedInitialAccessToken(owner=event.owner)
