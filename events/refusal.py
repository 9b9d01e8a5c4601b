"""What was refused before anything began: a request for an authorization that went wrong. Each is a stream of its own."""

from datetime import datetime

from msgspec import Struct


class AuthorizationRefused(Struct, frozen=True, kw_only=True, gc=False, tag="refusal.authorization"):
    """A request named this client and could not even be answered at its redirect URI. Never a secret, never all of what was sent."""

    client_id: str
    why: str
    at: datetime


RefusalEvent = AuthorizationRefused
